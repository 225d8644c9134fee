#include "s3/express_session.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include "base/utc_time.h"
#include "s3/xml.h"

namespace objectpipes {
namespace {

// Checked because it becomes part of a request's head.
bool IsWord(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7F; });
}

}  // namespace

Result<ExpressSession> ParseExpressSession(const std::string& body) {
  const Status malformed =
      Status::Protocol("The server's reply to CreateSession does not have the keys of a session");
  pugi::xml_document document;
  if (!document.load_buffer(body.data(), body.size(), kXmlParseFlags, pugi::encoding_utf8)) {
    return malformed;
  }
  const pugi::xml_node keys = XmlChild(XmlChild(document, "CreateSessionResult"), "Credentials");
  const auto field = [&keys](std::string_view name) { return XmlValue(XmlChild(keys, name)); };
  ExpressSession session{{field("AccessKeyId"), field("SecretAccessKey"), field("SessionToken")}};
  const std::optional<double> expires = ParseTime(field("Expiration"));
  const Credentials& found = session.credentials;
  const bool complete =
      IsWord(found.access_key) && IsWord(found.secret_key) && IsWord(found.session_token);
  if (!complete || !expires.has_value()) return malformed;
  session.expires = static_cast<int64_t>(*expires);
  return session;
}

}  // namespace objectpipes
