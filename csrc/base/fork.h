// Which process of a family of forks this is.
//
// Nothing native survives a fork: threads are gone, locks may be held for ever, and a
// connection shares its socket with the parent, so that one process receives the other's bytes with
// status 200. Whoever owns such things remembers the generation it was made in and touches nothing
// when it has changed.
#pragma once

#include <cstdint>

namespace objectpipes {

// 0 in the first process, one more in every child made by fork(). Cheap: one atomic load.
uint32_t ForkGeneration();

// Differs between parent and child even where no hooks are installed; costs a system call.
int64_t ProcessId();

// Called on the forking thread before fork(), and after it in each of the two processes. To be
// called once for the same hooks.
void InstallForkHooks(void (*before)(), void (*in_parent)(), void (*in_child)());

}  // namespace objectpipes
