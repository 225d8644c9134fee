#include "s3/aws/sdk_threads.h"

#include <chrono>
#include <condition_variable>
#include <mutex>

#ifndef _WIN32
#include <pthread.h>
#endif

namespace objectpipes {
namespace {

// A normal request has ended by then. One that waits for a silent server cannot be stopped before
// the SDK's own limit.
constexpr auto kPatience = std::chrono::milliseconds(500);

struct Threads {
  std::mutex mutex;
  std::condition_variable changed;
  int inside = 0;
  bool forking = false;
  bool closed = false;
  bool usable = true;
};

// Outlives all threads. A child of fork() gets a new one, because it cannot use a condition
// variable on which a thread of the parent waited.
Threads*& TheThreads() {
  static Threads* threads = new Threads;
  return threads;
}

void Enter() {
  Threads& threads = *TheThreads();
  std::unique_lock<std::mutex> lock(threads.mutex);
  threads.changed.wait(lock, [&threads] { return !threads.forking && !threads.closed; });
  ++threads.inside;
}

void Leave() {
  Threads& threads = *TheThreads();
  const std::lock_guard<std::mutex> lock(threads.mutex);
  --threads.inside;
  threads.changed.notify_all();
}

#ifndef _WIN32
// Leaves the mutex locked, for the handlers after the fork.
void BeforeFork() {
  Threads& threads = *TheThreads();
  std::unique_lock<std::mutex> lock(threads.mutex);
  threads.forking = true;
  threads.changed.wait_for(lock, kPatience, [&threads] { return threads.inside == 0; });
  lock.release();
}

void AfterForkInParent() {
  Threads& threads = *TheThreads();
  threads.forking = false;
  threads.changed.notify_all();
  threads.mutex.unlock();
}

void AfterForkInChild() {
  const Threads& parents = *TheThreads();
  TheThreads() = new Threads;
  TheThreads()->usable = parents.usable && parents.inside == 0;
}
#endif

}  // namespace

InsideSdk::InsideSdk() { Enter(); }
InsideSdk::~InsideSdk() { Leave(); }
OutsideSdk::OutsideSdk() { Leave(); }
OutsideSdk::~OutsideSdk() { Enter(); }

void WatchForks() {
#ifndef _WIN32
  static std::once_flag once;
  std::call_once(once, [] { pthread_atfork(&BeforeFork, &AfterForkInParent, &AfterForkInChild); });
#endif
}

bool IsSdkUsable() { return TheThreads()->usable; }

void CloseSdk() {
  Threads& threads = *TheThreads();
  std::unique_lock<std::mutex> lock(threads.mutex);
  threads.closed = true;
  threads.changed.wait_for(lock, kPatience, [&threads] { return threads.inside == 0; });
}

bool IsSdkClosed() {
  Threads& threads = *TheThreads();
  const std::lock_guard<std::mutex> lock(threads.mutex);
  return threads.closed;
}

}  // namespace objectpipes
