#include "engine/split_fetch.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "testing/engine_test.h"

namespace objectpipes {
namespace {

constexpr uint64_t kMiB = uint64_t{1} << 20;
const ObjectId kObject{"bucket", "key"};

class SplitFetchTest : public EngineTest, public SplitFetch::Handler {
 protected:
  ~SplitFetchTest() override {
    OnLoop([this] { fetch_.reset(); });
  }

  void Start(uint64_t begin = 0, int max_parts = 4) {
    OnLoop([&] {
      bytes_.assign(size_, '\0');
      fetch_ = std::make_unique<SplitFetch>(client_.get(), &kObject, &pin_, begin, kToTheEnd,
                                            SplitFetch::Options{max_parts, true}, this);
      fetch_->Start();
    });
  }
  Status Fetch(uint64_t begin = 0, int max_parts = 4) {
    Start(begin, max_parts);
    EXPECT_TRUE(fetched_.Wait());
    return outcome_;
  }

  // The first request seems slow; those that it is joined by go as `others`.
  void Put(uint64_t size, std::vector<Attempt> others = {}) {
    size_ = size;
    body_ = Pattern(size);
    store().Put("key", body_);
    others.insert(others.begin(), SeemsSlow());
    store().Script("key", std::move(others));
  }

  // Every byte from `begin` on arrived, none of them twice.
  ::testing::AssertionResult GotAll(uint64_t begin = 0) {
    if (received_ != size_ - begin) {
      return ::testing::AssertionFailure() << received_ << " bytes of " << size_ - begin;
    }
    return SameBytes(std::string_view(bytes_).substr(begin), std::string_view(body_).substr(begin));
  }

  // SplitFetch::Handler
  Flow OnReply(const ReplyHead& /*head*/) override { return Flow::kContinue; }
  Space SpaceAt(const void* /*part*/, uint64_t /*offset*/) override { return {}; }
  Flow OnBytes(const void* /*part*/, uint64_t offset, const char* data, size_t size) override {
    if (offset >= room_) return Flow::kPause;
    std::memcpy(&bytes_[offset], data, size);
    received_ += size;
    std::this_thread::sleep_for(work_);
    return Flow::kContinue;
  }
  bool TakeBack(const void* /*part*/, uint64_t /*offset*/) override { return true; }
  void OnFetched(const Status& status) override {
    outcome_ = status;
    attempts_ = fetch_->attempts();
    fetched_.Set();
  }
  bool HasRoomFor(uint64_t end) override { return end <= room_; }

