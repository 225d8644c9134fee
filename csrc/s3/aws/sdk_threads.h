// Counts the threads inside the SDK, for fork() and for the end of the process.
//
// A thread inside may hold a lock of OpenSSL, libcurl or the SDK, which would stay locked in a
// child of fork() for ever. And it uses objects that exit() destroys.
#pragma once

namespace objectpipes {

// Its thread is inside the SDK until it is destroyed. The constructor waits while the process
// forks, and for ever after CloseSdk().
class InsideSdk {
 public:
  InsideSdk();
  ~InsideSdk();
  InsideSdk(const InsideSdk&) = delete;
  InsideSdk& operator=(const InsideSdk&) = delete;
};

// The reverse, for a callback that waits: it holds no lock but the caller's.
class OutsideSdk {
 public:
  OutsideSdk();
  ~OutsideSdk();
  OutsideSdk(const OutsideSdk&) = delete;
  OutsideSdk& operator=(const OutsideSdk&) = delete;
};

// From now on fork() waits a short time for the threads inside.
void WatchForks();

// False in a child whose fork() gave up waiting, and in its own children.
bool IsSdkUsable();

// For the end of the process: lets no thread in, and waits a short time for those inside. Threads
// that receive bytes check IsSdkClosed(), and leave.
void CloseSdk();
bool IsSdkClosed();

}  // namespace objectpipes
