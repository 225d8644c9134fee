#include "testing/loop_test.h"

#include <memory>

#include "testing/signal.h"

namespace objectpipes {

void LoopTest::OnLoop(const std::function<void()>& function) {
  auto done = std::make_shared<Signal>();
  loop_.Post([&function, done] {
    function();
    done->Set();
  });
  ASSERT_TRUE(done->Wait()) << "the I/O thread hangs";
}

}  // namespace objectpipes
