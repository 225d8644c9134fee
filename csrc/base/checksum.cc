#include "base/checksum.h"

#include <openssl/err.h>
#include <openssl/evp.h>

#include <cassert>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace objectpipes {

class StreamHash {
 public:
  virtual ~StreamHash() = default;
  virtual void Update(const void* data, size_t size) = 0;
  virtual std::string Finish() = 0;
};

namespace {

constexpr struct {
  std::string_view name;
  ChecksumType type;
} kNames[] = {
    {"none", ChecksumType::kNone},        {"crc32", ChecksumType::kCrc32},
    {"crc32c", ChecksumType::kCrc32c},    {"crc64nvme", ChecksumType::kCrc64Nvme},
    {"md5", ChecksumType::kMd5},          {"sha1", ChecksumType::kSha1},
    {"sha256", ChecksumType::kSha256},    {"sha512", ChecksumType::kSha512},
    {"xxhash64", ChecksumType::kXxh64},   {"xxhash", ChecksumType::kXxh64},
    {"xxhash2", ChecksumType::kXxh64},    {"xxhash3", ChecksumType::kXxh3},
    {"xxhash128", ChecksumType::kXxh128},
};

std::string BigEndian(uint64_t value, size_t size) {
  std::string bytes(size, '\0');
  for (size_t i = size; i-- > 0; value >>= 8) bytes[i] = static_cast<char>(value & 0xFF);
  return bytes;
}

std::optional<CrcKind> CrcKindOf(ChecksumType type) {
  switch (type) {
    case ChecksumType::kCrc32:
      return CrcKind::kCrc32;
    case ChecksumType::kCrc32c:
      return CrcKind::kCrc32c;
    case ChecksumType::kCrc64Nvme:
      return CrcKind::kCrc64Nvme;
    default:
      return std::nullopt;
  }
}

// Null if OpenSSL does not offer it. The mark keeps OpenSSL's error out of the thread's error
// queue.
const EVP_MD* FetchDigest(const char* name) {
  ERR_set_mark();
  const EVP_MD* const digest = EVP_MD_fetch(nullptr, name, nullptr);
  ERR_pop_to_mark();
  return digest;
}

// Looked up once per process. Null if not available.
const EVP_MD* DigestOf(ChecksumType type) {
  static const EVP_MD* const md5 = FetchDigest("MD5");
  static const EVP_MD* const sha1 = FetchDigest("SHA1");
  static const EVP_MD* const sha256 = FetchDigest("SHA256");
  static const EVP_MD* const sha512 = FetchDigest("SHA512");
  switch (type) {
    case ChecksumType::kMd5:
      return md5;
    case ChecksumType::kSha1:
      return sha1;
    case ChecksumType::kSha256:
      return sha256;
    case ChecksumType::kSha512:
      return sha512;
    default:
      return nullptr;
  }
}

class OpenSslHash final : public StreamHash {
 public:
  explicit OpenSslHash(const EVP_MD* digest) : context_(EVP_MD_CTX_new()) {
    EVP_DigestInit_ex2(context_.get(), digest, nullptr);
  }

  void Update(const void* data, size_t size) override {
    EVP_DigestUpdate(context_.get(), data, size);
  }

  std::string Finish() override {
    unsigned char bytes[EVP_MAX_MD_SIZE];
    unsigned int size = 0;  // stays 0 if anything failed: an empty digest matches no other
    EVP_DigestFinal_ex(context_.get(), bytes, &size);
    return std::string(reinterpret_cast<const char*>(bytes), size);
  }

 private:
  struct Free {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  };
  std::unique_ptr<EVP_MD_CTX, Free> context_;
};

std::string Bytes(uint64_t hash) { return BigEndian(hash, 8); }
std::string Bytes(XXH128_hash_t hash) { return Bytes(hash.high64) + Bytes(hash.low64); }

XXH_errorcode ResetXxh64(XXH64_state_t* state) { return XXH64_reset(state, 0); }

// The functions are those of the library for this state.
template <typename State, auto Reset, auto Extend, auto Digest>
class XxHash final : public StreamHash {
 public:
  XxHash() { Reset(&state_); }
  void Update(const void* data, size_t size) override { Extend(&state_, data, size); }
  std::string Finish() override { return Bytes(Digest(&state_)); }

 private:
  State state_;
};

using Xxh64 = XxHash<XXH64_state_t, ResetXxh64, XXH64_update, XXH64_digest>;
using Xxh3 = XxHash<XXH3_state_t, XXH3_64bits_reset, XXH3_64bits_update, XXH3_64bits_digest>;
using Xxh128 = XxHash<XXH3_state_t, XXH3_128bits_reset, XXH3_128bits_update, XXH3_128bits_digest>;

std::unique_ptr<StreamHash> MakeHash(ChecksumType type) {
  switch (type) {
    case ChecksumType::kXxh64:
      return std::make_unique<Xxh64>();
    case ChecksumType::kXxh3:
      return std::make_unique<Xxh3>();
    case ChecksumType::kXxh128:
      return std::make_unique<Xxh128>();
    default:
      return std::make_unique<OpenSslHash>(DigestOf(type));
  }
}

}  // namespace

std::optional<ChecksumType> ParseChecksumType(std::string_view name) {
  for (const auto& known : kNames) {
    if (known.name == name) return known.type;
  }
  return std::nullopt;
}

std::string_view ChecksumName(ChecksumType type) {
  for (const auto& known : kNames) {
    if (known.type == type) return known.name;
  }
  return "unknown";
}

Checksum::Checksum(ChecksumType type) {
  assert(Available(type));
  if (const std::optional<CrcKind> kind = CrcKindOf(type)) {
    state_ = Crc{*kind};
  } else if (type != ChecksumType::kNone) {
    state_ = MakeHash(type);
  }
}

Checksum::Checksum(Checksum&&) noexcept = default;
Checksum& Checksum::operator=(Checksum&&) noexcept = default;
Checksum::~Checksum() = default;

bool Checksum::Available(ChecksumType type) {
  switch (type) {
    case ChecksumType::kMd5:
    case ChecksumType::kSha1:
    case ChecksumType::kSha256:
    case ChecksumType::kSha512:
      return DigestOf(type) != nullptr;
    default:
      return true;
  }
}

void Checksum::Update(const void* data, size_t size) {
  if (auto* crc = std::get_if<Crc>(&state_)) {
    crc->value = ExtendCrc(crc->kind, crc->value, data, size);
  } else if (auto* hash = std::get_if<std::unique_ptr<StreamHash>>(&state_)) {
    (*hash)->Update(data, size);
  }
}

std::string Checksum::Finish() {
  if (const auto* crc = std::get_if<Crc>(&state_)) {
    return BigEndian(crc->value, crc->kind == CrcKind::kCrc64Nvme ? 8 : 4);
  }
  if (auto* hash = std::get_if<std::unique_ptr<StreamHash>>(&state_)) return (*hash)->Finish();
  return {};
}

}  // namespace objectpipes
