#include "base/excerpt.h"

#include <algorithm>

#include "base/ascii.h"

namespace objectpipes {
namespace {

constexpr size_t kMaxLength = 200;

// The text between <title> and the next tag; `body` itself if there is no title.
std::string_view TitleOf(std::string_view body) {
  constexpr std::string_view kOpen = "<title>";
  const auto equal_ignoring_case = [](char a, char b) { return ToLower(a) == b; };
  const auto* const title =
      std::search(body.begin(), body.end(), kOpen.begin(), kOpen.end(), equal_ignoring_case);
  if (title == body.end()) return body;
  body.remove_prefix(static_cast<size_t>(title - body.begin()) + kOpen.size());
  return body.substr(0, body.find('<'));
}

}  // namespace

std::string Excerpt(std::string_view text) {
  std::string line;
  bool space_pending = false;
  for (const char c : text) {
    if (static_cast<unsigned char>(c) <= ' ') {
      space_pending = !line.empty();
      continue;
    }
    if (line.size() >= kMaxLength) return line.append("...");
    if (space_pending) line.push_back(' ');
    space_pending = false;
    line.push_back(c);
  }
  return line;
}

std::string ExcerptOfPage(std::string_view body) { return "\"" + Excerpt(TitleOf(body)) + "\""; }

}  // namespace objectpipes
