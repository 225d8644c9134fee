#include "engine/whole_read.h"

#include <gtest/gtest.h>

#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "testing/engine_test.h"

namespace objectpipes {
namespace {

constexpr uint64_t kKiB = uint64_t{1} << 10;
constexpr uint64_t kMiB = uint64_t{1} << 20;
constexpr uint64_t kSplitSize = 24 * kMiB;  // enough for a split
const ObjectId kObject{"bucket", "key"};

class WholeReadTest : public EngineTest, public WholeRead::Handler {
 protected:
  ~WholeReadTest() override {
    OnLoop([this] { read_.reset(); });
  }

  void Start() {
    OnLoop([this] {
      read_ = std::make_unique<WholeRead>(client_.get(), &kObject, 7, options_, this);
      read_->Start();
    });
  }
  // The outcome; what was read is in bytes_.
  Status Read() {
    Start();
    EXPECT_TRUE(done_.Wait());
    done_.Clear();
    return outcome_;
  }

  // Puts an object and the checksum of it.
  std::string PutChecked(uint64_t size, ChecksumType type = ChecksumType::kCrc32c) {
    FakeObject object(Pattern(size));
    object.checksum = ChecksumOf(object.body, type);
    store().Put("key", object);
    return object.body;
  }

  // WholeRead::Handler
  Flow OnSize(WholeRead* read, int64_t size) override {
    EXPECT_EQ(read->id(), 7U);
    sizes_.push_back(size);
    return on_size_;
  }
  Flow OnGrowth(WholeRead* /*read*/, uint64_t bytes) override {
    growths_.push_back(bytes);
    return on_growth_;
  }
  void OnRead(WholeRead* read, const Status& status) override {
    outcome_ = status;
    attempts_ = read->attempts();
    version_ = read->version();
    if (status.ok()) {
      const Buffer buffer = read->TakeBuffer();
      bytes_.assign(buffer.data(), buffer.size());
    }
    read_.reset();
    done_.Set();
  }

