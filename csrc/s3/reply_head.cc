#include "s3/reply_head.h"

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "base/encoding.h"

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

std::optional<uint64_t> ParseNumber(std::string_view text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

Status Malformed(std::string_view name, std::string_view value) {
  return Status::Protocol("malformed " + std::string(name) + ": \"" + std::string(value) + "\"");
}

// "bytes 0-99/1234" (RFC 9110, 14.4); the size may be "*".
Status ParseContentRange(std::string_view text, ReplyHead* head) {
  constexpr std::string_view kUnit = "bytes ";
  const size_t dash = text.find('-');
  const size_t slash = text.find('/');
  if (text.substr(0, kUnit.size()) != kUnit || dash == std::string_view::npos ||
      slash == std::string_view::npos || slash < dash) {
    return Malformed("Content-Range", text);
  }
  const auto first = ParseNumber(text.substr(kUnit.size(), dash - kUnit.size()));
  const auto last = ParseNumber(text.substr(dash + 1, slash - dash - 1));
  const auto size = ParseNumber(text.substr(slash + 1));
  if (!first || !last || *last < *first || (!size && text.substr(slash + 1) != "*")) {
    return Malformed("Content-Range", text);
  }
  const auto length = static_cast<int64_t>(*last - *first + 1);
  if (head->length >= 0 && head->length != length) {
    return Status::Protocol("Content-Range and Content-Length contradict each other");
  }
  head->begin = *first;
  head->length = length;
  if (size) head->object_size = static_cast<int64_t>(*size);
  return Status::Ok();
}

// "digest" or, of a multipart upload, "digest-parts"; nothing if it is neither.
std::optional<OfferedChecksum> ParseChecksum(ChecksumType type, std::string_view value) {
  OfferedChecksum offered;
  offered.type = type;
  if (const size_t dash = value.find('-'); dash != std::string_view::npos) {
    const auto parts = ParseNumber(value.substr(dash + 1));
    if (!parts) return std::nullopt;
    offered.scope = OfferedChecksum::Scope::kComposite;
    offered.parts = static_cast<uint32_t>(*parts);
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
    const auto value = ParseNumber(length);
    if (!value) return Malformed("Content-Length", length);
    head.length = static_cast<int64_t>(*value);
  }
  if (http_status == 206) {
    OBJECTPIPES_RETURN_IF_ERROR(ParseContentRange(header("content-range"), &head));
  } else {
    head.object_size = head.length;
    head.checksum = ChecksumIn(header);  // with a range it would be that of something else
    if (head.length < 0 && head.checksum.type == ChecksumType::kNone &&
        header("transfer-encoding").empty()) {
      return Status::Protocol("the reply does not say how long it is (no Content-Length)");
    }
  }
  const std::string_view etag = header("etag");
  if (etag.substr(0, 2) != "W/") head.version = etag;  // a weak one may stand for different bytes
  head.can_pin = !head.version.empty();
  return head;
}

}  // namespace objectpipes
