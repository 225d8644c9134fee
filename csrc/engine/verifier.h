// Compares an object's bytes, given in order, with the checksum its server offered.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/checksum.h"
#include "base/status.h"
#include "transport/transport.h"

namespace objectpipes {

class Verifier {
 public:
  // Forgets everything; from now on bytes are compared with this (kNone: with nothing).
  void Expect(const OfferedChecksum& offered);

  // A composite checksum (S3 multipart upload) is the digest of the parts' digests, and no reply
  // says how long the parts are: they must be asked for before the first byte is given.
  bool needs_part_size() const {
    return active() && offered_.scope == OfferedChecksum::Scope::kComposite && part_size_ == 0;
  }
  // 0: the parts cannot be told apart, so nothing is compared.
  void SetPartSize(uint64_t part_size, uint64_t object_size);

  void Update(const char* data, size_t size);

  // After the last byte: OK or kIntegrity.
  Status Finish();

  bool active() const { return offered_.type != ChecksumType::kNone; }

 private:
  void EndPart();

  OfferedChecksum offered_;
  std::optional<Checksum> checksum_;  // of the object, or of the part under way
  std::string part_digests_;
  uint64_t part_size_ = 0;
  uint64_t part_left_ = 0;
};

}  // namespace objectpipes