  WholeRead::Options options_;
  std::unique_ptr<WholeRead> read_;
  Flow on_size_ = Flow::kContinue;
  std::vector<int64_t> sizes_;
  Flow on_growth_ = Flow::kContinue;
  std::vector<uint64_t> growths_;
  Status outcome_;
  std::string bytes_;
  std::string version_;
  int attempts_ = 0;
  Signal done_;
};

// ---------------------------------------------------------------------------------------------------
// One buffer

TEST_F(WholeReadTest, ReadsAnObjectWithOneRequest) {
  const std::string body = Pattern(300 * kKiB);
  store().Put("key", body);
  EXPECT_TRUE(Read().ok());
  EXPECT_TRUE(SameBytes(bytes_, body));
  EXPECT_EQ(version_, "v1");
  EXPECT_EQ(attempts_, 1);
  EXPECT_EQ(sizes_, std::vector<int64_t>{static_cast<int64_t>(body.size())});
}

TEST_F(WholeReadTest, ReadsTheSameFromATransportThatGivesNoThoughtToSpace) {
  store().AskForSpace(false);
  const std::string body = PutChecked(300 * kKiB);
  EXPECT_TRUE(Read().ok());
  EXPECT_TRUE(SameBytes(bytes_, body));
}

TEST_F(WholeReadTest, ReadsAnEmptyObject) {
  PutChecked(0);
  EXPECT_TRUE(Read().ok());
  EXPECT_EQ(bytes_, "");
  EXPECT_EQ(stats_.verified, 1U);
}

TEST_F(WholeReadTest, ReadsARange) {
  const std::string body = PutChecked(300 * kKiB);
  const uint64_t ranges[][2] = {{0, 1},
                                {0, 100 * kKiB},
                                {1, 2},
                                {70'000, 200'000},
                                {299 * kKiB, 300 * kKiB},
                                {299 * kKiB, 400 * kKiB},
                                {5, kToTheEnd}};
  for (const bool ask_for_space : {true, false}) {
    store().AskForSpace(ask_for_space);
    for (const auto& [begin, end] : ranges) {
      SCOPED_TRACE(begin);
      options_.begin = begin;
      options_.end = end;
      const std::string expected = body.substr(begin, end - begin);
      EXPECT_TRUE(Read().ok());
      EXPECT_TRUE(SameBytes(bytes_, expected));
      EXPECT_EQ(sizes_.back(), static_cast<int64_t>(expected.size()));
    }
  }
  EXPECT_EQ(stats_.verified, 0U) << "the checksum is the whole object's";
}

TEST_F(WholeReadTest, ReadsARangeThatBroke) {
  const std::string body = PutChecked(300 * kKiB);
  options_.begin = 100'000;
  options_.end = 250'000;
  store().Script("key", {BreaksAt(70'000), SendsAtMost(10'000), IgnoresRange()});
  EXPECT_TRUE(Read().ok());
  EXPECT_TRUE(SameBytes(bytes_, body.substr(100'000, 150'000)));
  for (const GetRequest& get : store().gets()) EXPECT_EQ(get.end, 250'000U);
}

TEST_F(WholeReadTest, ReadsARangeOfABodyOfUnknownLength) {
  const std::string body = PutChecked(300 * kKiB);
  options_.begin = 100'000;
  options_.end = 250'000;
  Attempt whole = IsChunked();
  whole.ignore_range = true;
  store().Script("key", {whole});
  EXPECT_TRUE(Read().ok());
  EXPECT_TRUE(SameBytes(bytes_, body.substr(100'000, 150'000)));
}

TEST_F(WholeReadTest, ReadsARangeAgainThatWasReplacedMeanwhile) {
  PutChecked(300 * kKiB);
  options_.begin = 100'000;
  options_.end = 250'000;
  FakeObject other(Pattern(290 * kKiB) + "other");
  other.version = "v2";
  Attempt replaced = Replaces(other);
  store().Script("key", {BreaksAt(70'000), replaced});
  EXPECT_TRUE(Read().ok());
  EXPECT_TRUE(SameBytes(bytes_, other.body.substr(100'000, 150'000)));
  EXPECT_EQ(version_, "v2");
}

TEST_F(WholeReadTest, SplitsALargeRange) {
  const std::string body = PutChecked(kSplitSize + 2 * kMiB);
  options_.begin = kMiB;
  options_.end = kSplitSize + kMiB;
  store().Script("key", {SeemsSlow()});
  EXPECT_TRUE(Read().ok());
  EXPECT_TRUE(SameBytes(bytes_, body.substr(kMiB, kSplitSize)));
  EXPECT_GT(store().gets().size(), 1U);
  for (const GetRequest& get : store().gets()) EXPECT_LE(get.end, options_.end);
}

TEST_F(WholeReadTest, ReadsABodyOfUnknownLength) {
  for (const uint64_t size : {uint64_t{0}, uint64_t{1}, 64 * kKiB, 64 * kKiB + 1, 3 * kMiB}) {
    SCOPED_TRACE(size);
    const std::string body = PutChecked(size);
    store().Script("key", {IsChunked()});
    EXPECT_TRUE(Read().ok());
    EXPECT_TRUE(SameBytes(bytes_, body));
    EXPECT_EQ(sizes_.back(), -1);
  }
}

TEST_F(WholeReadTest, ReadsABodyOfUnknownLengthThatBroke) {
  const std::string body = PutChecked(3 * kMiB);
  Attempt broken = IsChunked();
  broken.cut_at = 200'000;
  Attempt broken_again = IsChunked();
  broken_again.cut_at = 500'000;
  store().Script("key", {broken, broken_again, BreaksAt(1'000'000)});
  EXPECT_TRUE(Read().ok());
  EXPECT_TRUE(SameBytes(bytes_, body));
  EXPECT_EQ(stats_.verified, 1U);
}

TEST_F(WholeReadTest, ReadsALargeObjectOverSeveralConnections) {
  const std::string body = PutChecked(kSplitSize);
  store().Script("key", {SeemsSlow(), BreaksAt(kMiB)});
  EXPECT_TRUE(Read().ok());
  EXPECT_TRUE(SameBytes(bytes_, body));
  EXPECT_GT(store().max_live(), 1);
  EXPECT_EQ(stats_.verified, 1U) << "whatever the order in which its parts came";
  EXPECT_EQ(attempts_, static_cast<int>(store().gets().size()));
}

TEST_F(WholeReadTest, SaysHowManyAttemptsAFailureTook) {
  store().Put("key", Pattern(1000));
  store().Script("key", std::vector<Attempt>(20, BreaksAt(10)));
  EXPECT_EQ(Read().code(), StatusCode::kEndpoint);
  EXPECT_EQ(outcome_.detail().attempts, 10);
}

TEST_F(WholeReadTest, DestroyedOnItsWayItLeavesNothingBehind) {
  store().Put("key", Pattern(300 * kKiB));
  store().Script("key", {StallsAt(100 * kKiB)});
  Start();
  ASSERT_TRUE(Settled());
  OnLoop([this] { read_.reset(); });
  EXPECT_EQ(store().live(), 0);
}

// ---------------------------------------------------------------------------------------------------
// The owner's word

TEST_F(WholeReadTest, WaitsForRoomBeforeTheFirstByte) {
  on_size_ = Flow::kPause;
  const std::string body = PutChecked(300 * kKiB);
  Start();
  ASSERT_TRUE(Settled());
  EXPECT_EQ(store().bytes_taken(), 0U);
  OnLoop([this] { read_->Admit(-1); });
  ASSERT_TRUE(done_.Wait());
  EXPECT_TRUE(outcome_.ok());
  EXPECT_TRUE(SameBytes(bytes_, body));
  EXPECT_EQ(attempts_, 1);
}

// Hundreds of reads may wait. What they took out of the pool would be resident, but not counted.
TEST_F(WholeReadTest, TakesNoMemoryWhileItWaitsForRoom) {
  constexpr size_t kSize = 300 * kKiB;
  const char* const idle = client_->pool->Allocate(kSize).data();
  on_size_ = Flow::kPause;
  const std::string body = PutChecked(kSize);
  Start();
  ASSERT_TRUE(Settled());
  EXPECT_EQ(client_->pool->Allocate(kSize).data(), idle);
  OnLoop([this] { read_->Admit(-1); });
  ASSERT_TRUE(done_.Wait());
  EXPECT_TRUE(SameBytes(bytes_, body));
}

// The connection may be gone by the time there is room, and the time of waiting is not the read's
// fault.
TEST_F(WholeReadTest, HasTimeForAnotherAttemptAfterWaitingForRoom) {
  on_size_ = Flow::kPause;
  store().Put("key", Pattern(300 * kKiB));
  store().Script("key", {BreaksAt(1000)});
  OnLoop([this] { options_.deadline_ms = loop_.now_ms() - 1000; });
  Start();
  ASSERT_TRUE(Settled());
  OnLoop([this] { read_->Admit(loop_.now_ms() + 60'000); });
  ASSERT_TRUE(done_.Wait());
  EXPECT_TRUE(outcome_.ok());
}

TEST_F(WholeReadTest, WaitsForRoomToGrow) {
  on_growth_ = Flow::kPause;
  const std::string body = PutChecked(200 * kKiB);
  store().Script("key", {IsChunked()});
  Start();
  ASSERT_TRUE(Settled());
  EXPECT_EQ(store().bytes_taken(), 64 * kKiB);
  on_growth_ = Flow::kContinue;
  OnLoop([this] { read_->Admit(-1); });
  ASSERT_TRUE(done_.Wait());
  EXPECT_TRUE(SameBytes(bytes_, body));
  EXPECT_EQ(growths_, (std::vector<uint64_t>{128 * kKiB, 128 * kKiB, 256 * kKiB}));
}

// The body broke, and the next reply tells its length: then it grows once, before it goes on.
TEST_F(WholeReadTest, WaitsForRoomForAllThatShowsLater) {
  const std::string body = PutChecked(3 * kMiB);
  Attempt broken = IsChunked();
  broken.cut_at = 50'000;
  store().Script("key", {broken});
  on_growth_ = Flow::kPause;
  Start();
  ASSERT_TRUE(Settled());
  EXPECT_EQ(store().bytes_taken(), 50'000U);
  on_growth_ = Flow::kContinue;
  OnLoop([this] { read_->Admit(-1); });
  ASSERT_TRUE(done_.Wait());
  EXPECT_TRUE(SameBytes(bytes_, body));
  EXPECT_EQ(growths_.back(), 3 * kMiB);
}

TEST_F(WholeReadTest, IsAbandonedWithoutAnotherWord) {
  on_size_ = Flow::kStop;
  store().Put("key", Pattern(300 * kKiB));
  Start();
  ASSERT_TRUE(Settled());
  OnLoop([this] {
    EXPECT_NE(read_, nullptr) << "OnRead was called";
    read_.reset();
  });
  EXPECT_EQ(store().bytes_taken(), 0U);
}

// ---------------------------------------------------------------------------------------------------
// Integrity

TEST_F(WholeReadTest, ComparesEveryKindOfChecksum) {
  for (const ChecksumType type :
       {ChecksumType::kCrc32, ChecksumType::kCrc32c, ChecksumType::kCrc64Nvme, ChecksumType::kMd5,
        ChecksumType::kSha1, ChecksumType::kSha256, ChecksumType::kXxh64}) {
    SCOPED_TRACE(ChecksumName(type));
    const std::string body = PutChecked(200 * kKiB, type);
    const uint64_t failures = stats_.integrity_failures;
    store().Script("key", {Flips(123'456)});
    EXPECT_TRUE(Read().ok());
    EXPECT_TRUE(SameBytes(bytes_, body));
    EXPECT_EQ(stats_.integrity_failures, failures + 1);
    EXPECT_EQ(attempts_, 2);
  }
}

TEST_F(WholeReadTest, NeverHandsOutDamagedBytes) {
  PutChecked(200 * kKiB);
  store().Script("key", std::vector<Attempt>(20, Flips(0)));
  EXPECT_EQ(Read().code(), StatusCode::kIntegrity);
  EXPECT_EQ(outcome_.detail().attempts, 5);
}

TEST_F(WholeReadTest, FindsDamageInAnyPart) {
  const std::string body = PutChecked(kSplitSize);
  store().Script("key", {SeemsSlow(), Flips(12 * kMiB), Flips(20 * kMiB)});
  EXPECT_TRUE(Read().ok());
  EXPECT_TRUE(SameBytes(bytes_, body));
  EXPECT_EQ(stats_.integrity_failures, 1U);
}

TEST_F(WholeReadTest, ReadsADamagedRangeAgain) {
  FakeObject object(Pattern(kSplitSize));
  object.range_checksum = ChecksumType::kCrc32c;
  store().Put("key", object);
  store().Script("key", {SeemsSlow(), Flips(15 * kMiB)});
  EXPECT_TRUE(Read().ok());
  EXPECT_TRUE(SameBytes(bytes_, object.body));
  EXPECT_EQ(stats_.integrity_failures, 1U);
}

TEST_F(WholeReadTest, ComparesNothingWhenTold) {
  options_.verify = false;
  PutChecked(1000);
  store().Script("key", {Flips(500)});
  EXPECT_TRUE(Read().ok());
  EXPECT_EQ(stats_.verified, 0U);
}

TEST_F(WholeReadTest, ABrokenBodyIsComparedAsAWhole) {
  const std::string body = PutChecked(200 * kKiB);
  store().Script("key", {BreaksAt(100'000), Flips(150'000)});
  EXPECT_TRUE(Read().ok());
  EXPECT_TRUE(SameBytes(bytes_, body));
  EXPECT_EQ(stats_.integrity_failures, 1U);
}

// ---------------------------------------------------------------------------------------------------
// The composite checksum of a multipart upload

class CompositeReadTest : public WholeReadTest {
 protected:
  // The bytes of the object.
  std::string PutMultipart(const std::vector<uint64_t>& parts, bool tells_parts = true) {
    FakeObject object =
        Multipart(Pattern(std::accumulate(parts.begin(), parts.end(), size_t{0})), parts);
    if (!tells_parts) object.parts.clear();
    store().Put("key", object);
    return object.body;
  }

  const std::vector<uint64_t> uniform_ = {300'000, 300'000, 300'000, 100'000};
  const std::vector<uint64_t> unequal_ = {300'000, 400'000, 200'000};  // seem 3 of 300'000
};

TEST_F(CompositeReadTest, AsksForTheSizeOfThePartsAndCompares) {
  const std::string body = PutMultipart(uniform_);
  EXPECT_TRUE(Read().ok());
  EXPECT_TRUE(SameBytes(bytes_, body));
  EXPECT_EQ(stats_.verified, 1U);
  const std::vector<GetRequest> requests = store().gets();
  ASSERT_EQ(requests.size(), 2U);
  EXPECT_TRUE(requests[1].head_only);
  EXPECT_EQ(requests[1].part_number, 1U);
  EXPECT_EQ(requests[1].if_match, "v1");
}

TEST_F(CompositeReadTest, FindsDamage) {
  for (const auto& parts : {uniform_, unequal_}) {
    const std::string body = PutMultipart(parts);
    const uint64_t failures = stats_.integrity_failures;
    store().Script("key", {Flips(700'000)});
    EXPECT_TRUE(Read().ok());
    EXPECT_TRUE(SameBytes(bytes_, body));
    EXPECT_EQ(stats_.integrity_failures, failures + 1);
  }
}

TEST_F(CompositeReadTest, NeverHandsOutDamagedBytes) {
  PutMultipart(uniform_);
  std::vector<Attempt> script = {Flips(700'000)};
  script.resize(2 + uniform_.size());  // the questions for one part, and for all
  script.resize(script.size() + 4, Flips(700'000));
  store().Script("key", script);
  EXPECT_EQ(Read().code(), StatusCode::kIntegrity);
  EXPECT_EQ(store().gets().size(), script.size()) << "what was told of a version stays true";
}

TEST_F(CompositeReadTest, OfANewVersionThePartsAreOthers) {
  PutMultipart(unequal_);
  FakeObject second = Multipart(Pattern(900'000, 2), {200'000, 300'000, 400'000});
  second.version = "v2";
  std::vector<Attempt> script = {Flips(700'000)};
  script.resize(2 + unequal_.size());
  script.push_back(Replaces(second));
  store().Script("key", script);
  EXPECT_TRUE(Read().ok());
  EXPECT_TRUE(SameBytes(bytes_, second.body));
  EXPECT_EQ(stats_.verified, 1U);
}

// Of three parts, their number and the size of the first say little about the others.
TEST_F(CompositeReadTest, DoesNotCondemnPartsOfUnequalSizes) {
  const std::string body = PutMultipart(unequal_);
  EXPECT_TRUE(Read().ok());
  EXPECT_TRUE(SameBytes(bytes_, body));
  EXPECT_EQ(stats_.verified, 1U);
  EXPECT_EQ(stats_.integrity_failures, 0U);
}

TEST_F(CompositeReadTest, OfTwoPartsEitherMayBeTheLonger) {
  PutMultipart({100'000, 300'000});
  EXPECT_TRUE(Read().ok());
  EXPECT_EQ(stats_.verified, 1U);
  EXPECT_EQ(store().gets().size(), 2U);
}

TEST_F(CompositeReadTest, GoesWithoutComparingWhereTheSizeCannotBeLearned) {
  const std::string body = PutMultipart(uniform_, /*tells_parts=*/false);
  EXPECT_TRUE(Read().ok());
  EXPECT_TRUE(SameBytes(bytes_, body));
  EXPECT_EQ(stats_.verified, 0U);
  EXPECT_EQ(store().gets().size(), 2U) << "and does not insist";
}

// A server that knows the first part only, or none but the whole.
TEST_F(CompositeReadTest, GoesWithoutComparingWhereNotEverySizeCanBeLearned) {
  for (const std::vector<uint64_t>& told :
       {std::vector<uint64_t>{300'000}, std::vector<uint64_t>(3, 900'000)}) {
    FakeObject object = Multipart(Pattern(900'000), unequal_);
    object.parts = told;
    store().Put("key", object);
    EXPECT_TRUE(Read().ok());
    EXPECT_TRUE(SameBytes(bytes_, object.body));
  }
  EXPECT_EQ(stats_.verified, 0U);
}

TEST_F(CompositeReadTest, AsksAgainWhenTheQuestionFails) {
  PutMultipart(uniform_);
  store().Script("key", {Attempt{}, Fails(StatusCode::kServer, RetryHint::Kind::kRetry),
                         Fails(StatusCode::kThrottled, RetryHint::Kind::kThrottled)});
  EXPECT_TRUE(Read().ok());
  EXPECT_EQ(stats_.verified, 1U);
}

TEST_F(CompositeReadTest, FailsWhenTheQuestionKeepsFailing) {
  PutMultipart(uniform_);
  std::vector<Attempt> script(20, Fails(StatusCode::kServer, RetryHint::Kind::kRetry));
  script[0] = Attempt{};
  store().Script("key", script);
  EXPECT_EQ(Read().code(), StatusCode::kServer);
}

// The reply that has begun is of one version to its end. Of a part, moto says the same for ever.
TEST_F(CompositeReadTest, AChangeThatOnlyTheQuestionNotedIsNoReasonToReadAgain) {
  PutMultipart(uniform_);
  FakeObject second(Pattern(1000, 2));
  second.version = "v2";
  store().Script("key", {Attempt{}, Replaces(second)});
  EXPECT_TRUE(Read().ok());
  EXPECT_FALSE(SameBytes(bytes_, second.body));
  EXPECT_NE(version_, "v2");
}

TEST_F(CompositeReadTest, AnEmptyObjectHasNoPartToAskFor) {
  PutMultipart({0});
  EXPECT_TRUE(Read().ok());
  EXPECT_EQ(bytes_, "");
}

TEST_F(CompositeReadTest, DestroyedWhileAskingItLeavesNothingBehind) {
  for (const std::vector<Attempt>& script :
       {std::vector<Attempt>{Attempt{}, StallsAt(0)},
        std::vector<Attempt>{Flips(0), Attempt{}, Attempt{}, StallsAt(0)}}) {
    PutMultipart(uniform_);
    store().Script("key", script);
    Start();
    ASSERT_TRUE(Settled());
    OnLoop([this] { read_.reset(); });
    EXPECT_EQ(store().live(), 0);
  }
}

// ---------------------------------------------------------------------------------------------------
// An object that is replaced

FakeObject Second(uint64_t size) {
  FakeObject object(Pattern(size, 2));
  object.version = "v2";
  object.checksum = ChecksumOf(object.body, ChecksumType::kCrc32c);
  return object;
}

TEST_F(WholeReadTest, ReadsTheNewVersionFromItsStart) {
  PutChecked(200 * kKiB);
  const FakeObject second = Second(300 * kKiB);
  store().Script("key", {BreaksAt(100'000), Replaces(second)});
  EXPECT_TRUE(Read().ok());
  EXPECT_TRUE(SameBytes(bytes_, second.body));
  EXPECT_EQ(version_, "v2");
  EXPECT_EQ(attempts_, 3);
  EXPECT_EQ(stats_.restarts, 1U);
  EXPECT_EQ(sizes_, (std::vector<int64_t>{200 * kKiB, 300 * kKiB}));
}

TEST_F(WholeReadTest, ReadsTheNewVersionThoughOnlyAPartNotedIt) {
  PutChecked(kSplitSize);
  const FakeObject second = Second(kSplitSize - kMiB);
  store().Script("key", {SeemsSlow(), Attempt{}, Replaces(second)});
  EXPECT_TRUE(Read().ok());
  EXPECT_TRUE(SameBytes(bytes_, second.body));
}

TEST_F(WholeReadTest, DoesNotFollowAnObjectThatNeverRests) {
  PutChecked(1000);
  std::vector<Attempt> script;
  for (int i = 0; i < 10; ++i) {
    FakeObject next(Pattern(1000, static_cast<uint64_t>(i)));
    next.version = "w" + std::to_string(i);
    script.push_back(BreaksAt(10));
    script.push_back(Replaces(next));
  }
  store().Script("key", script);
  EXPECT_EQ(Read().code(), StatusCode::kObjectChanged);
}

TEST_F(WholeReadTest, SaysThatThereIsNoMemory) {
  constexpr int64_t kTooMuch = int64_t{1} << 49;  // for any process
  store().Put("key", "small");
  Attempt claims;
  claims.edit_head = [](ReplyHead* head) { head->object_size = head->length = kTooMuch; };
  store().Script("key", {claims});
  const Status status = Read();
  EXPECT_EQ(status.code(), StatusCode::kInternal);
  EXPECT_EQ(status.detail().code, "NoMemory");
  EXPECT_EQ(status.message(), "no memory for " + std::to_string(kTooMuch) + " bytes of an object");
  EXPECT_EQ(attempts_, 1);
}

}  // namespace
}  // namespace objectpipes
