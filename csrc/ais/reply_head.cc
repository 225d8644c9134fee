#include "ais/reply_head.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "base/encoding.h"
#include "base/excerpt.h"
#include "transport/content_range.h"

namespace objectpipes::ais {
namespace {

OfferedChecksum ChecksumIn(const HttpHead& http) {
  const auto type = ParseChecksumType(http.Get("ais-checksum-type"));
  Result<std::string> digest = HexDecode(http.Get("ais-checksum-value"));
  OfferedChecksum offered;
  if (!type || !digest.ok() || digest.value().empty()) return offered;  // "none", or a new one
  offered.type = *type;
  offered.digest = std::move(digest).value();
  return offered;
}

}  // namespace

Result<ReplyHead> ParseReplyHead(const HttpHead& http, bool is_reply_to_head,
                                 RangeChecksum range_checksum) {
  ReplyHead head;
  const std::string_view length = http.Get("content-length");
  if (!length.empty()) {
    head.length = ParseLength(length);
    if (head.length < 0) return Status::Protocol("malformed Content-Length: " + Excerpt(length));
  } else if (is_reply_to_head) {
    head.length = 0;  // left out for an object without bytes
  }
  const bool partial = http.status() == 206;
  if (partial) {
    OBJECTPIPES_RETURN_IF_ERROR(ApplyContentRange(http.Get("content-range"), &head));
  } else {
    head.object_size = head.length;
  }

  const bool of_range = range_checksum == RangeChecksum::kOfRange;
  head.checksum = ChecksumIn(http);
  if (partial && of_range) head.checksum.scope = OfferedChecksum::Scope::kReply;
  const std::string_view number = http.Get("ais-version");
  const std::string_view checksum = of_range ? "" : http.Get("ais-checksum-value");
  // The members of archives, and what an ETL makes, have neither.
  if (!number.empty() || !checksum.empty()) {
    head.version.append(number).append("|").append(checksum).append("|");
    head.version.append(std::to_string(head.object_size));
  }
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
