// Which listed keys pass, decided before Python objects are made of them.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "transport/list_page.h"

namespace objectpipes {

struct KeyFilter {
  // One of these must match the whole URL; without masks, all URLs pass. Only '*' is special here,
  // and also matches '/': for it, bytes and characters are the same. Python handles other patterns
  // of fnmatch.
  std::vector<std::string> masks;
  int64_t min_size = 0;  // bytes; an entry of unknown size passes
  int64_t max_size = std::numeric_limits<int64_t>::max();
  // POSIX seconds, exclusive; an entry of unknown time passes, and by default every other.
  double modified_after = -std::numeric_limits<double>::infinity();
  std::string start_after;  // a URL, exclusive; some servers ignore it and list from the beginning

  bool Passes(std::string_view url, const ListEntry& entry) const;
};

// Whether `text` matches `mask`, where '*' stands for any bytes.
bool MatchesMask(std::string_view mask, std::string_view text);

}  // namespace objectpipes