  Pin pin_;
  std::unique_ptr<SplitFetch> fetch_;
  uint64_t size_ = 0;
  std::string body_;
  std::string bytes_;
  uint64_t received_ = 0;
  uint64_t room_ = kToTheEnd;
  std::chrono::milliseconds work_{0};  // that the I/O thread has with every piece
  Status outcome_;
  int attempts_ = 0;
  Signal fetched_;
};

TEST_F(SplitFetchTest, AFastConnectionIsEnough) {
  Put(96 * kMiB);
  store().Script("key", {});
  store().Pace(32 * kMiB, 0);
  EXPECT_TRUE(Fetch().ok());
  EXPECT_TRUE(GotAll());
  EXPECT_EQ(store().gets().size(), 1U);
}

TEST_F(SplitFetchTest, OthersDoNotHelpAThreadThatIsBusy) {
  Put(24 * kMiB);
  store().Script("key", {});
  store().Pace(4 * kMiB, 0);
  work_ = std::chrono::milliseconds(30);
  EXPECT_TRUE(Fetch().ok());
  EXPECT_TRUE(GotAll());
  EXPECT_EQ(store().gets().size(), 1U);
}

TEST_F(SplitFetchTest, ASlowOneGetsOthersBesideIt) {
  Put(24 * kMiB);
  EXPECT_TRUE(Fetch().ok());
  EXPECT_TRUE(GotAll());
  EXPECT_GT(store().max_live(), 1);
  EXPECT_LE(store().max_live(), 4);
  EXPECT_EQ(attempts_, static_cast<int>(store().gets().size()));
  EXPECT_LE(store().bytes_taken(), size_ + 4 * kMiB) << "hardly a byte is sent for nothing";
}

TEST_F(SplitFetchTest, PartsArePinnedAndDoNotOverlap) {
  Put(24 * kMiB);
  EXPECT_TRUE(Fetch().ok());
  std::vector<GetRequest> parts = store().gets();
  ASSERT_GT(parts.size(), 2U);
  EXPECT_EQ(parts[0].begin, 0U);
  for (size_t i = 1; i < parts.size(); ++i) {
    EXPECT_EQ(parts[i].if_match, "v1");
    EXPECT_EQ(parts[i].begin % (8 * kMiB), 0U);
    EXPECT_LE(parts[i].end - parts[i].begin, 8 * kMiB);
    EXPECT_EQ(parts[i].begin, i == 1 ? parts[i].begin : parts[i - 1].end);
  }
  EXPECT_EQ(parts.back().end, size_);
}

TEST_F(SplitFetchTest, TheRestOfAnObjectIsSplitToo) {
  Put(24 * kMiB);
  EXPECT_TRUE(Fetch(/*begin=*/5 * kMiB + 1).ok());
  EXPECT_TRUE(GotAll(5 * kMiB + 1));
  EXPECT_GT(store().max_live(), 1);
}

TEST_F(SplitFetchTest, ARangeWithAChecksumIsReadToItsEnd) {
  Put(24 * kMiB);
  FakeObject object(body_);
  object.range_checksum = ChecksumType::kCrc32c;
  store().Put("key", object);
  store().Script("key", {SeemsSlow(), SeemsSlow()});
  EXPECT_TRUE(Fetch(/*begin=*/kMiB).ok());
  EXPECT_TRUE(GotAll(kMiB));
  EXPECT_EQ(store().gets().size(), 1U);
}

TEST_F(SplitFetchTest, OneConnectionIsOneConnection) {
  Put(20 * kMiB);
  EXPECT_TRUE(Fetch(0, /*max_parts=*/1).ok());
  EXPECT_TRUE(GotAll());
  EXPECT_EQ(store().gets().size(), 1U);
}

TEST_F(SplitFetchTest, LittleIsNotWorthIt) {
  Put(16 * kMiB);
  EXPECT_TRUE(Fetch().ok());
  EXPECT_EQ(store().gets().size(), 1U);
}

TEST_F(SplitFetchTest, WithoutAVersionNothingCanBeJoined) {
  Put(20 * kMiB);
  FakeObject object(body_);
  object.version = "";
  store().Put("key", object);
  EXPECT_TRUE(Fetch().ok());
  EXPECT_TRUE(GotAll());
  EXPECT_EQ(store().gets().size(), 1U);
}

TEST_F(SplitFetchTest, ABrokenPartIsResumed) {
  Put(24 * kMiB, {BreaksAt(3 * kMiB), BreaksAt(1000), BreaksAt(0)});
  EXPECT_TRUE(Fetch().ok());
  EXPECT_TRUE(GotAll());
}

TEST_F(SplitFetchTest, APartThatFailsForGoodEndsAll) {
  Put(24 * kMiB, {StallsAt(1000), Fails(StatusCode::kAccessDenied, RetryHint::Kind::kFatal)});
  EXPECT_EQ(Fetch().code(), StatusCode::kAccessDenied);
  const size_t requests = store().gets().size();
  OnLoop([this] {
    EXPECT_EQ(store().live(), 0);
    fetch_->Resume();
  });
  EXPECT_TRUE(Settled());
  EXPECT_EQ(store().gets().size(), requests) << "what has failed does not go on";
}

TEST_F(SplitFetchTest, AReplacedObjectIsNotedByAnyPart) {
  FakeObject second(Pattern(24 * kMiB, 2));
  second.version = "v2";
  Put(24 * kMiB, {Replaces(second)});
  EXPECT_EQ(Fetch().code(), StatusCode::kObjectChanged);
}

TEST_F(SplitFetchTest, StaysWithinItsRoomAndGoesOnWhenThatGrows) {
  Put(40 * kMiB);
  room_ = 20 * kMiB;
  Start();
  ASSERT_TRUE(Settled());
  EXPECT_LE(received_, 20 * kMiB + kMiB);
  EXPECT_GE(received_, 8 * kMiB);
  for (const GetRequest& request : store().gets()) {
    EXPECT_TRUE(request.end <= 20 * kMiB || request.end == kToTheEnd);
  }
  for (; room_ < size_; room_ += 12 * kMiB) {
    OnLoop([this] { fetch_->Resume(); });
    ASSERT_TRUE(Settled());
  }
  OnLoop([this] { fetch_->Resume(); });
  ASSERT_TRUE(fetched_.Wait());
  EXPECT_TRUE(outcome_.ok());
  EXPECT_TRUE(GotAll());
}

TEST_F(SplitFetchTest, DestroyedOnItsWayItLeavesNothingBehind) {
  Put(24 * kMiB, {StallsAt(0), StallsAt(1000), StallsAt(kMiB)});
  Start();
  ASSERT_TRUE(Settled());
  EXPECT_GT(store().live(), 1);
  OnLoop([this] { fetch_.reset(); });
  EXPECT_EQ(store().live(), 0);
}

}  // namespace
}  // namespace objectpipes
