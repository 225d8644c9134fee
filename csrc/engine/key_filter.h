// Which listed keys are handed on, decided before a Python object is made of them.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "transport/list_page.h"

namespace objectpipes {

struct KeyFilter {
  // Any of these must match the whole URL; none: all match. Only '*' is special here (it matches
  // '/' too), for which bytes and characters are the same thing; other patterns of fnmatch are left
  // to Python.
  std::vector<std::string> masks;
  int64_t min_size = 0;  // bytes; an entry of unknown size passes
  int64_t max_size = std::numeric_limits<int64_t>::max();
  double modified_after = -1;  // POSIX seconds, exclusive; an entry of unknown age passes
  std::string start_after;     // URL, exclusive; servers that do not know it begin at the beginning

  bool Passes(std::string_view url, const ListEntry& entry) const;
};

// Whether `text` matches `mask`, in which '*' stands for any bytes.
bool MatchesMask(std::string_view mask, std::string_view text);

}  // namespace objectpipes
