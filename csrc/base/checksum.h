// The checksums that object stores offer, computed as the bytes arrive.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/crc.h"

namespace objectpipes {

enum class ChecksumType : uint8_t {
  kNone,  // computes nothing; its digest is empty
  kCrc32,
  kCrc32c,
  kCrc64Nvme,
  kMd5,
  kSha1,
  kSha256,
  kSha512,
  kXxh64,   // the xxHash family with seed 0
  kXxh3,    // 64 bits
  kXxh128,  // XXH3 with 128 bits
};

// The type that a server calls `name` (in lower case); nothing if it is unknown. S3's names are the
// ends of its "x-amz-checksum-..." headers. AIStore uses the same names and two more for XXH64:
// xxhash and xxhash2, which are two libraries inside the server but one function.
std::optional<ChecksumType> ParseChecksumType(std::string_view name);

// For messages: S3's name if there are several.
std::string_view ChecksumName(ChecksumType type);

class StreamHash;  // any of them but the CRCs; in checksum.cc

// Movable, not copyable. One thread at a time.
class Checksum {
 public:
  // Precondition: Available(type).
  explicit Checksum(ChecksumType type);
  Checksum(Checksum&&) noexcept;
  Checksum& operator=(Checksum&&) noexcept;
  ~Checksum();

  // False if OpenSSL does not offer the type: a FIPS provider has no MD5.
  static bool Available(ChecksumType type);

  void Update(const void* data, size_t size);

  // The raw bytes, numbers in big-endian order; S3 sends them in base64, AIStore in hexadecimal.
  // The last call.
  std::string Finish();

 private:
  struct Crc {
    CrcKind kind;
    uint64_t value = 0;
  };

  std::variant<std::monostate, Crc, std::unique_ptr<StreamHash>> state_;
};

}  // namespace objectpipes
