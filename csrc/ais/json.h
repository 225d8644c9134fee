// Reading JSON that a server sent, without exceptions: whatever is absent or of another type is a
// null pointer.
//
// nlohmann/json, because Debian, conda-forge and vcpkg have it, it is header-only (nothing more to
// link into a wheel), MIT, and keeps 64-bit integers exact. simdjson is ten times as fast, but
// cluster maps and errors are small; what is large, the pages of a listing, is MessagePack
// (list_page.h).
#pragma once

#include <nlohmann/json.hpp>
#include <string_view>

namespace objectpipes::ais {

using Json = nlohmann::json;

// Malformed text gives a value without members.
inline Json ParseJson(std::string_view text) {
  return Json::parse(text.begin(), text.end(), nullptr, /*allow_exceptions=*/false);
}

// T is one of Json's own types: std::string, bool, uint64_t, Json::object_t ...
template <typename T>
const T* FindMember(const Json& object, const char* name) {
  const auto member = object.find(name);
  return member == object.end() ? nullptr : member->get_ptr<const T*>();
}

}  // namespace objectpipes::ais
