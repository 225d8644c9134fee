#include "engine/verifier.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "base/encoding.h"

namespace objectpipes {
namespace {

constexpr uint64_t kMaxParts = 10'000;  // S3 allows no more

}  // namespace

void Verifier::Expect(const OfferedChecksum& offered) {
  offered_ = Checksum::Available(offered.type) ? offered : OfferedChecksum{};
  part_digests_.clear();
  part_sizes_.clear();
  part_sizes_assumed_ = false;
  checksum_.reset();
  if (active()) checksum_.emplace(offered_.type);
}

void Verifier::SetPartSizes(std::vector<uint64_t> sizes, uint64_t object_size) {
  const uint64_t sum = std::accumulate(sizes.begin(), sizes.end(), uint64_t{0});
  if (sizes.empty() || sizes.size() != offered_.parts || sum != object_size) {
    return Expect(OfferedChecksum{});
  }
  Expect(OfferedChecksum(offered_));
  part_sizes_ = std::move(sizes);
  part_ = 0;
  part_left_ = part_sizes_.front();
}

void Verifier::AssumePartSizes(uint64_t first, uint64_t object_size) {
  const uint64_t parts = offered_.parts;
  const bool possible =
      first > 0 && parts > 0 && parts <= kMaxParts && parts - 1 <= object_size / first;
  if (!possible) return Expect(OfferedChecksum{});
  std::vector<uint64_t> sizes(parts, first);
  sizes.back() = object_size - (parts - 1) * first;
  SetPartSizes(std::move(sizes), object_size);
  part_sizes_assumed_ = parts > 2;  // with two parts, the second has what the first leaves
}

void Verifier::Update(const char* data, size_t size) {
  if (!active()) return;
  if (part_sizes_.empty()) return checksum_->Update(data, size);
  while (size > 0) {
    while (part_left_ == 0 && part_ + 1 < part_sizes_.size()) EndPart();
    if (part_left_ == 0) return;  // beyond the end of the object
    const auto piece = static_cast<size_t>(std::min<uint64_t>(size, part_left_));
    checksum_->Update(data, piece);
    data += piece;
    size -= piece;
    part_left_ -= piece;
  }
}

void Verifier::EndPart() {
  part_digests_ += checksum_->Finish();
  checksum_.emplace(offered_.type);
  ++part_;
  part_left_ = part_ < part_sizes_.size() ? part_sizes_[part_] : 0;
}

Status Verifier::Finish() {
  if (!active()) return Status::Ok();
  if (!part_sizes_.empty()) {
    while (part_ < part_sizes_.size()) EndPart();
    checksum_->Update(part_digests_.data(), part_digests_.size());
  }
  const std::string digest = checksum_->Finish();
  if (digest == offered_.digest) return Status::Ok();
  return Status(StatusCode::kIntegrity, "the bytes received do not match the server's checksum: " +
                                            std::string(ChecksumName(offered_.type)) + " is " +
                                            HexEncode(digest) + ", the server says " +
                                            HexEncode(offered_.digest));
}

}  // namespace objectpipes
