#include "base/fork.h"

#include <atomic>
#include <mutex>

#ifdef _WIN32
#include <process.h>
#else
#include <pthread.h>
#include <unistd.h>
#endif

namespace objectpipes {
namespace {

std::atomic<uint32_t> generation{0};
void (*before_fork)() = nullptr;
void (*after_fork)() = nullptr;

#ifndef _WIN32
void AfterInChild() {
  generation.fetch_add(1, std::memory_order_relaxed);
  after_fork();
}
#endif

}  // namespace

uint32_t ForkGeneration() { return generation.load(std::memory_order_relaxed); }

int64_t ProcessId() {
#ifdef _WIN32
  return _getpid();
#else
  return getpid();
#endif
}

void InstallForkHooks(void (*before)(), void (*after)()) {
  static std::once_flag once;
  std::call_once(once, [before, after] {
    before_fork = before;
    after_fork = after;
#ifndef _WIN32
    pthread_atfork(before_fork, after_fork, &AfterInChild);
#endif
  });
}

}  // namespace objectpipes
