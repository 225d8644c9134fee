// The meaning of libcurl's result codes: aws-sdk-cpp uses libcurl, and returns its codes as
// numbers.
#pragma once

#include "base/status.h"

namespace objectpipes {

struct CurlMeaning {
  StatusCode status;
  const char* code;  // the dialer's code; empty: it has none
};

// The first connection goes to the proxy where there is one.
inline CurlMeaning MeaningOfCurl(int code, bool has_proxy) {
  switch (code) {
    case 5:   // CURLE_COULDNT_RESOLVE_PROXY
    case 97:  // CURLE_PROXY
      return {StatusCode::kEndpoint, "ProxyUnreachable"};
    case 6:  // CURLE_COULDNT_RESOLVE_HOST
      return {StatusCode::kEndpoint, "NameNotResolved"};
    case 7:  // CURLE_COULDNT_CONNECT
      return {StatusCode::kEndpoint, has_proxy ? "ProxyUnreachable" : "ConnectFailed"};
    case 98:  // CURLE_SSL_CLIENTCERT
      return {StatusCode::kTls, "ClientCertificateRequired"};
    case 35:  // CURLE_SSL_CONNECT_ERROR
      return {StatusCode::kEndpoint, "TlsHandshakeFailed"};
    case 28:  // CURLE_OPERATION_TIMEDOUT
      return {StatusCode::kTimeout, ""};
    case 59:  // CURLE_SSL_CIPHER
    case 66:  // CURLE_SSL_ENGINE_INITFAILED
      return {StatusCode::kTls, ""};
    case 58:  // CURLE_SSL_CERTPROBLEM
    case 77:  // CURLE_SSL_CACERT_BADFILE
      return {StatusCode::kTls, "CertificateFileUnusable"};
    case 60:  // CURLE_PEER_FAILED_VERIFICATION
    case 83:  // CURLE_SSL_ISSUER_ERROR
      return {StatusCode::kTls, "CertificateNotTrusted"};
    case 1:    // CURLE_UNSUPPORTED_PROTOCOL
    case 3:    // CURLE_URL_MALFORMAT
    case 8:    // CURLE_WEIRD_SERVER_REPLY
    case 27:   // CURLE_OUT_OF_MEMORY: before libcurl 8.6 the word for a header that is too long
    case 100:  // CURLE_TOO_LARGE
      return {StatusCode::kProtocol, ""};
    default:
      return {StatusCode::kEndpoint, ""};
  }
}

}  // namespace objectpipes
