#include "s3/reply_head.h"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "base/ascii.h"
#include "base/encoding.h"
#include "base/excerpt.h"
#include "s3/etag.h"
#include "transport/content_range.h"

namespace objectpipes {
namespace {

// The checksums S3 may offer, the cheapest to compute first.
struct ChecksumHeader {
  std::string_view name;
  ChecksumType type;
};
constexpr ChecksumHeader kChecksumHeaders[] = {
    {"x-amz-checksum-crc64nvme", ChecksumType::kCrc64Nvme},
    {"x-amz-checksum-crc32c", ChecksumType::kCrc32c},
    {"x-amz-checksum-crc32", ChecksumType::kCrc32},
    {"x-amz-checksum-sha256", ChecksumType::kSha256},
    {"x-amz-checksum-sha1", ChecksumType::kSha1},
};

// "digest" or, of a multipart upload, "digest-parts"; nothing if it is neither.
std::optional<OfferedChecksum> ParseChecksum(ChecksumType type, std::string_view value) {
  OfferedChecksum offered;
  offered.type = type;
  if (const size_t dash = value.find('-'); dash != std::string_view::npos) {
    const std::optional<uint32_t> parts = ParseInteger<uint32_t>(value.substr(dash + 1));
    if (!parts) return std::nullopt;
    offered.scope = OfferedChecksum::Scope::kComposite;
    offered.parts = *parts;
    value = value.substr(0, dash);
  }
  Result<std::string> digest = Base64Decode(value);
  if (value.empty() || !digest.ok()) return std::nullopt;
  offered.digest = std::move(digest).value();
  return offered;
}

OfferedChecksum ChecksumIn(const HeaderLookup& header) {
  for (const ChecksumHeader& candidate : kChecksumHeaders) {
    auto offered = ParseChecksum(candidate.type, header(candidate.name));
    if (offered) return *std::move(offered);
  }
  return OfferedChecksum{};
}

}  // namespace

bool IsObject(const HeaderLookup& header) {
  return !header("etag").empty() || !header("last-modified").empty();
}

Result<ReplyHead> ParseReplyHead(int http_status, const HeaderLookup& header) {
  ReplyHead head;
  if (const std::string_view length = header("content-length"); !length.empty()) {
    head.length = ParseLength(length);
    if (head.length < 0) return Status::Protocol("malformed Content-Length: " + Excerpt(length));
  }
  if (http_status == 206) {
    OBJECTPIPES_RETURN_IF_ERROR(ApplyContentRange(header("content-range"), &head));
  } else {
    head.object_size = head.length;
    OBJECTPIPES_RETURN_IF_ERROR(CheckContentRangeOfWhole(header("content-range"), head));
    head.checksum = ChecksumIn(header);  // with a range, it would not be that of the body
  }
  head.delimited = IsDelimited(header("content-length"), header("transfer-encoding"),
                               header("content-encoding"));
  if (const std::string_view etag = header("etag"); IsStrongETag(etag)) head.version = etag;
  head.can_pin = !head.version.empty();
  return head;
}

}  // namespace objectpipes
