// Characters of protocols, which are ASCII. <cctype> asks the locale.
#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace objectpipes {

constexpr char ToLower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

inline std::string ToLower(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](char c) { return ToLower(c); });
  return lower;
}

inline bool EqualsIgnoringCase(std::string_view a, std::string_view b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) {
           return ToLower(x) == ToLower(y);
         });
}

constexpr bool IsDigit(char c) { return c >= '0' && c <= '9'; }

constexpr bool IsLower(char c) { return c >= 'a' && c <= 'z'; }

constexpr bool IsAlphanumeric(char c) { return IsDigit(c) || IsLower(ToLower(c)); }

// -1 if `c` is not a hexadecimal digit.
constexpr int HexValue(char c) {
  if (IsDigit(c)) return c - '0';
  const char lower = ToLower(c);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// The whole text as a number; nothing if it is anything else, such as one with a "+", or too large.
template <typename T>
std::optional<T> ParseInteger(std::string_view text, int base = 10) {
  T number{};
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number, base);
  if (error != std::errc() || stop != end) return std::nullopt;
  return number;
}

// C0 controls and DEL; never a byte of UTF-8 beyond ASCII.
constexpr bool IsControl(char c) { return static_cast<unsigned char>(c) < 0x20 || c == '\x7F'; }

// What names of header fields are made of (RFC 9110, 5.6.2).
inline bool IsToken(std::string_view text) {
  static constexpr std::array<bool, 256> kTokenCharacters = [] {
    std::array<bool, 256> set{};
    for (int c = 0; c < 128; ++c) {
      set[static_cast<size_t>(c)] = IsAlphanumeric(static_cast<char>(c));
    }
    for (const char c : std::string_view("!#$%&'*+-.^_`|~")) {
      set[static_cast<unsigned char>(c)] = true;
    }
    return set;
  }();
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return kTokenCharacters[static_cast<unsigned char>(c)];
  });
}

}  // namespace objectpipes
