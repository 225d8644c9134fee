#include "engine/read_window.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "testing/engine_test.h"

namespace objectpipes {
namespace {

constexpr uint64_t kKiB = uint64_t{1} << 10;
constexpr uint64_t kMiB = uint64_t{1} << 20;

// The whole of a stream, which is closed then.
Result<std::string> ReadAll(Stream* stream) {
  std::string bytes;
  Status failure = Status(StatusCode::kInternal, "nothing comes");
  const auto until = std::chrono::steady_clock::now() + kForEver;
  Stream::Outcome outcome = Stream::Outcome::kNotYet;
  while (outcome != Stream::Outcome::kEnd && std::chrono::steady_clock::now() < until) {
    std::shared_ptr<Chunk> chunk;
    outcome = stream->Take(bytes.size(), 50, &chunk, &failure);
    if (outcome == Stream::Outcome::kFailed) return failure;
    if (outcome == Stream::Outcome::kChunk) bytes.append(chunk->bytes.data(), chunk->bytes.size());
  }
  stream->Close();
  if (bytes.size() != stream->size()) return failure;
  return bytes;
}

Result<std::string> BytesOf(const ReadResult& result) {
  if (!result.status.ok()) return result.status;
  if (result.stream) return ReadAll(result.stream.get().get());
  return std::string(result.buffer.data(), result.buffer.size());
}

class ReadWindowTest : public EngineTest {
 protected:
  ReadWindowTest() { options_.concurrency = 8; }
  ~ReadWindowTest() override {
    if (window_ != nullptr) window_->Close();
    window_.reset();
  }

  std::shared_ptr<ReadWindow> NewWindow() { return ReadWindow::Open(client_, budget_, options_); }
  void Open() { window_ = NewWindow(); }

  static ReadRequest Request(const std::string& key, int64_t size = -1) {
    return ReadRequest{ObjectId{"bucket", key}, size};
  }

  // Puts `count` objects of these sizes, in turn; their keys are their numbers.
  void PutMany(size_t count, const std::vector<uint64_t>& sizes) {
    for (size_t i = 0; i < count; ++i) Put(std::to_string(i), Pattern(sizes[i % sizes.size()], i));
  }
  void Put(const std::string& key, std::string body) {
    bodies_[key] = body;
    store().Put(key, std::move(body));
  }
  void SubmitMany(size_t count, bool with_sizes) {
    std::vector<ReadRequest> requests;
    for (size_t i = 0; i < count; ++i) {
      const std::string key = std::to_string(i);
      requests.push_back(Request(key, with_sizes ? static_cast<int64_t>(bodies_[key].size()) : -1));
    }
    window_->Submit(std::move(requests));
  }

  // The next result.
  ReadResult TakeOne() {
    std::vector<ReadResult> results;
    const auto until = std::chrono::steady_clock::now() + kForEver;
    while (results.empty() && std::chrono::steady_clock::now() < until) {
      window_->Take(1, 50, &results);
    }
    if (results.empty()) {
      ADD_FAILURE() << "no result comes";
      return {};
    }
    return std::move(results.front());
  }
  ::testing::AssertionResult TakesBody(const std::string& key) {
    const Result<std::string> bytes = BytesOf(TakeOne());
    if (!bytes.ok()) return ::testing::AssertionFailure() << bytes.status().message();
    return SameBytes(bytes.value(), bodies_[key]);
  }

