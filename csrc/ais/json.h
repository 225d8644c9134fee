// Reads JSON from a server without exceptions: a value that is absent or of another type is a null
// pointer.
//
// Uses nlohmann/json: Debian, conda-forge and vcpkg have it, it is header-only (nothing more to
// link into a wheel), has the MIT license, and keeps 64-bit integers exact. simdjson is ten times
// as fast, but cluster maps and errors are small. The large replies, pages of a listing, are
// MessagePack (list_page.h).
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string_view>

namespace objectpipes::ais {

using Json = nlohmann::json;

// Far more than AIStore sends. A parsed value takes up to ten times the memory of its text.
inline constexpr size_t kMaxJsonDepth = 32;
inline constexpr size_t kMaxJsonValues = 200'000;

// Whether a text is cheap to parse: it is not deep and does not have very many values.
inline bool IsModestJson(std::string_view text) {
  size_t depth = 0;
  size_t values = 1;
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;  // skip the escaped character
      if (c == '"') in_string = false;
      continue;
    }
    if (c == '"') in_string = true;
    if (c == '[' || c == '{') ++depth;
    if ((c == ']' || c == '}') && depth > 0) --depth;
    if (c == ',' || c == ':' || c == '[' || c == '{') ++values;
    if (depth > kMaxJsonDepth || values > kMaxJsonValues) return false;
  }
  return true;
}

// Malformed or expensive text gives a value without members.
inline Json ParseJson(std::string_view text) {
  if (!IsModestJson(text)) return Json();
  return Json::parse(text.begin(), text.end(), nullptr, /*allow_exceptions=*/false);
}

// T is one of Json's own types: std::string, bool, uint64_t, Json::object_t ...
template <typename T>
const T* FindMember(const Json& object, const char* name) {
  const auto member = object.find(name);
  return member == object.end() ? nullptr : member->get_ptr<const T*>();
}

}  // namespace objectpipes::ais
