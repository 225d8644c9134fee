// "dir/shard.tar/member": how AIStore names a member of an archive in a listing.
#pragma once

#include <optional>
#include <string_view>

namespace objectpipes::ais {

struct ArchiveMember {
  std::string_view archive;  // the object
  std::string_view member;   // its path in there, for ReadOptions::archpath
};

// By the extension alone, as AIStore decides which objects it lists as archives; an object of
// exactly this name may exist, too. Nullopt if no part of the path but the last has such an
// extension.
std::optional<ArchiveMember> SplitArchiveMember(std::string_view key);

}  // namespace objectpipes::ais
