// "dir/shard.tar/member": how AIStore names a member of an archive in a listing.
#pragma once

#include <optional>
#include <string_view>

namespace objectpipes::ais {

struct ArchiveMember {
  std::string_view archive;  // the object
  std::string_view member;   // its path in the archive, for ReadOptions::archpath
};

// Goes by the extension alone, as AIStore does when it lists archives. An object of exactly this
// name may exist, too. Nullopt if no directory of the path has such an extension.
std::optional<ArchiveMember> SplitArchiveMember(std::string_view key);

}  // namespace objectpipes::ais
