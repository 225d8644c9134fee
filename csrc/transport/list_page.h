// One page of a listing: the same type for every protocol.
//
// Listings may have millions of keys. So a page keeps all its text in one block, and entries are
// offsets into it.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace objectpipes {

// Not equal to any time, not even to itself.
inline constexpr double kUnknownTime = std::numeric_limits<double>::quiet_NaN();

struct ListEntry {
  // A piece of ListPage::text; size 0: absent.
  struct Text {
    uint32_t offset = 0;
    uint32_t size = 0;
  };
  Text key;
  Text etag;                    // without quotes
  Text checksum;                // AIStore: hex
  Text version;                 // AIStore
  int64_t size = -1;            // bytes; -1: unknown
  double mtime = kUnknownTime;  // POSIX seconds
  bool is_prefix = false;       // a common prefix ("directory") of a listing with a delimiter
  bool in_archive = false;      // AIStore: a member of an archive
};

// AIStore: how many objects a listing with the members of archives has counted since its first
// page.
struct ObjectTally {
  uint64_t listed = 0;  // objects that the listing named
  uint64_t stored = 0;  // objects that a listing without members named
};

struct ListPage {
  std::string text;
  std::vector<ListEntry> entries;  // in the server's order, which is the order of keys
  std::string next_token;          // empty: this was the last page
  int64_t targets = -1;            // AIStore: how many the cluster had; -1: unknown
  ObjectTally tally;               // up to the end of this page

  std::string_view view(ListEntry::Text piece) const {
    return std::string_view(text).substr(piece.offset, piece.size);
  }
};

}  // namespace objectpipes
