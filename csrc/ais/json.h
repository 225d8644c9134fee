// Reading JSON that a server sent, without exceptions: whatever is absent or of another type is a
// null pointer.
//
// nlohmann/json, because it is in Debian, conda-forge and vcpkg under one name, header-only
// (nothing to link into a wheel), MIT, keeps 64-bit integers exact, and reads MessagePack too, so
// that one library serves everything AIStore says. simdjson reads JSON ten times faster, but what
// is large here, the pages of a listing, is MessagePack (list_page.h).
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
