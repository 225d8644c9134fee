// HTTP/1.1 requests as text. No I/O.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "transport/http/http_proxy.h"

namespace objectpipes {

struct HttpRequest {
  enum class Method : uint8_t { kGet, kHead };
  Method method = Method::kGet;
  std::string url;                   // absolute, percent-encoded; sent as it is
  std::vector<std::string> headers;  // "Name: value"
  std::string body;                  // sent with the GET when not empty (AIStore lists this way)

  std::string_view origin() const;  // "scheme://authority"
};

// The text of the request. Only here does text of users, servers and files become part of a
// request, so characters that would end a line or a word are refused: kConfig for a header field
// (such as a token that ends in a line feed), kInvalidArgument for the URL. Messages show neither.
Result<std::string> RequestText(const HttpRequest& request, std::string_view user_agent,
                                const HttpProxy& proxy);

}  // namespace objectpipes
