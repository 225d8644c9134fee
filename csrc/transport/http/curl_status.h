// What libcurl's result codes mean, whoever called libcurl.
#pragma once

#include <curl/curl.h>

#include "base/status.h"

namespace objectpipes {

// Precondition: code != CURLE_OK.
inline StatusCode StatusCodeOf(CURLcode code) {
  switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
      return StatusCode::kTimeout;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_ENGINE_INITFAILED:
      return StatusCode::kTls;
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_OUT_OF_MEMORY:  // before libcurl 8.6 the word for a header that is too long
#if LIBCURL_VERSION_NUM >= 0x080600
    case CURLE_TOO_LARGE:
#endif
      return StatusCode::kProtocol;
    default:
      return StatusCode::kEndpoint;
  }
}

}  // namespace objectpipes
