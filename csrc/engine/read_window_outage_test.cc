// Reads from a node that is down wait aside, and all others go on.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/read_window.h"
#include "testing/engine_test.h"

namespace objectpipes {
namespace {

class ReadWindowOutageTest : public EngineTest {
 protected:
  ReadWindowOutageTest() {
    options_.concurrency = 2;
    options_.ordered = false;
  }
  ~ReadWindowOutageTest() override {
    if (window_ != nullptr) window_->Close();
  }

  void Open() { window_ = ReadWindow::Open(client_, budget_, options_); }

  void SetDown(char first_letter) {
    OnLoop([&] { store().SetDown(first_letter); });
  }

  // Asks for "a0", "b0", "a1", "b1", ..., this many of each.
  void Submit(int count) {
    std::vector<ReadRequest> requests;
    for (int i = 0; i < count; ++i) {
      for (const char letter : {'a', 'b'}) {
        const std::string key = letter + std::to_string(i);
        store().Put(key, Pattern(100));
        requests.push_back(ReadRequest{ObjectId{"bucket", key}, 100});
      }
    }
    window_->Submit(std::move(requests));
  }

  // The next results, as many as come within some time and at most `most`.
  std::vector<ReadResult> Take(size_t most) {
    std::vector<ReadResult> results;
    const auto until = std::chrono::steady_clock::now() + kForEver;
    while (results.size() < most && std::chrono::steady_clock::now() < until) {
      window_->Take(most - results.size(), 50, &results);
    }
    return results;
  }

  std::shared_ptr<MemoryBudget> budget_ = std::make_shared<MemoryBudget>(&loop_, client_->pool);
  ReadWindow::Options options_;
  std::shared_ptr<ReadWindow> window_;
};

bool IsOk(const ReadResult& result) { return result.status.ok(); }

TEST_F(ReadWindowOutageTest, OthersGoOnAndTheWaitingFollowWhenTheNodeIsBack) {
  SetDown('a');
  Open();
  Submit(30);
  std::vector<ReadResult> others = Take(30);
  ASSERT_EQ(others.size(), 30U);
  for (const ReadResult& result : others) {
    EXPECT_TRUE(result.status.ok());
    EXPECT_EQ(result.sequence % 2, 1U);  // a "b"
  }
  SetDown(0);
  std::vector<ReadResult> waiting = Take(30);
  ASSERT_EQ(waiting.size(), 30U);
  EXPECT_TRUE(std::all_of(waiting.begin(), waiting.end(), IsOk));
}

TEST_F(ReadWindowOutageTest, WhatWaitsTakesNoRoom) {
  SetDown('a');
  Open();
  const size_t room = window_->Room();
  Submit(20);
  ASSERT_EQ(Take(20).size(), 20U);
  EXPECT_EQ(window_->Room(), room);
}

TEST_F(ReadWindowOutageTest, ReadsUnderWayGiveWay) {
  store().Script("a0", {StallsAt(0)});
  store().Script("a1", {StallsAt(0)});
  Open();
  std::vector<ReadRequest> requests;
  for (const std::string key : {"a0", "a1", "b0"}) {
    store().Put(key, Pattern(100));
    requests.push_back(ReadRequest{ObjectId{"bucket", key}, 100});
  }
  window_->Submit(std::move(requests));
  ASSERT_TRUE(Eventually([&] { return store().live() == 2; }));  // all that may be under way
  SetDown('a');
  const std::vector<ReadResult> other = Take(1);
  ASSERT_EQ(other.size(), 1U);
  EXPECT_EQ(other[0].sequence, 2U);
  SetDown(0);
  EXPECT_EQ(Take(2).size(), 2U);
}

// As many as the window takes are all of the lost node: only new requests bring anything.
TEST_F(ReadWindowOutageTest, WhoHasOnlyLostReadsLeftAsksForMore) {
  for (const uint64_t prefetch_bytes : {uint64_t{100'000}, uint64_t{64} << 20}) {
    options_.prefetch_bytes = prefetch_bytes;
    Open();
    SetDown(0);
    const size_t capacity = window_->Room();
    std::vector<ReadRequest> requests;
    for (size_t i = 0; i < capacity; ++i) {
      const std::string key = "a" + std::to_string(i);
      store().Put(key, Pattern(100));
      store().Script(key, {StallsAt(0)});
      requests.push_back(ReadRequest{ObjectId{"bucket", key}, 100});
    }
    window_->Submit(std::move(requests));
    ASSERT_TRUE(Eventually([&] { return store().live() == 2; }));
    EXPECT_FALSE(window_->Starved());
    SetDown('a');
    ASSERT_TRUE(Eventually([&] { return window_->Starved(); }));
    EXPECT_EQ(window_->Room(), capacity);
    store().Put("b", Pattern(100));
    window_->Submit({ReadRequest{ObjectId{"bucket", "b"}, 100}});
    const std::vector<ReadResult> other = Take(1);
    ASSERT_EQ(other.size(), 1U);
    EXPECT_EQ(other[0].sequence, capacity);
    window_->Close();
  }
}

TEST_F(ReadWindowOutageTest, StreamsThatHaveNotBegunGiveWay) {
  options_.prefetch_bytes = uint64_t{4} << 20;
  store().Script("a0", {StallsAt(0)});
  store().Script("a1", {StallsAt(0)});
  Open();
  std::vector<ReadRequest> requests;
  for (const std::string key : {"a0", "a1", "b0"}) {
    store().Put(key, Pattern(2'000'000));
    requests.push_back(ReadRequest{ObjectId{"bucket", key}, 2'000'000});
  }
  window_->Submit(std::move(requests));
  ASSERT_TRUE(Eventually([&] { return store().live() == 2; }));
  SetDown('a');
  const std::vector<ReadResult> other = Take(1);
  ASSERT_EQ(other.size(), 1U);
  EXPECT_EQ(other[0].sequence, 2U);
  SetDown(0);
  const std::vector<ReadResult> waiting = Take(2);
  ASSERT_EQ(waiting.size(), 2U);
  EXPECT_TRUE(std::all_of(waiting.begin(), waiting.end(), IsOk));
}

TEST_F(ReadWindowOutageTest, TheWaitHasAnEnd) {
  options_.timeout_ms = 300;
  SetDown('a');
  Open();
  Submit(1);
  const std::vector<ReadResult> results = Take(2);
  ASSERT_EQ(results.size(), 2U);
  EXPECT_TRUE(results[0].status.ok());
  EXPECT_EQ(results[1].status.code(), StatusCode::kEndpoint);
  EXPECT_EQ(results[1].status.message(), "the node is down");
}

TEST_F(ReadWindowOutageTest, OrderIsKept) {
  options_.ordered = true;
  options_.timeout_ms = 300;
  SetDown('a');
  Open();
  Submit(2);
  const std::vector<ReadResult> results = Take(4);
  ASSERT_EQ(results.size(), 4U);
  for (uint64_t i = 0; i < 4; ++i) {
    EXPECT_EQ(results[i].sequence, i);
    EXPECT_EQ(results[i].status.ok(), i % 2 == 1);
  }
}

}  // namespace
}  // namespace objectpipes
