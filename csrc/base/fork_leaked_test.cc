#include "base/fork_leaked.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

namespace objectpipes {
namespace {

void Nothing() {}

TEST(ForkLeaked, FreesItsObject) {
  auto object = std::make_shared<int>(1);
  const std::weak_ptr<int> seen = object;
  {
    ForkLeaked<int> holder(std::move(object));
    EXPECT_TRUE(holder);
    EXPECT_EQ(*holder.get(), 1);
    ForkLeaked<int> other;
    EXPECT_FALSE(other);
    other = std::move(holder);
    EXPECT_TRUE(other);
  }
  EXPECT_TRUE(seen.expired());
}

TEST(ForkLeaked, GivesItsObjectOnce) {
  ForkLeaked<int> holder(std::make_shared<int>(1));
  EXPECT_NE(holder.Release(), nullptr);
  EXPECT_FALSE(holder);
  EXPECT_EQ(holder.Release(), nullptr);
}

TEST(ForkLeaked, KeepsItsObjectInAChild) {
  InstallForkHooks(&Nothing, &Nothing, &Nothing);
  ForkLeaked<int> holder(std::make_shared<int>(1));
  const pid_t child = fork();
  if (child == 0) {
    const bool left_alone = !holder.in_its_process() && holder.Release() == nullptr && holder;
    _exit(left_alone ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_TRUE(holder.in_its_process());
}

}  // namespace
}  // namespace objectpipes
