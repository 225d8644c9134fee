// SHA-256 and HMAC-SHA256 of many short texts. The contexts of OpenSSL are made once: looking up an
// algorithm costs several times as much as hashing the input of a signature.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>

#include "base/result.h"

namespace objectpipes {

// Not thread-safe: all calls use the same contexts. A call fails (kInternal) only if OpenSSL has no
// SHA-256 or no memory.
class Sha256 {
 public:
  using Digest = std::array<uint8_t, 32>;

  Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;
  ~Sha256();

  Result<Digest> Hash(std::string_view text);
  Result<Digest> Hmac(std::string_view key, std::string_view text);

  static std::string_view Bytes(const Digest& digest) {
    return {reinterpret_cast<const char*>(digest.data()), digest.size()};
  }

 private:
  struct Contexts;
  std::unique_ptr<Contexts> contexts_;
};

}  // namespace objectpipes
