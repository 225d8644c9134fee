#include "engine/key_filter.h"

#include <algorithm>

namespace objectpipes {

bool MatchesMask(std::string_view mask, std::string_view text) {
  size_t m = 0;
  size_t t = 0;
  size_t star = std::string_view::npos;  // the last '*', and where its match ends so far
  size_t star_end = 0;
  while (t < text.size()) {
    if (m < mask.size() && mask[m] == '*') {
      star = m++;
      star_end = t;
    } else if (m < mask.size() && mask[m] == text[t]) {
      ++m;
      ++t;
    } else if (star != std::string_view::npos) {
      m = star + 1;
      t = ++star_end;
    } else {
      return false;
    }
  }
  return mask.find_first_not_of('*', m) == std::string_view::npos;
}

bool KeyFilter::Passes(std::string_view url, const ListEntry& entry) const {
  // torchdata never listed keys that look like folders. With a delimiter, the folders are what the
  // caller wants.
  if (!entry.is_prefix && url.back() == '/') return false;
  const bool leads_on = entry.is_prefix && start_after.compare(0, url.size(), url) == 0;
  if (url <= start_after && !leads_on) return false;
  if (entry.size >= 0 && (entry.size < min_size || entry.size > max_size)) return false;
  if (entry.mtime <= modified_after) return false;
  return masks.empty() || std::any_of(masks.begin(), masks.end(), [url](const std::string& mask) {
           return MatchesMask(mask, url);
         });
}

}  // namespace objectpipes
