#include "base/encoding.h"

#include <openssl/evp.h>

#include <cassert>
#include <cstddef>
#include <limits>

#include "base/ascii.h"

namespace objectpipes {
namespace {

// OpenSSL counts in int. Only values of headers are encoded here: checksums and tokens.
constexpr size_t kMaxText = std::numeric_limits<int>::max();

const unsigned char* Bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

unsigned char* Bytes(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

Status MalformedBase64() { return Status::InvalidArgument("malformed base64"); }

}  // namespace

std::string HexEncode(std::string_view bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text(2 * bytes.size(), '\0');
  for (size_t i = 0; i < bytes.size(); ++i) {
    const auto byte = static_cast<unsigned char>(bytes[i]);
    text[2 * i] = kDigits[byte >> 4];
    text[2 * i + 1] = kDigits[byte & 0xF];
  }
  return text;
}

Result<std::string> HexDecode(std::string_view text) {
  if (text.size() % 2 != 0) return Status::InvalidArgument("hexadecimal text of odd length");
  std::string bytes;
  bytes.reserve(text.size() / 2);
  for (size_t i = 0; i < text.size(); i += 2) {
    const int high = HexValue(text[i]);
    const int low = HexValue(text[i + 1]);
    if (high < 0 || low < 0) return Status::InvalidArgument("not a hexadecimal digit");
    bytes += static_cast<char>(high << 4 | low);
  }
  return bytes;
}

std::string Base64Encode(std::string_view bytes) {
  const size_t size = (bytes.size() + 2) / 3 * 4;
  assert(size <= kMaxText);
  std::string text(size + 1, '\0');  // OpenSSL ends it with a zero byte
  EVP_EncodeBlock(Bytes(text), Bytes(bytes), static_cast<int>(bytes.size()));
  text.resize(size);
  return text;
}

Result<std::string> Base64Decode(std::string_view text) {
  if (text.size() % 4 != 0 || text.size() > kMaxText) return MalformedBase64();
  std::string bytes(text.size() / 4 * 3, '\0');
  if (EVP_DecodeBlock(Bytes(bytes), Bytes(text), static_cast<int>(text.size())) < 0) {
    return MalformedBase64();
  }
  // OpenSSL takes padding for zero bits and accepts malformed text. Encoding the result again shows
  // both.
  const size_t padding = text.size() - (text.find_last_not_of('=') + 1);
  if (padding > 2) return MalformedBase64();
  bytes.resize(bytes.size() - padding);
  if (Base64Encode(bytes) != text) return MalformedBase64();
  return bytes;
}

}  // namespace objectpipes
