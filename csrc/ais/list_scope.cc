#include "ais/list_scope.h"

#include <algorithm>
#include <cstdint>
#include <string_view>

#include "ais/archive_member.h"

namespace objectpipes::ais {
namespace {

// The archive with this name, or the one that has the name as a member; empty if there is none.
std::string_view ArchiveOf(std::string_view name) {
  const std::string inside = std::string(name).append("/member");
  const auto found = SplitArchiveMember(inside);
  return found.has_value() ? name.substr(0, found->archive.size()) : std::string_view();
}

// The first archive with members that come after the name; empty if there is none. "s.tar.idx"
// comes after "s.tar" but before "s.tar/m".
std::string_view ArchiveBefore(std::string_view name) {
  for (size_t end = 1; end <= name.size(); ++end) {
    const bool before_members = end == name.size() || static_cast<uint8_t>(name[end]) <= '/';
    if (!before_members) continue;
    const std::string_view archive = ArchiveOf(name.substr(0, end));
    if (archive.size() == end) return archive;
  }
  return {};
}

// A name that comes before this one, and before all names that begin with it.
std::string_view NameBefore(std::string_view name) {
  const auto continues = [](char c) { return (static_cast<uint8_t>(c) & 0xC0U) == 0x80; };
  while (!name.empty() && continues(name.back())) name.remove_suffix(1);  // of a character in UTF-8
  return name.substr(0, name.empty() ? 0 : name.size() - 1);
}

}  // namespace

ListScope ScopeOf(const ListRequest& request) {
  std::string_view first = request.prefix;
  std::string_view after = request.start_after;
  if (request.archive_members) {
    if (const auto archive = ArchiveOf(first); !archive.empty()) first = archive;
    if (const auto archive = ArchiveBefore(after); !archive.empty()) after = NameBefore(archive);
  }
  ListScope scope;
  scope.prefix = first.substr(0, first.rfind('/') + 1);
  if (first.size() > scope.prefix.size()) scope.start_after = NameBefore(first);
  if (after > scope.start_after) scope.start_after = after;
  return scope;
}

void Narrow(const ListRequest& request, ListPage* page) {
  const std::string_view prefix = request.prefix;
  const auto place = [&](const ListEntry& entry) {
    return page->view(entry.key).substr(0, prefix.size()).compare(prefix);
  };
  if (!page->entries.empty() && place(page->entries.back()) > 0) page->next_token.clear();
  const auto unwanted = [&](const ListEntry& entry) {
    const bool listed_before = !entry.is_prefix && page->view(entry.key) <= request.start_after;
    return place(entry) != 0 || listed_before;
  };
  page->entries.erase(std::remove_if(page->entries.begin(), page->entries.end(), unwanted),
                      page->entries.end());
}

}  // namespace objectpipes::ais
