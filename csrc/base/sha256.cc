#include "base/sha256.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

namespace objectpipes {
namespace {

template <auto Free>
struct Deleter {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};

const unsigned char* Unsigned(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

Status Unavailable() { return Status(StatusCode::kInternal, "OpenSSL could not compute SHA-256."); }

EVP_MAC_CTX* NewHmacSha256() {
  const std::unique_ptr<EVP_MAC, Deleter<EVP_MAC_free>> hmac(
      EVP_MAC_fetch(nullptr, OSSL_MAC_NAME_HMAC, nullptr));
  if (!hmac) return nullptr;
  EVP_MAC_CTX* const context = EVP_MAC_CTX_new(hmac.get());
  char digest[] = "SHA256";
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
      OSSL_PARAM_construct_end()};
  if (context != nullptr) EVP_MAC_CTX_set_params(context, parameters);
  return context;
}

}  // namespace

struct Sha256::Contexts {
  std::unique_ptr<EVP_MD, Deleter<EVP_MD_free>> algorithm{EVP_MD_fetch(nullptr, "SHA256", nullptr)};
  std::unique_ptr<EVP_MD_CTX, Deleter<EVP_MD_CTX_free>> hash{EVP_MD_CTX_new()};
  std::unique_ptr<EVP_MAC_CTX, Deleter<EVP_MAC_CTX_free>> hmac{NewHmacSha256()};
};

Sha256::Sha256() : contexts_(std::make_unique<Contexts>()) {}
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;
Sha256::~Sha256() = default;

Result<Sha256::Digest> Sha256::Hash(std::string_view text) {
  Digest digest;
  EVP_MD_CTX* const context = contexts_->hash.get();
  if (context == nullptr || EVP_DigestInit_ex(context, contexts_->algorithm.get(), nullptr) != 1 ||
      EVP_DigestUpdate(context, text.data(), text.size()) != 1 ||
      EVP_DigestFinal_ex(context, digest.data(), nullptr) != 1) {
    return Unavailable();
  }
  return digest;
}

Result<Sha256::Digest> Sha256::Hmac(std::string_view key, std::string_view text) {
  Digest digest;
  EVP_MAC_CTX* const context = contexts_->hmac.get();
  // The key is passed every time, which costs 0.4 µs: without it, early releases of OpenSSL 3.0
  // continue the previous text instead of starting again.
  if (context == nullptr || EVP_MAC_init(context, Unsigned(key), key.size(), nullptr) != 1 ||
      EVP_MAC_update(context, Unsigned(text), text.size()) != 1 ||
      EVP_MAC_final(context, digest.data(), nullptr, digest.size()) != 1) {
    return Unavailable();
  }
  return digest;
}

}  // namespace objectpipes
