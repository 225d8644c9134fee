// Tells whether this process was forked since something was made.
//
// Nothing native survives a fork. Threads are gone, and locks may be held for ever. A connection
// shares its socket with the parent's, so one process could receive the other's bytes as its own
// reply. So each owner of such things remembers the generation it was made in, and leaves
// everything alone once that has changed.
#pragma once

#include <cstdint>

namespace objectpipes {

// 0 in the first process, one more in every child made by fork(). Cheap: one atomic load.
uint32_t ForkGeneration();

// Differs between parent and child even if no hooks are installed. Costs a system call.
int64_t ProcessId();

// Has the hooks called on the forking thread: before fork(), and after it in each of the two
// processes. Call it once for the same hooks.
void InstallForkHooks(void (*before)(), void (*in_parent)(), void (*in_child)());

}  // namespace objectpipes
