// Compares bytes, given in order, with a checksum that the server offered.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/checksum.h"
#include "base/status.h"
#include "transport/transport.h"

namespace objectpipes {

// An object that is replaced or damaged more often than this is given up.
inline constexpr int kMaxRereads = 4;

class Verifier {
 public:
  // Starts over: the following bytes are compared with this checksum (kNone: with nothing).
  void Expect(const OfferedChecksum& offered);

  // A composite checksum (S3 multipart upload) is the digest of the parts' digests. No reply says
  // how long the parts are, so their sizes must be set before the first byte is given.
  bool needs_part_sizes() const {
    return active() && offered_.scope == OfferedChecksum::Scope::kComposite && part_sizes_.empty();
  }
  uint32_t parts() const { return offered_.parts; }
  // The size of each part, from the first byte of the object on. If the sizes do not add up to that
  // of the object, nothing is compared.
  void SetPartSizes(std::vector<uint64_t> sizes, uint64_t object_size);
  // Assumes that all parts but the last are as long as the first, which nearly all uploaders do.
  // While part_sizes_assumed(), a mismatch does not prove that bytes are wrong.
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
