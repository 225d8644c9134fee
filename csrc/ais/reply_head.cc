#include "ais/reply_head.h"

#include <optional>
#include <string>
#include <utility>

#include "base/encoding.h"
#include "base/excerpt.h"
#include "transport/content_range.h"

namespace objectpipes::ais {
namespace {

// Offers nothing if the type is unknown: "none", or a new one.
OfferedChecksum Offer(std::optional<ChecksumType> type, std::string_view hex) {
  Result<std::string> digest = HexDecode(hex);
  OfferedChecksum offered;
  if (!type || !digest.ok() || digest.value().empty()) return offered;
  offered.type = *type;
  offered.digest = std::move(digest).value();
  return offered;
}

// A member of an archive and the output of an ETL have neither number nor checksum, so they have no
// identity.
std::string Identity(std::string_view number, std::string_view checksum, int64_t size) {
  if (number.empty() && checksum.empty()) return {};
  std::string identity(number);
  return identity.append("|").append(checksum).append("|").append(std::to_string(size));
}

}  // namespace

Result<ReplyHead> ParseReplyHead(const HttpHead& http, bool is_reply_to_head,
                                 RangeChecksum range_checksum, std::string_view of_object) {
  OBJECTPIPES_RETURN_IF_ERROR(
      http.CheckUnique({"ais-checksum-type", "ais-checksum-value", "ais-version"}));
  ReplyHead head;
  const std::string_view length = http.Get("content-length");
  if (!length.empty()) {
    head.length = ParseLength(length);
    if (head.length < 0) return Status::Protocol("malformed Content-Length: " + Excerpt(length));
  } else if (is_reply_to_head) {
    head.length = 0;  // AIStore leaves it out for an empty object
  }
  head.delimited = is_reply_to_head ||
                   IsDelimited(length, http.Get("transfer-encoding"), http.Get("content-encoding"));
  if (http.status() == 206) {
    OBJECTPIPES_RETURN_IF_ERROR(ApplyContentRange(http.Get("content-range"), &head));
  } else {
    head.object_size = head.length;
    OBJECTPIPES_RETURN_IF_ERROR(CheckContentRangeOfWhole(http.Get("content-range"), head));
  }

  const bool of_range = head.partial && range_checksum == RangeChecksum::kOfRange;
  head.checksum =
      Offer(ParseChecksumType(http.Get("ais-checksum-type")), http.Get("ais-checksum-value"));
  if (of_range) head.checksum.scope = OfferedChecksum::Scope::kReply;
  const std::string_view checksum = of_range ? of_object : http.Get("ais-checksum-value");
  head.version = Identity(http.Get("ais-version"), checksum, head.object_size);
  return head;
}

bool IsAsListed(const HttpHead& http, const ReplyHead& head, const Listed& listed) {
  const auto agree = [](std::string_view told, std::string_view expected) {
    return told.empty() || expected.empty() || told == expected;
  };
  const bool of_range = head.checksum.scope == OfferedChecksum::Scope::kReply;
  return agree(http.Get("ais-version"), listed.version) &&
         agree(of_range ? "" : http.Get("ais-checksum-value"), listed.checksum) &&
         (head.object_size < 0 || listed.size < 0 || head.object_size == listed.size);
}

}  // namespace objectpipes::ais
