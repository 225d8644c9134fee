#include "engine/memory_budget.h"

#include <gtest/gtest.h>

namespace objectpipes {
namespace {

TEST(MemoryBudget, OneWindowHasAllItAskedFor) {
  MemoryBudget budget;
  budget.Open(256);
  EXPECT_EQ(budget.Share(256), 256U);
}

TEST(MemoryBudget, WindowsShareWhatTheMostGenerousWasGiven) {
  MemoryBudget budget;
  budget.Open(256);
  budget.Open(256);
  budget.Open(64);
  budget.Open(16);
  EXPECT_EQ(budget.Share(256), 64U);
  EXPECT_EQ(budget.Share(64), 64U);
  EXPECT_EQ(budget.Share(16), 16U) << "never more than it asked for";
}

TEST(MemoryBudget, AClosedWindowLeavesItsShareToTheOthers) {
  MemoryBudget budget;
  budget.Open(256);
  budget.Open(100);
  budget.Open(100);
  budget.Close(100);
  EXPECT_EQ(budget.Share(100), 100U);
  EXPECT_EQ(budget.Share(256), 128U);
  budget.Close(256);
  EXPECT_EQ(budget.Share(100), 100U);
}

}  // namespace
}  // namespace objectpipes
