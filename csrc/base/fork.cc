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

}  // namespace

uint32_t ForkGeneration() { return generation.load(std::memory_order_relaxed); }

int64_t ProcessId() {
#ifdef _WIN32
  return _getpid();
#else
  return getpid();
#endif
}

void InstallForkHooks(void (*before)(), void (*in_parent)(), void (*in_child)()) {
#ifndef _WIN32
  static std::once_flag once;
  std::call_once(once, [] {
    pthread_atfork(nullptr, nullptr, [] { generation.fetch_add(1, std::memory_order_relaxed); });
  });
  pthread_atfork(before, in_parent, in_child);
#else
  static_cast<void>(before);
  static_cast<void>(in_parent);
  static_cast<void>(in_child);
#endif
}

}  // namespace objectpipes