  std::shared_ptr<MemoryBudget> budget_ = std::make_shared<MemoryBudget>(&loop_, client_->pool);
  ReadWindow::Options options_;
  std::shared_ptr<ReadWindow> window_;
  std::map<std::string, std::string> bodies_;
};

Attempt ComesLate() {  // after everything else in the test
  Attempt attempt = Fails(StatusCode::kServer, RetryHint::Kind::kRetry);
  attempt.hint.retry_after_ms = 50;
  return attempt;
}

// ---------------------------------------------------------------------------------------------------
// Order

TEST_F(ReadWindowTest, ResultsComeInTheOrderOfTheRequests) {
  PutMany(50, {100, 70'000, 0, 5'000});
  store().Script("0", {ComesLate()});
  store().Script("7", {ComesLate()});
  Open();
  SubmitMany(50, true);
  for (uint64_t i = 0; i < 50; ++i) {
    const ReadResult result = TakeOne();
    EXPECT_EQ(result.sequence, i);
    EXPECT_EQ(result.version, "v1");
    EXPECT_TRUE(SameBytes(BytesOf(result).value(), bodies_[std::to_string(i)]));
  }
  EXPECT_EQ(window_->outstanding(), 0U);
  EXPECT_EQ(stats_.objects, 50U);
}

TEST_F(ReadWindowTest, UnorderedTheyComeAsTheyArriveAndEachOnce) {
  options_.ordered = false;
  PutMany(50, {100, 70'000, 0, 5'000});
  store().Script("0", {ComesLate()});
  Open();
  SubmitMany(50, true);
  std::vector<uint64_t> order;
  for (size_t i = 0; i < 50; ++i) {
    const ReadResult result = TakeOne();
    order.push_back(result.sequence);
    EXPECT_TRUE(SameBytes(BytesOf(result).value(), bodies_[std::to_string(result.sequence)]));
  }
  EXPECT_NE(order.front(), 0U) << "nobody waits for the late one";
  EXPECT_EQ(std::set<uint64_t>(order.begin(), order.end()).size(), 50U);
}

TEST_F(ReadWindowTest, FailuresKeepTheirPlaces) {
  PutMany(3, {1000});
  Open();
  std::vector<ReadRequest> requests;
  requests.push_back(Request("0"));
  requests.push_back(ReadRequest{Status::InvalidArgument("not a URL"), -1});
  requests.push_back(Request("missing"));
  requests.push_back(Request("2"));
  window_->Submit(std::move(requests));
  EXPECT_TRUE(TakesBody("0"));
  EXPECT_EQ(TakeOne().status.code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(TakeOne().status.code(), StatusCode::kObjectNotFound);
  EXPECT_TRUE(TakesBody("2"));
}

TEST_F(ReadWindowTest, ManyResultsAreTakenAtOnce) {
  PutMany(20, {100});
  Open();
  SubmitMany(20, true);
  ASSERT_TRUE(Eventually([this] { return stats_.objects == 20; }));
  std::vector<ReadResult> results;
  EXPECT_TRUE(window_->Take(15, 0, &results));
  EXPECT_EQ(results.size(), 15U);
  EXPECT_TRUE(window_->Take(15, 0, &results));
  EXPECT_EQ(results.size(), 20U);
  EXPECT_FALSE(window_->Take(15, 0, &results));
}

TEST_F(ReadWindowTest, LargeResultsAreTakenFewAtOnce) {
  options_.prefetch_bytes = kMiB;
  PutMany(9, {30 * kKiB, 20 * kKiB, 200 * kKiB});
  Open();
  SubmitMany(9, true);
  std::vector<size_t> taken;
  for (size_t all = 0; all < 9; all += taken.back()) {
    ASSERT_TRUE(Settled());
    std::vector<ReadResult> results;
    ASSERT_TRUE(window_->Take(9, 0, &results));
    taken.push_back(results.size());
  }
  EXPECT_EQ(taken, (std::vector<size_t>{2, 1, 2, 1, 2, 1}));
}

// ---------------------------------------------------------------------------------------------------
// Connections

// Else pipes that nobody iterates on could hold all of them, and the next one none.
TEST_F(ReadWindowTest, ReadsThatWaitForMemoryGiveTheirConnectionsBack) {
  options_.prefetch_bytes = 4 * kMiB;
  PutMany(16, {kMiB});
  Open();
  SubmitMany(16, false);
  ASSERT_TRUE(Settled());
  EXPECT_GT(store().live(), 0);  // their sizes are known now, and there is no room for them
  store().LackConnections(true);
  EXPECT_TRUE(Eventually([this] { return store().live() == 0; }));
  for (size_t i = 0; i < 16; ++i) EXPECT_TRUE(TakesBody(std::to_string(i)));
}

TEST_F(ReadWindowTest, StreamsThatNobodyReadsGiveTheirConnectionsBack) {
  options_.prefetch_bytes = 4 * kMiB;
  PutMany(1, {8 * kMiB});
  Open();
  SubmitMany(1, true);
  const ReadResult held = TakeOne();
  ASSERT_TRUE(Settled());
  EXPECT_GT(store().live(), 0);
  const size_t requests = store().gets().size();
  Put("other", Pattern(100));
  store().Script("other", {StallsAt(0)});  // waits
  window_->Submit({Request("other", 100)});
  store().LackConnections(true);
  EXPECT_TRUE(Eventually([&] { return store().gets().size() > requests && store().live() == 1; }));
  EXPECT_TRUE(SameBytes(BytesOf(held).value(), bodies_["0"]));
}

// ---------------------------------------------------------------------------------------------------
// Number

TEST_F(ReadWindowTest, HasNoMoreUnderWayThanItMay) {
  options_.concurrency = 3;
  PutMany(40, {1000});
  store().Pace(100, 0);
  Open();
  SubmitMany(40, true);
  for (size_t i = 0; i < 40; ++i) EXPECT_TRUE(TakesBody(std::to_string(i)));
  EXPECT_EQ(store().max_live(), 3);
}

TEST_F(ReadWindowTest, RoomIsForSomeRequestsPerReadUnderWay) {
  options_.concurrency = 100;
  Open();
  EXPECT_EQ(window_->Room(), 400U);
  PutMany(30, {10});
  SubmitMany(30, true);
  EXPECT_EQ(window_->Room(), 370U);
  TakeOne();
  EXPECT_EQ(window_->Room(), 371U);
  options_.concurrency = 2;
  const auto small = NewWindow();
  EXPECT_EQ(small->Room(), 64U);
  small->Close();
}

// However small the window is: one that waited for all of it would read in fits and starts.
TEST_F(ReadWindowTest, RoomIsThereOnceHalfOfTheWindowIs) {
  options_.concurrency = 8;
  options_.prefetch_bytes = 1;
  PutMany(8, {10});
  Open();
  EXPECT_EQ(window_->Room(), 8U);
  SubmitMany(8, true);
  for (const size_t room : {0U, 0U, 0U, 4U, 5U, 6U, 7U, 8U}) {
    TakeOne();
    EXPECT_EQ(window_->Room(), room);
  }
}

TEST_F(ReadWindowTest, AListedObjectCostsOneRequest) {
  PutMany(20, {0, 1000, 100'000});
  Open();
  SubmitMany(20, true);
  for (size_t i = 0; i < 20; ++i) EXPECT_TRUE(TakesBody(std::to_string(i)));
  EXPECT_EQ(store().gets().size(), 20U);
}

// ---------------------------------------------------------------------------------------------------
// Memory

// Reads ahead until nothing moves, takes one result, and so on: what was received and not taken is
// at no time more than the budget and the one object that the consumer waits for.
class MemoryBoundTest : public ReadWindowTest, public ::testing::WithParamInterface<int> {
 protected:
  enum Knowledge { kRightSizes, kNoSizes, kWrongSizes };

  void HoldsItsBound(Knowledge knowledge) {
    constexpr uint64_t kMaxSize = 250 * kKiB;
    std::minstd_rand random(static_cast<unsigned>(GetParam()));
    options_.prefetch_bytes = kMiB;
    options_.concurrency = static_cast<int>(random() % 16) + 1;
    std::vector<ReadRequest> requests;
    for (size_t i = 0; i < 64; ++i) {
      const std::string key = std::to_string(i);
      Put(key, Pattern(random() % (random() % 2 == 0 ? 1000 : kMaxSize), i));
      const auto size = static_cast<int64_t>(bodies_[key].size());
      requests.push_back(Request(key, knowledge == kRightSizes ? size
                                      : knowledge == kNoSizes
                                          ? -1
                                          : static_cast<int64_t>(random() % kMaxSize)));
    }
    Open();
    window_->Submit(std::move(requests));
    uint64_t taken = 0;
    uint64_t most = 0;
    for (size_t i = 0; i < 64; ++i) {
      ASSERT_TRUE(Settled());
      const uint64_t held = store().bytes_taken() - taken;
      EXPECT_LE(held, options_.prefetch_bytes + kMaxSize);
      most = std::max(most, held);
      const ReadResult result = TakeOne();
      ASSERT_TRUE(result.status.ok());
      taken += result.buffer.size();
    }
    if (options_.concurrency > 4) {
      EXPECT_GT(most, kMiB / 2) << "and the budget is made use of";
    }
  }
};

TEST_P(MemoryBoundTest, WhereSizesAreListed) { HoldsItsBound(kRightSizes); }
TEST_P(MemoryBoundTest, WhereSizesAreUnknown) { HoldsItsBound(kNoSizes); }
TEST_P(MemoryBoundTest, WhereListedSizesAreOutOfDate) { HoldsItsBound(kWrongSizes); }
TEST_P(MemoryBoundTest, Unordered) {
  options_.ordered = false;
  HoldsItsBound(kNoSizes);
}
INSTANTIATE_TEST_SUITE_P(Seeds, MemoryBoundTest, ::testing::Range(1, 4));

// A body of unknown length takes what it needs, but then it counts, and others wait.
TEST_F(ReadWindowTest, ABodyOfUnknownLengthCountsInTheEnd) {
  options_.prefetch_bytes = 800 * kKiB;
  options_.concurrency = 1;
  PutMany(12, {150 * kKiB});
  for (size_t i = 0; i < 12; ++i) store().Script(std::to_string(i), {IsChunked()});
  Open();
  SubmitMany(12, false);
  ASSERT_TRUE(Settled());
  EXPECT_LE(store().bytes_taken(), 1000 * kKiB);
  for (size_t i = 0; i < 12; ++i) EXPECT_TRUE(TakesBody(std::to_string(i)));
}

TEST_F(ReadWindowTest, BodiesOfUnknownLengthWaitForRoomAsTheyGrow) {
  options_.prefetch_bytes = kMiB;
  PutMany(4, {600 * kKiB});
  for (size_t i = 0; i < 4; ++i) store().Script(std::to_string(i), {IsChunked()});
  Open();
  SubmitMany(4, false);
  ASSERT_TRUE(Settled());
  EXPECT_LE(store().bytes_taken(), kMiB + 600 * kKiB);
  for (size_t i = 0; i < 4; ++i) EXPECT_TRUE(TakesBody(std::to_string(i)));
}

TEST_F(ReadWindowTest, WhatTheConsumerWaitsForNeverWaitsForMemory) {
  options_.prefetch_bytes = kMiB;
  PutMany(40, {200 * kKiB});
  store().Script("0", {ComesLate()});  // its size becomes known when all memory is taken
  Open();
  SubmitMany(40, false);
  for (size_t i = 0; i < 40; ++i) EXPECT_TRUE(TakesBody(std::to_string(i)));
}

// Reads that wait for room fill a limit that has fallen, and the one that is wanted begins again as
// a stream.
TEST_F(ReadWindowTest, WhatTheConsumerWaitsForNeverWaitsForItsTurn) {
  options_.prefetch_bytes = kMiB;
  PutMany(30, {250 * kKiB});
  Put("0", Pattern(300 * kKiB));
  Attempt throttled = Fails(StatusCode::kThrottled, RetryHint::Kind::kThrottled);
  throttled.hint.retry_after_ms = 50;
  store().Script("0", {throttled});
  Open();
  SubmitMany(30, false);
  for (size_t i = 0; i < 30; ++i) EXPECT_TRUE(TakesBody(std::to_string(i)));
}

// Two windows have half of the budget each, which is less than each of these objects needs.
TEST_F(ReadWindowTest, UnorderedReadsDoNotWaitForEachOther) {
  options_.prefetch_bytes = kMiB;
  options_.ordered = false;
  std::vector<std::shared_ptr<ReadWindow>> others;
  for (int i = 0; i < 7; ++i) others.push_back(NewWindow());
  PutMany(10, {250 * kKiB});
  Open();
  SubmitMany(10, false);
  for (size_t i = 0; i < 10; ++i) {
    const ReadResult result = TakeOne();
    EXPECT_TRUE(SameBytes(BytesOf(result).value(), bodies_[std::to_string(result.sequence)]));
  }
  for (const auto& other : others) other->Close();
}

TEST_F(ReadWindowTest, WindowsShareTheBudget) {
  options_.prefetch_bytes = kMiB;
  options_.concurrency = 64;
  const auto other = NewWindow();
  PutMany(60, {100 * kKiB});
  Open();
  SubmitMany(60, true);
  ASSERT_TRUE(Settled());
  EXPECT_LE(store().bytes_taken(), kMiB / 2 + 100 * kKiB);
  other->Close();
  for (size_t i = 0; i < 60; ++i) EXPECT_TRUE(TakesBody(std::to_string(i)));
}

// Whatever became of them, reads give back all that they held: afterwards there is room for as much
// as before.
TEST_F(ReadWindowTest, AllMemoryComesBack) {
  options_.prefetch_bytes = kMiB;
  options_.timeout_ms = 300;
  options_.concurrency = 16;
  Open();
  PutMany(10, {200 * kKiB});
  store().Script("1", {Fails(StatusCode::kServer, RetryHint::Kind::kFatal)});
  store().Script("2", {StallsAt(1000)});
  store().Script("3", {Flips(0)});
  Put("4", Pattern(300 * kKiB));  // a stream
  Put("5", "");
  SubmitMany(10, false);
  for (size_t i = 0; i < 10; ++i) static_cast<void>(BytesOf(TakeOne()));
  const uint64_t before = store().bytes_taken();
  for (size_t i = 0; i < 16; ++i) Put("x" + std::to_string(i), Pattern(60 * kKiB, i));
  std::vector<ReadRequest> requests;
  for (size_t i = 0; i < 16; ++i) requests.push_back(Request("x" + std::to_string(i), 60 * kKiB));
  window_->Submit(std::move(requests));
  ASSERT_TRUE(Settled());
  EXPECT_EQ(store().bytes_taken() - before, 16 * 60 * kKiB);
}

// ---------------------------------------------------------------------------------------------------
// Large objects

TEST_F(ReadWindowTest, ALargeObjectComesAsAStream) {
  options_.prefetch_bytes = 4 * kMiB;
  Put("large", Pattern(3 * kMiB));
  Put("small", Pattern(1000));
  Open();
  std::vector<ReadRequest> requests;
  requests.push_back(Request("large", 3 * kMiB));
  requests.push_back(Request("small", 1000));
  requests.push_back(Request("large", -1));    // which shows
  requests.push_back(Request("large", 1000));  // whatever the listing said
  window_->Submit(std::move(requests));
  for (const bool large : {true, false, true, true}) {
    const ReadResult result = TakeOne();
    ASSERT_TRUE(result.status.ok());
    EXPECT_EQ(static_cast<bool>(result.stream), large);
    EXPECT_TRUE(SameBytes(BytesOf(result).value(), bodies_[large ? "large" : "small"]));
  }
  EXPECT_EQ(store().gets().size(), 6U) << "one for each, and one more where the size was not known";
}

TEST_F(ReadWindowTest, AStreamKeepsToASmallBudget) {
  options_.prefetch_bytes = kMiB;
  Put("large", Pattern(5 * kMiB));
  Open();
  window_->Submit({Request("large", 5 * kMiB)});
  ASSERT_TRUE(Settled());
  EXPECT_EQ(store().bytes_taken(), kMiB);
  EXPECT_TRUE(TakesBody("large"));
}

TEST_F(ReadWindowTest, ALargeObjectThatFailsIsAFailureInItsPlace) {
  options_.prefetch_bytes = 4 * kMiB;
  PutMany(1, {1000});
  Open();
  std::vector<ReadRequest> requests;
  requests.push_back(Request("missing", 3 * kMiB));
  requests.push_back(Request("0", 1000));
  window_->Submit(std::move(requests));
  EXPECT_EQ(TakeOne().status.code(), StatusCode::kObjectNotFound);
  EXPECT_TRUE(TakesBody("0"));
}

TEST_F(ReadWindowTest, AStreamThatWasTakenOutlivesItsWindow) {
  options_.prefetch_bytes = 4 * kMiB;
  Put("large", Pattern(30 * kMiB));
  Open();
  window_->Submit({Request("large", 30 * kMiB)});
  const ReadResult result = TakeOne();
  window_->Close();
  window_.reset();
  EXPECT_TRUE(SameBytes(BytesOf(result).value(), bodies_["large"]));
}

// ---------------------------------------------------------------------------------------------------
// Time

TEST_F(ReadWindowTest, AReadThatTakesTooLongFailsAlone) {
  options_.timeout_ms = 300;
  PutMany(5, {100'000});
  store().Script("2", {BreaksAt(10), StallsAt(1000)});
  Open();
  SubmitMany(5, true);
  EXPECT_TRUE(TakesBody("0"));
  EXPECT_TRUE(TakesBody("1"));
  const ReadResult late = TakeOne();
  EXPECT_EQ(late.status.code(), StatusCode::kTimeout);
  EXPECT_EQ(late.status.detail().attempts, 2);
  EXPECT_TRUE(TakesBody("3"));
  EXPECT_TRUE(TakesBody("4"));
}

TEST_F(ReadWindowTest, AStreamThatDoesNotBeginFailsAlone) {
  options_.timeout_ms = 300;
  options_.prefetch_bytes = 4 * kMiB;
  PutMany(3, {3 * kMiB});
  Attempt busy = Fails(StatusCode::kThrottled, RetryHint::Kind::kThrottled);
  busy.hint.retry_after_ms = 120'000;
  store().Script("0", {BreaksAt(10), StallsAt(1000)});
  store().Script("1", {busy});
  Open();
  SubmitMany(3, true);
  const ReadResult late = TakeOne();
  EXPECT_EQ(late.status.code(), StatusCode::kTimeout);
  EXPECT_EQ(late.status.detail().attempts, 2);
  EXPECT_EQ(TakeOne().status.code(), StatusCode::kThrottled);
  EXPECT_TRUE(TakesBody("2"));
}

// Only when it has begun does its size show, and that it needs more room than there is.
TEST_F(ReadWindowTest, TheTimeThatAStreamWaitsForRoomDoesNotCount) {
  options_.timeout_ms = 300;
  options_.prefetch_bytes = kMiB;
  PutMany(4, {250 * kKiB});
  Put("4", Pattern(2 * kMiB));
  store().Script("4", {Attempt{}, Fails(StatusCode::kServer, RetryHint::Kind::kRetry)});
  Open();
  SubmitMany(5, false);
  ASSERT_TRUE(Settled());
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  for (size_t i = 0; i < 5; ++i) EXPECT_TRUE(TakesBody(std::to_string(i)));
}

TEST_F(ReadWindowTest, TheTimeThatTheConsumerTakesDoesNotCount) {
  options_.timeout_ms = 300;
  options_.prefetch_bytes = kMiB;
  PutMany(20, {250 * kKiB});
  Open();
  SubmitMany(20, false);  // begin, and wait for room once their size shows
  ASSERT_TRUE(Settled());
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  for (size_t i = 0; i < 20; ++i) EXPECT_TRUE(TakesBody(std::to_string(i)));
}

// ---------------------------------------------------------------------------------------------------
// Closing

TEST_F(ReadWindowTest, CloseEndsWhatIsUnderWay) {
  PutMany(20, {100'000});
  for (size_t i = 0; i < 20; ++i) store().Script(std::to_string(i), {StallsAt(1000)});
  Open();
  SubmitMany(20, true);
  ASSERT_TRUE(Settled());
  EXPECT_EQ(store().live(), 8);
  window_->Close();
  window_->Close();  // once more does no harm
  OnLoop([] {});
  OnLoop([this] { EXPECT_EQ(store().live(), 0); });
}

TEST_F(ReadWindowTest, CloseEndsStreamsThatNobodyHasTaken) {
  options_.prefetch_bytes = 128 * kMiB;
  Put("large", Pattern(33 * kMiB));
  for (int i = 0; i < 10; ++i) {
    Open();
    window_->Submit(
        {Request("large", 33 * kMiB), Request("large", -1), Request("large", 33 * kMiB)});
    if (i % 2 == 0) {
      ASSERT_TRUE(Eventually([this] { return store().bytes_taken() > 0; }));
    }
    window_->Close();
    window_.reset();
  }
  EXPECT_TRUE(Eventually([this] { return store().live() == 0; }));
}

// Whatever moment it comes at.
TEST_F(ReadWindowTest, CloseMayComeAtAnyTime) {
  options_.prefetch_bytes = kMiB;
  PutMany(20, {100, 100 * kKiB, 300 * kKiB});
  for (size_t i = 0; i < 60; ++i) {
    Open();
    SubmitMany(20, i % 2 == 0);
    for (size_t taken = 0; taken < i % 20; ++taken) TakeOne();
    window_->Close();
    window_.reset();
  }
  EXPECT_TRUE(Eventually([this] { return store().live() == 0; }));
}

}  // namespace
}  // namespace objectpipes
