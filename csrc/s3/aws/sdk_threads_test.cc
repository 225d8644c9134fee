#include "s3/aws/sdk_threads.h"

#include <gtest/gtest.h>
#ifndef _WIN32
#include <sys/wait.h>
#include <unistd.h>
#endif

#include <future>
#include <thread>

#include "testing/signal.h"

namespace objectpipes {
namespace {

#ifndef _WIN32
// Forks, and returns what `look` says in the child.
bool InChild(bool (*look)()) {
  WatchForks();
  const pid_t child = fork();
  if (child == 0) _exit(look() ? 0 : 1);
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  return WEXITSTATUS(status) == 0;
}

TEST(SdkThreads, AChildMayUseWhatNobodyIsInside) {
  {
    const InsideSdk inside;
  }
  EXPECT_TRUE(InChild(&IsSdkUsable));
}

TEST(SdkThreads, ForkWaitsForThreadsToLeave) {
  Signal entered;
  std::thread thread([&entered] {
    const InsideSdk inside;
    entered.Set();
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  });
  ASSERT_TRUE(entered.Wait());
  EXPECT_TRUE(InChild(&IsSdkUsable));
  thread.join();
}

TEST(SdkThreads, AChildMustNotUseWhatThreadsStayedInside) {
  const InsideSdk inside;
  EXPECT_FALSE(InChild(&IsSdkUsable));
  EXPECT_FALSE(InChild([] { return InChild(&IsSdkUsable); }));
  EXPECT_TRUE(IsSdkUsable());
}

TEST(SdkThreads, WhoWaitsInACallbackIsNotInside) {
  const InsideSdk inside;
  const OutsideSdk outside;
  EXPECT_TRUE(InChild(&IsSdkUsable));
}

TEST(SdkThreads, NobodyEntersAfterTheEnd) {
  const auto nobody_enters = [] {
    CloseSdk();
    std::promise<void> entered;
    std::thread([&entered] {
      const InsideSdk inside;
      entered.set_value();
    }).detach();
    return entered.get_future().wait_for(std::chrono::milliseconds(50)) ==
           std::future_status::timeout;
  };
  EXPECT_TRUE(InChild(nobody_enters));  // there it does not trouble the other tests
  EXPECT_FALSE(IsSdkClosed());
}
#endif

}  // namespace
}  // namespace objectpipes
