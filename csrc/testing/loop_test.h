// What tests of things that live on the I/O thread have in common.
#pragma once

#include <gtest/gtest.h>

#include <functional>

#include "engine/event_loop.h"

namespace objectpipes {

class LoopTest : public ::testing::Test {
 protected:
  // Runs it on the I/O thread and waits until it has.
  void OnLoop(const std::function<void()>& function);

  EventLoop loop_;
};

}  // namespace objectpipes
