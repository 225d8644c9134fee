// Compares an object's bytes, given in order, with the checksum its server offered.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/checksum.h"
#include "base/status.h"
#include "transport/transport.h"

namespace objectpipes {

// An object that changes or breaks more often is not worth waiting for.
inline constexpr int kMaxRereads = 4;

class Verifier {
 public:
  // Forgets everything; from now on bytes are compared with this (kNone: with nothing).
  void Expect(const OfferedChecksum& offered);

  // A composite checksum (S3 multipart upload) is the digest of the parts' digests, and no reply
  // says how long the parts are: they must be asked for before the first byte is given.
  bool needs_part_sizes() const {
    return active() && offered_.scope == OfferedChecksum::Scope::kComposite && part_sizes_.empty();
  }
  uint32_t parts() const { return offered_.parts; }
  // Bytes of each part, in order, from the first byte of the object on. If they do not make up the
  // object, nothing is compared.
  void SetPartSizes(std::vector<uint64_t> sizes, uint64_t object_size);
  // That all but the last are as long as the first, as nearly every uploader makes them. A mismatch
  // then proves nothing as long as part_sizes_assumed().
  void AssumePartSizes(uint64_t first, uint64_t object_size);
  bool part_sizes_assumed() const { return part_sizes_assumed_; }
  const std::vector<uint64_t>& part_sizes() const { return part_sizes_; }

  void Update(const char* data, size_t size);

  // After the last byte: OK or kIntegrity.
  Status Finish();

  bool active() const { return offered_.type != ChecksumType::kNone; }

 private:
  void EndPart();

  OfferedChecksum offered_;
  std::optional<Checksum> checksum_;  // of the object, or of the part under way
  std::string part_digests_;
  std::vector<uint64_t> part_sizes_;
  bool part_sizes_assumed_ = false;
  size_t part_ = 0;         // the one under way
  uint64_t part_left_ = 0;  // of its bytes
};

}  // namespace objectpipes
