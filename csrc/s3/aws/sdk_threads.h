// The threads inside the SDK, for fork() and the end of the process to know about.
//
// A thread inside may hold a lock of OpenSSL, libcurl or the SDK, which in a child of fork() would
// be held for ever. And it uses what exit() destroys.
#pragma once

namespace objectpipes {

// The thread that makes it is inside the SDK until the end of its scope. The constructor waits
// while the process forks, and for ever once CloseSdk() has been called.
class InsideSdk {
 public:
  InsideSdk();
  ~InsideSdk();
  InsideSdk(const InsideSdk&) = delete;
  InsideSdk& operator=(const InsideSdk&) = delete;
};

// The reverse, for a callback that is going to wait: it holds no lock but the caller's own.
class OutsideSdk {
 public:
  OutsideSdk();
  ~OutsideSdk();
  OutsideSdk(const OutsideSdk&) = delete;
  OutsideSdk& operator=(const OutsideSdk&) = delete;
};

// From now on fork() waits for the threads inside, though not for long.
void WatchForks();

// False in a child whose fork() has waited in vain, and in the children of that one.
bool IsSdkUsable();

// For the end of the process: lets nobody in any more and waits for the threads inside, though not
// for long. Those that receive something look at IsSdkClosed(), and leave.
void CloseSdk();
bool IsSdkClosed();

}  // namespace objectpipes
