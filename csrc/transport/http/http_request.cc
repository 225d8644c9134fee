#include "transport/http/http_request.h"

#include <algorithm>

#include "base/ascii.h"

namespace objectpipes {
namespace {

bool IsUrl(std::string_view url) {
  const size_t authority = url.find("://");
  return authority != std::string_view::npos && authority + 3 < url.size() &&
         std::all_of(url.begin(), url.end(), [](char c) { return c > ' ' && c < '\x7F'; });
}

// Refuses all control characters, because a receiver may take any of them for a line end. Counts,
// because a loop that does not end early runs in vector instructions.
bool IsValue(std::string_view value) {
  return std::count_if(value.begin(), value.end(),
                       [](char c) { return IsControl(c) && c != '\t'; }) == 0;
}

// Appends "\r\nname: value".
Status AppendField(std::string_view name, std::string_view value, std::string* text) {
  if (!IsToken(name) || !IsValue(value)) {
    return Status(StatusCode::kConfig, "A request cannot be sent: its field \"" +
                                           (IsToken(name) ? std::string(name) : "?") +
                                           "\" would hold a control character, such as a line end");
  }
  text->append("\r\n").append(name).append(": ").append(value);
  return Status::Ok();
}

}  // namespace

std::string_view HttpRequest::origin() const {
  const size_t path = std::min(url.find_first_of("/?#", url.find("://") + 3), url.size());
  return std::string_view(url).substr(0, path);
}

Result<std::string> RequestText(const HttpRequest& request, std::string_view user_agent,
                                const HttpProxy& proxy) {
  if (!IsUrl(request.url)) {
    return Status::InvalidArgument(
        "The request cannot be sent: its URL would have a control character or a space");
  }
  const std::string origin(request.origin());
  const std::string_view target = std::string_view(request.url).substr(origin.size());
  const bool forwarded = proxy.Forwards(origin);
  std::string text;
  text.reserve(1024 + request.body.size());
  text.append(request.method == HttpRequest::Method::kHead ? "HEAD " : "GET ");
  if (forwarded) text.append(origin);
  if (target.substr(0, 1) != "/") text.append("/");
  text.append(target).append(" HTTP/1.1");
  const std::string_view host = std::string_view(origin).substr(origin.find("://") + 3);
  OBJECTPIPES_RETURN_IF_ERROR(AppendField("host", host, &text));
  OBJECTPIPES_RETURN_IF_ERROR(AppendField("user-agent", user_agent, &text));
  if (forwarded && !proxy.authorization().empty()) {
    OBJECTPIPES_RETURN_IF_ERROR(AppendField("proxy-authorization", proxy.authorization(), &text));
  }
  for (const std::string_view header : request.headers) {
    const size_t colon = std::min(header.find(": "), header.size());
    OBJECTPIPES_RETURN_IF_ERROR(AppendField(
        header.substr(0, colon), header.substr(std::min(colon + 2, header.size())), &text));
  }
  if (!request.body.empty()) {
    text.append("\r\ncontent-length: ").append(std::to_string(request.body.size()));
  }
  text.append("\r\n\r\n").append(request.body);
  return text;
}

}  // namespace objectpipes
