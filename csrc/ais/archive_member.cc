#include "ais/archive_member.h"

#include <algorithm>
#include <cstddef>
#include <iterator>

namespace objectpipes::ais {
namespace {

constexpr std::string_view kExtensions[] = {".tar", ".tgz", ".tar.gz", ".zip", ".tar.lz4"};

bool IsArchive(std::string_view name) {
  return std::any_of(std::begin(kExtensions), std::end(kExtensions), [&](std::string_view end) {
    return name.size() >= end.size() && name.substr(name.size() - end.size()) == end;
  });
}

}  // namespace

std::optional<ArchiveMember> SplitArchiveMember(std::string_view key) {
  for (size_t slash = key.find('/'); slash != std::string_view::npos;
       slash = key.find('/', slash + 1)) {
    const std::string_view archive = key.substr(0, slash);
    const std::string_view member = key.substr(slash + 1);
    if (!member.empty() && IsArchive(archive)) return ArchiveMember{archive, member};
  }
  return std::nullopt;
}

}  // namespace objectpipes::ais
