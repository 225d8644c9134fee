#include "ais/target_health.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>

#include "testing/loop_test.h"
#include "testing/loopback_server.h"

namespace objectpipes::ais {
namespace {

using Peer = LoopbackServer::Peer;

constexpr char kUnwell[] = "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n";

// A target that says of its health what a test tells it to, under a clock that a test sets.
class TargetHealthTest : public LoopTest {
 protected:
  TargetHealthTest()
      : server_([this](Peer* peer) {
          while (!peer->ReadRequest().empty()) {
            if (silent_) return peer->AwaitEnd();
            if (!peer->Send(well_ ? Reply("") : kUnwell)) return;
          }
        }) {
    HttpOptions options;
    options.connect_timeout_ms = options.stall_timeout_ms = 10'000;
    OnLoop([&] {
      session_ = std::make_unique<HttpSession>(&loop_.http(), options);
      const Target target{"t1", server_.url(""), 7};
      health_ = std::make_unique<TargetHealth>(session_.get(), target, [this] { return now_ms_; });
    });
  }
  ~TargetHealthTest() override {
    OnLoop([this] {
      health_.reset();
      session_.reset();
    });
  }

  // Looks after so many milliseconds.
  void LookAfter(int64_t ms) {
    OnLoop([&] {
      now_ms_ += ms;
      health_->Poll(now_ms_);
    });
  }
  // Waits until that is how it is judged, while it is looked at.
  bool Becomes(bool down) {
    for (int i = 0; i < 1000; ++i) {
      bool is_down = false;
      OnLoop([&] { is_down = health_->is_down(); });
      if (is_down == down) return true;
      LookAfter(500);
    }
    return false;
  }
  bool is_down() {
    bool down = false;
    OnLoop([&] { down = health_->is_down(); });
    return down;
  }
  size_t questions() const { return server_.requests().size(); }

  int64_t now_ms_ = 100'000;
  std::atomic<bool> silent_{false};
  std::atomic<bool> well_{true};
  LoopbackServer server_;
  std::unique_ptr<HttpSession> session_;
  std::unique_ptr<TargetHealth> health_;
};

TEST_F(TargetHealthTest, IsNotAskedWhileRequestsAreAnswered) {
  OnLoop([this] {
    health_->OnSent();
    health_->OnSent();
    now_ms_ += 900;
    health_->OnAnswered();
  });
  LookAfter(900);
  EXPECT_FALSE(is_down());
  EXPECT_EQ(questions(), 0U);
}

TEST_F(TargetHealthTest, SilenceOfOneThatAnswersTheQuestionIsPatience) {
  OnLoop([this] { health_->OnSent(); });
  LookAfter(1000);
  while (questions() == 0) LookAfter(0);
  EXPECT_FALSE(is_down());
}

TEST_F(TargetHealthTest, OneThatDoesNotAnswerTheQuestionIsDownUntilItDoes) {
  silent_ = true;
  OnLoop([this] { health_->OnSent(); });
  LookAfter(1000);
  EXPECT_FALSE(is_down());
  LookAfter(499);
  EXPECT_FALSE(is_down());
  LookAfter(1);
  EXPECT_TRUE(is_down());
  OnLoop([this] { EXPECT_EQ(health_->down_since_ms(), now_ms_); });
}

TEST_F(TargetHealthTest, AFailedRequestIsAReasonToAsk) {
  well_ = false;
  OnLoop([this] {
    health_->OnSent();
    health_->OnFailed();
  });
  LookAfter(0);
  EXPECT_TRUE(Becomes(true));
  int64_t since_ms = 0;
  OnLoop([&] { since_ms = health_->down_since_ms(); });
  LookAfter(500);
  OnLoop([&] { EXPECT_EQ(health_->down_since_ms(), since_ms); });
  well_ = true;
  EXPECT_TRUE(Becomes(false));
}

// A connection that was idle may have been dropped on the way: that says nothing of the target.
TEST_F(TargetHealthTest, AsksOverAFreshConnection) {
  OnLoop([this] { health_->OnSent(); });
  while (questions() < 3) LookAfter(1000);
  EXPECT_EQ(server_.connections(), 3);
}

TEST_F(TargetHealthTest, WhatWeGaveUpSaysNothing) {
  OnLoop([this] {
    health_->OnSent();
    health_->OnCancelled();
  });
  LookAfter(5000);
  EXPECT_EQ(questions(), 0U);
  EXPECT_FALSE(is_down());
}

}  // namespace
}  // namespace objectpipes::ais
