#include "engine/verifier.h"

#include <algorithm>

#include "base/encoding.h"

namespace objectpipes {

void Verifier::Expect(const OfferedChecksum& offered) {
  offered_ = Checksum::Available(offered.type) ? offered : OfferedChecksum{};
  part_digests_.clear();
  part_size_ = part_left_ = 0;
  checksum_.reset();
  if (active()) checksum_.emplace(offered_.type);
}

void Verifier::SetPartSize(uint64_t part_size, uint64_t object_size) {
  const bool uniform = part_size > 0 && (object_size + part_size - 1) / part_size == offered_.parts;
  if (!uniform) return Expect(OfferedChecksum{});
  part_size_ = part_left_ = part_size;
}

void Verifier::Update(const char* data, size_t size) {
  if (!active()) return;
  if (part_size_ == 0) return checksum_->Update(data, size);
  while (size > 0) {
    if (part_left_ == 0) EndPart();
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
  part_left_ = part_size_;
}

Status Verifier::Finish() {
  if (!active()) return Status::Ok();
  if (part_size_ != 0) {
    EndPart();
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
