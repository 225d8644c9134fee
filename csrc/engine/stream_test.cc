#include "engine/stream.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "testing/engine_test.h"

namespace objectpipes {
namespace {

constexpr uint64_t kMiB = uint64_t{1} << 20;
constexpr uint64_t kSize = 10 * kMiB + 12345;

class StreamTest : public EngineTest {
 protected:
  StreamTest() {
    options_.allowance = 3 * kMiB;
    options_.max_allowance = options_.allowance;
    store().Pace(300'000, 0);
  }
  ~StreamTest() override {
    if (stream_ != nullptr) stream_->Close();
    stream_.reset();
    EXPECT_TRUE(Eventually([this] { return budget_->used() == 0; })) << "memory is not given back";
  }

  // Waits for the first chunk or the failure to get one.
  Status Open() {
    OnLoop([this] {
      Reservation room;
      EXPECT_TRUE(account_->Reserve(options_.allowance, std::nullopt, &holder_, &room));
      auto on_first = [this](const Status& status) {
        EXPECT_FALSE(std::exchange(begun_, true));
        first_ = status;
        ready_.Set();
      };
      stream_.reset(
          new Stream(client_, object_, options_, account_, std::move(room), std::move(on_first)),
          DeferredDelete(&loop_));
      stream_->Start();
    });
    EXPECT_TRUE(ready_.Wait());
    return first_;
  }

  // What Take() says of `position` once it says more than "not yet".
  Stream::Outcome Take(uint64_t position) {
    const auto until = std::chrono::steady_clock::now() + kForEver;
    Stream::Outcome outcome = Stream::Outcome::kNotYet;
    chunk_.reset();
    while (outcome == Stream::Outcome::kNotYet && std::chrono::steady_clock::now() < until) {
      outcome = stream_->Take(position, 50, &chunk_, &failure_);
    }
    return outcome;
  }

  // The bytes [begin, end), or as many of them as there are.
  std::string Read(uint64_t begin, uint64_t end) {
    std::string bytes;
    while (begin + bytes.size() < end && Take(begin + bytes.size()) == Stream::Outcome::kChunk) {
      const uint64_t skipped = begin + bytes.size() - chunk_->begin;
      EXPECT_LT(skipped, chunk_->bytes.size());
      bytes.append(chunk_->bytes.data() + skipped,
                   std::min(chunk_->bytes.size() - skipped, end - begin - bytes.size()));
    }
    return bytes;
  }

  std::string PutChecked() {
    FakeObject object(Pattern(kSize));
    object.checksum = ChecksumOf(object.body, ChecksumType::kCrc32c);
    store().Put("key", object);
    return object.body;
  }

  ObjectId object_{"bucket", "key"};
  // Somebody else, who needs memory.
  class Other final : public MemoryHolder {
   public:
    void OnRoom() override { told = true; }
    std::optional<int64_t> IdleSinceMs() const override { return std::nullopt; }
    void GiveBack() override {}
    bool told = false;
  };

  std::shared_ptr<MemoryBudget> budget_ = std::make_shared<MemoryBudget>(&loop_, client_->pool);
  std::shared_ptr<MemoryAccount> account_ = budget_->Open(64 * kMiB);
  Other holder_;
  Stream::Options options_;
  std::shared_ptr<Stream> stream_;
  std::shared_ptr<Chunk> chunk_;
  Status first_;
  Status failure_;
  bool begun_ = false;
  Signal ready_;
};

// ---------------------------------------------------------------------------------------------------
// From the first byte to the last

TEST_F(StreamTest, DeliversAllBytesInTheirOrder) {
  const std::string body = PutChecked();
  ASSERT_TRUE(Open().ok());
  EXPECT_EQ(stream_->size(), kSize);
  EXPECT_EQ(stream_->version(), "v1");
  EXPECT_TRUE(SameBytes(Read(0, kSize), body));
  EXPECT_EQ(Take(kSize), Stream::Outcome::kEnd);
  EXPECT_EQ(Take(kSize + 5), Stream::Outcome::kEnd);
  EXPECT_EQ(store().gets().size(), 1U);
  EXPECT_EQ(stats_.verified, 1U);
}

TEST_F(StreamTest, DeliversTheSameFromATransportThatGivesNoThoughtToSpace) {
  store().AskForSpace(false);
  const std::string body = PutChecked();
  ASSERT_TRUE(Open().ok());
  EXPECT_TRUE(SameBytes(Read(0, kSize), body));
}

TEST_F(StreamTest, DeliversWhatSeveralConnectionsBring) {
  options_.allowance = 20 * kMiB;
  FakeObject object(Pattern(30 * kMiB));
  object.checksum = ChecksumOf(object.body, ChecksumType::kCrc32c);
  store().Put("key", object);
  store().Script("key", {SeemsSlow(), Attempt{}, BreaksAt(kMiB)});
  ASSERT_TRUE(Open().ok());
  EXPECT_TRUE(SameBytes(Read(0, 30 * kMiB), object.body));
  EXPECT_GT(store().max_live(), 1);
  EXPECT_EQ(stats_.verified, 1U);
}

TEST_F(StreamTest, ResumesABrokenConnection) {
  const std::string body = PutChecked();
  store().Script("key", {BreaksAt(1'500'000), BreaksAt(0), BreaksAt(2'000'000)});
  ASSERT_TRUE(Open().ok());
  EXPECT_TRUE(SameBytes(Read(0, kSize), body));
  EXPECT_EQ(stream_->attempts(), 4);
}

TEST_F(StreamTest, AnEmptyObjectHasEndedWhenItBegins) {
  store().Put("key", "");
  ASSERT_TRUE(Open().ok());
  EXPECT_EQ(stream_->size(), 0U);
  EXPECT_EQ(Take(0), Stream::Outcome::kEnd);
}

// ---------------------------------------------------------------------------------------------------
// The allowance

TEST_F(StreamTest, HoldsNoMoreThanItsAllowance) {
  PutChecked();
  ASSERT_TRUE(Open().ok());
  for (uint64_t position = 0; position < kSize; position += kMiB) {
    ASSERT_TRUE(Settled());
    EXPECT_LE(store().bytes_taken(), position + options_.allowance + 300'000);
    ASSERT_EQ(Take(position), Stream::Outcome::kChunk);
  }
}

TEST_F(StreamTest, ReadsAheadAsFarAsItsAllowance) {
  PutChecked();
  ASSERT_TRUE(Open().ok());
  ASSERT_TRUE(Settled());
  EXPECT_GE(store().bytes_taken(), options_.allowance);
}

TEST_F(StreamTest, AReaderThatWaitsForSlowPartsHasMoreOfThemInFlight) {
  options_.allowance = 20 * kMiB;
  options_.max_allowance = 40 * kMiB;
  store().Put("key", Pattern(60 * kMiB));
  store().Script("key", {SeemsSlow(), StallsAt(kMiB)});
  ASSERT_TRUE(Open().ok());
  ASSERT_TRUE(Settled());
  const size_t at_first = store().gets().size();
  const uint64_t stalled = Read(0, 9 * kMiB).size();
  EXPECT_TRUE(Eventually([&] {
    EXPECT_EQ(stream_->Take(stalled, 10, &chunk_, &failure_), Stream::Outcome::kNotYet);
    return store().gets().size() >= at_first + 3;
  })) << "only "
      << store().gets().size() - at_first;
  ASSERT_TRUE(Settled());
  EXPECT_LE(store().bytes_taken(), stalled + options_.max_allowance);
}

TEST_F(StreamTest, AnAllowanceBelowAChunkStillMoves) {
  options_.allowance = 1;
  const std::string body = PutChecked();
  ASSERT_TRUE(Open().ok());
  EXPECT_TRUE(SameBytes(Read(0, kSize), body));
}

// ---------------------------------------------------------------------------------------------------
// Seeking

TEST_F(StreamTest, GoesToAnyPosition) {
  const std::string body = PutChecked();
  ASSERT_TRUE(Open().ok());
  const uint64_t positions[] = {7 * kMiB + 11, 0, kMiB - 1, kSize - 1, 5 * kMiB, 5 * kMiB + 1, 2};
  for (const uint64_t position : positions) {
    SCOPED_TRACE(position);
    const uint64_t end = std::min(kSize, position + 1'500'000);
    EXPECT_TRUE(SameBytes(Read(position, end), body.substr(position, end - position)));
  }
  const std::vector<GetRequest> requests = store().gets();
  for (size_t i = 1; i < requests.size(); ++i) EXPECT_EQ(requests[i].if_match, "v1");
}

TEST_F(StreamTest, WhatIsOnItsWayIsNotAskedForAgain) {
  const std::string body = PutChecked();
  ASSERT_TRUE(Open().ok());
  EXPECT_TRUE(SameBytes(Read(2 * kMiB, 4 * kMiB), body.substr(2 * kMiB, 2 * kMiB)));
  EXPECT_EQ(store().gets().size(), 1U);
}

TEST_F(StreamTest, ManyHastySeeksEndWhereTheLastOneLeads) {
  const std::string body = PutChecked();
  ASSERT_TRUE(Open().ok());
  for (uint64_t i = 1; i < 50; ++i) {
    stream_->Take(i * 7919 * 997 % kSize, 0, &chunk_, &failure_);
  }
  EXPECT_TRUE(SameBytes(Read(4 * kMiB + 1, kSize), body.substr(4 * kMiB + 1)));
}

TEST_F(StreamTest, ASeekAwayFromAFailureIsAnotherChance) {
  const std::string body = PutChecked();
  Attempt failure = Fails(StatusCode::kAccessDenied, RetryHint::Kind::kFatal);
  store().Script("key", {BreaksAt(1'500'000), failure});
  ASSERT_TRUE(Open().ok());
  EXPECT_EQ(Read(0, kSize).size(), kMiB);
  EXPECT_EQ(failure_.code(), StatusCode::kAccessDenied);
  EXPECT_TRUE(SameBytes(Read(8 * kMiB, kSize), body.substr(8 * kMiB)));
}

// The reply under way is read on, however far that is, and nothing in front is kept.
TEST_F(StreamTest, WithoutAVersionItCanBeReadFurtherOn) {
  FakeObject object(Pattern(kSize));
  object.version = "";
  object.can_pin = false;
  store().Put("key", object);
  ASSERT_TRUE(Open().ok());
  EXPECT_TRUE(SameBytes(Read(100, 200), object.body.substr(100, 100)));
  for (const uint64_t position : {5 * kMiB + 1, kSize - 10}) {
    EXPECT_TRUE(SameBytes(Read(position, position + 10), object.body.substr(position, 10)));
    EXPECT_LE(store().bytes_taken(), position + 10 + options_.allowance + kMiB);
  }
  EXPECT_EQ(store().gets().size(), 1U);
}

// A rewind reads everything anew, from one reply. Any other way back would join two.
TEST_F(StreamTest, WithoutAVersionItCanOnlyBeRewound) {
  FakeObject object(Pattern(kSize));
  object.version = "";
  object.can_pin = false;
  store().Put("key", object);
  ASSERT_TRUE(Open().ok());
  EXPECT_TRUE(SameBytes(Read(0, kMiB), object.body.substr(0, kMiB)));
  EXPECT_EQ(Take(kMiB - 1), Stream::Outcome::kFailed);
  EXPECT_EQ(failure_.code(), StatusCode::kNotSupported);
  EXPECT_EQ(failure_.detail().code, "NoVersion");
  EXPECT_TRUE(SameBytes(Read(0, kSize), object.body));
  EXPECT_EQ(store().gets().size(), 2U);
}

// ---------------------------------------------------------------------------------------------------
// Failures

TEST_F(StreamTest, AFailureBeforeTheFirstChunkIsTheFirstThingSaid) {
  EXPECT_EQ(Open().code(), StatusCode::kObjectNotFound);
  EXPECT_EQ(Take(0), Stream::Outcome::kFailed);
  EXPECT_EQ(failure_.code(), StatusCode::kObjectNotFound);
}

TEST_F(StreamTest, WhatArrivedBeforeAFailureIsDelivered) {
  const std::string body = PutChecked();
  store().Script("key", {BreaksAt(2'500'000), Fails(StatusCode::kServer, RetryHint::Kind::kFatal)});
  ASSERT_TRUE(Open().ok());
  EXPECT_TRUE(SameBytes(Read(0, kSize), body.substr(0, 2 * kMiB)));
  EXPECT_EQ(failure_.code(), StatusCode::kServer);
}

TEST_F(StreamTest, NeverJoinsTwoVersions) {
  const std::string body = PutChecked();
  FakeObject second(Pattern(kSize, 2));
  second.version = "v2";
  store().Script("key", {BreaksAt(2'500'000), Replaces(second)});
  ASSERT_TRUE(Open().ok());
  EXPECT_TRUE(SameBytes(Read(0, kSize), body.substr(0, 2 * kMiB)));
  EXPECT_EQ(failure_.code(), StatusCode::kObjectChanged);
  EXPECT_EQ(Read(0, kSize), "") << "nor does a seek";
  EXPECT_EQ(failure_.code(), StatusCode::kObjectChanged);
}

// Who reads to the end has bytes that were compared: the last of them is kept back otherwise.
TEST_F(StreamTest, ADamagedObjectIsNeverReadToItsEnd) {
  for (const uint64_t offset : {uint64_t{0}, 5 * kMiB, kSize - 1}) {
    SCOPED_TRACE(offset);
    PutChecked();
    store().Script("key", {Flips(offset)});
    begun_ = false;
    ready_.Clear();
    ASSERT_TRUE(Open().ok());
    EXPECT_EQ(Read(0, kSize).size(), 10 * kMiB);
    EXPECT_EQ(failure_.code(), StatusCode::kIntegrity);
    stream_->Close();
  }
  EXPECT_EQ(stats_.integrity_failures, 3U);
}

TEST_F(StreamTest, DamageOfAnyPartIsFound) {
  options_.allowance = 40 * kMiB;
  FakeObject object(Pattern(24 * kMiB));
  object.checksum = ChecksumOf(object.body, ChecksumType::kCrc32c);
  store().Put("key", object);
  store().Script("key", {SeemsSlow(), Flips(9 * kMiB)});
  ASSERT_TRUE(Open().ok());
  EXPECT_LT(Read(0, 24 * kMiB).size(), 24 * kMiB);
  EXPECT_EQ(failure_.code(), StatusCode::kIntegrity) << "and no other failure hides it";
}

class CheckedRangesTest : public StreamTest {
 protected:
  CheckedRangesTest() {
    object_.range_checksum = ChecksumType::kCrc32c;
    store().Put("key", object_);
    store().Pace(5000, 0);
  }

  FakeObject object_{Pattern(kSize)};
};

TEST_F(CheckedRangesTest, DamageWithinAChunkIsMended) {
  store().Script("key", {Attempt{}, Flips(10 * kMiB + 200), BreaksAt(6000), Flips(kSize - 1)});
  ASSERT_TRUE(Open().ok());
  EXPECT_TRUE(SameBytes(Read(10 * kMiB + 100, kSize), object_.body.substr(10 * kMiB + 100)));
  EXPECT_EQ(stats_.integrity_failures, 2U);
}

TEST_F(CheckedRangesTest, ADamagedRangeIsNeverReadToItsEnd) {
  store().Script("key", {Attempt{}, Flips(9 * kMiB)});
  ASSERT_TRUE(Open().ok());
  EXPECT_LT(Read(5 * kMiB, kSize).size(), kSize - 5 * kMiB);
  EXPECT_EQ(failure_.code(), StatusCode::kIntegrity);
  EXPECT_TRUE(SameBytes(Read(5 * kMiB, kSize), object_.body.substr(5 * kMiB)))
      << "a seek is another chance";
}

TEST_F(CheckedRangesTest, WhatIsKnownToBeDamagedIsNotHandedOut) {
  options_.allowance = 4 * kMiB;
  store().Script("key", {Attempt{}, Flips(9 * kMiB)});
  ASSERT_TRUE(Open().ok());
  Take(7 * kMiB);
  ASSERT_TRUE(Settled());
  EXPECT_EQ(Take(8 * kMiB), Stream::Outcome::kFailed);
  EXPECT_EQ(failure_.code(), StatusCode::kIntegrity);
}

TEST_F(StreamTest, ACompositeChecksumIsComparedToo) {
  const std::string body = Pattern(kSize);
  store().Put("key", Multipart(body, {4 * kMiB, 4 * kMiB, kSize - 8 * kMiB}));
  ASSERT_TRUE(Open().ok());
  EXPECT_TRUE(SameBytes(Read(0, kSize), body));
  EXPECT_EQ(stats_.verified, 1U);
  EXPECT_EQ(store().gets().size(), 2U);
}

TEST_F(StreamTest, ADamagedObjectOfManyPartsIsNeverReadToItsEnd) {
  store().Put("key", Multipart(Pattern(kSize), {4 * kMiB, 4 * kMiB, kSize - 8 * kMiB}));
  store().Script("key", {Flips(5 * kMiB)});
  ASSERT_TRUE(Open().ok());
  EXPECT_EQ(Read(0, kSize).size(), 10 * kMiB);
  EXPECT_EQ(failure_.code(), StatusCode::kIntegrity);
  EXPECT_EQ(stats_.integrity_failures, 1U);
}

// What parts of other sizes would have to be compared with is gone by the time they are known.
TEST_F(StreamTest, PartsOfUnequalSizesAreNotCondemned) {
  const std::string body = Pattern(kSize);
  store().Put("key", Multipart(body, {4 * kMiB, 5 * kMiB, kSize - 9 * kMiB}));
  ASSERT_TRUE(Open().ok());
  EXPECT_TRUE(SameBytes(Read(0, kSize), body));
  EXPECT_EQ(stats_.verified, 0U);
  EXPECT_EQ(stats_.integrity_failures, 0U);
}

// Of thousands of parts, the first that is uneven says that the others are not worth asking for.
TEST_F(StreamTest, AsksForNoPartsBeyondTheFirstUnevenOne) {
  std::vector<uint64_t> parts(200, kSize / 200);
  parts[2] += 1000;
  parts.back() = kSize - 199 * (kSize / 200) - 1000;
  store().Put("key", Multipart(Pattern(kSize), parts));
  ASSERT_TRUE(Open().ok());
  EXPECT_EQ(Read(0, kSize).size(), kSize);
  EXPECT_EQ(store().gets().size(), 2U + 3U) << "the bytes, one part to assume from, and three";
}

TEST_F(StreamTest, TheOnlyChunkIsKeptBackUntilItsPartsAreKnown) {
  const std::string body = Pattern(900'000);
  store().Put("key", Multipart(body, {300'000, 400'000, 200'000}));
  ASSERT_TRUE(Open().ok());
  EXPECT_TRUE(SameBytes(Read(0, 900'000), body));
}

// ---------------------------------------------------------------------------------------------------
// Of unknown size

class UnknownSizeTest : public StreamTest, public ::testing::WithParamInterface<uint64_t> {
 protected:
  std::string PutChunked() {
    FakeObject object(Pattern(GetParam()));
    object.checksum = ChecksumOf(object.body, ChecksumType::kCrc32c);
    store().Put("key", object);
    return object.body;
  }
};

TEST_P(UnknownSizeTest, ShowsItsSizeAtTheEnd) {
  const std::string body = PutChunked();
  store().Script("key", {IsChunked()});
  ASSERT_TRUE(Open().ok());
  EXPECT_TRUE(SameBytes(Read(0, kSize), body));
  EXPECT_EQ(Take(body.size()), Stream::Outcome::kEnd);
  EXPECT_EQ(stream_->size(), body.size());
  EXPECT_EQ(stats_.verified, 1U);
}

TEST_P(UnknownSizeTest, IsNeverReadToItsEndIfDamaged) {
  const std::string body = PutChunked();
  if (body.empty()) return;
  Attempt damaged = Flips(body.size() / 2);
  damaged.edit_head = IsChunked().edit_head;
  store().Script("key", {damaged});
  const Status first = Open();
  if (first.ok()) {
    EXPECT_LT(Read(0, kSize).size(), body.size());
  }
  EXPECT_EQ(first.ok() ? failure_.code() : first.code(), StatusCode::kIntegrity);
}

INSTANTIATE_TEST_SUITE_P(Sizes, UnknownSizeTest,
                         ::testing::Values(0, 1, kMiB - 1, kMiB, kMiB + 1, 5 * kMiB,
                                           5 * kMiB + 77));

// ---------------------------------------------------------------------------------------------------
// Memory that is given back

class GivesBackTest : public StreamTest {
 protected:
  // Has somebody ask for all memory that there is.
  void TakeAllMemory() {
    OnLoop([this] {
      holder_.told = account_->Reserve(budget_->total(), loop_.now_ms(), &holder_, &others_);
    });
    ASSERT_TRUE(Eventually([this] { return holder_.told; }));
    OnLoop([this] {
      EXPECT_TRUE(account_->Reserve(budget_->total(), loop_.now_ms(), &holder_, &others_));
    });
  }
  void ReturnAllMemory() {
    OnLoop([this] { others_.Shrink(0); });
  }

  Reservation others_;
};

TEST_F(GivesBackTest, AllOfItAndReadsItAgain) {
  const std::string body = PutChecked();
  ASSERT_TRUE(Open().ok());
  EXPECT_TRUE(SameBytes(Read(0, 2 * kMiB + 5), body.substr(0, 2 * kMiB + 5)));
  ASSERT_TRUE(Settled());
  const std::weak_ptr<Chunk> current = std::exchange(chunk_, nullptr);
  EXPECT_FALSE(current.expired());
  TakeAllMemory();
  EXPECT_TRUE(current.expired());
  EXPECT_EQ(budget_->used(), budget_->total());
  ReturnAllMemory();
  EXPECT_TRUE(SameBytes(Read(2 * kMiB + 5, kSize), body.substr(2 * kMiB + 5)));
  EXPECT_EQ(stats_.verified, 1U) << "what was read again does not count twice";
  EXPECT_EQ(store().gets().back().if_match, "v1");
}

TEST_F(GivesBackTest, ItGoesOnWhileOthersHoldEverything) {
  const std::string body = PutChecked();
  ASSERT_TRUE(Open().ok());
  EXPECT_TRUE(SameBytes(Read(0, 100), body.substr(0, 100)));
  TakeAllMemory();
  EXPECT_TRUE(SameBytes(Read(100, kSize), body.substr(100)));
  ReturnAllMemory();
}

TEST_F(GivesBackTest, AtAnyPosition) {
  const std::string body = PutChecked();
  ASSERT_TRUE(Open().ok());
  for (uint64_t position = 0; position < kSize; position += 777'777) {
    const uint64_t end = std::min(kSize, position + 777'777);
    ASSERT_TRUE(SameBytes(Read(position, end), body.substr(position, end - position)));
    chunk_.reset();
    TakeAllMemory();
    ReturnAllMemory();
  }
  EXPECT_EQ(stats_.integrity_failures, 0U);
}

TEST_F(GivesBackTest, AnotherVersionIsNotMixedIn) {
  const std::string body = PutChecked();
  FakeObject second(Pattern(kSize, 2));
  second.version = "v2";
  store().Script("key", {Attempt{}, Replaces(second)});
  ASSERT_TRUE(Open().ok());
  EXPECT_TRUE(SameBytes(Read(0, 2 * kMiB), body.substr(0, 2 * kMiB)));
  ASSERT_TRUE(Settled());
  TakeAllMemory();
  ReturnAllMemory();
  EXPECT_EQ(Take(2 * kMiB), Stream::Outcome::kFailed);
  EXPECT_EQ(failure_.code(), StatusCode::kObjectChanged);
}

// It has already gone into the checksum, as it was.
TEST_F(GivesBackTest, DamageOfWhatIsReadAgainIsFound) {
  PutChecked();
  store().Script("key", {Attempt{}, Flips(kMiB + 10)});
  ASSERT_TRUE(Open().ok());
  EXPECT_EQ(Read(0, kMiB + 5).size(), kMiB + 5);
  ASSERT_TRUE(Settled());
  TakeAllMemory();
  ReturnAllMemory();
  EXPECT_EQ(Take(kMiB + 5), Stream::Outcome::kFailed);
  EXPECT_EQ(failure_.code(), StatusCode::kIntegrity);
}

// Streams that nobody reads would otherwise take in turn what others have given back.
TEST_F(GivesBackTest, ItDoesNotGrowAgainUnlessItIsAwaited) {
  options_.allowance = options_.max_allowance = 20 * kMiB;
  store().Put("key", Pattern(60 * kMiB));
  ASSERT_TRUE(Open().ok());
  ASSERT_TRUE(Settled());
  EXPECT_GE(store().bytes_taken(), options_.allowance) << "at first it reads ahead";
  TakeAllMemory();
  ReturnAllMemory();

  // All memory is free, but after this chunk nobody waits for another.
  const uint64_t before = store().bytes_taken();
  ASSERT_EQ(Take(0), Stream::Outcome::kChunk);
  ASSERT_TRUE(Settled());
  EXPECT_LE(store().bytes_taken() - before, 3 * kMiB);
  EXPECT_LE(budget_->used(), 2 * kMiB);
}

TEST_F(GivesBackTest, WithoutAVersionOnlyWhatWasNotBegun) {
  FakeObject object(Pattern(kSize));
  object.version = "";
  object.can_pin = false;
  store().Put("key", object);
  ASSERT_TRUE(Open().ok());
  ASSERT_TRUE(Settled());
  TakeAllMemory();
  ReturnAllMemory();
  EXPECT_TRUE(SameBytes(Read(0, kMiB), object.body.substr(0, kMiB)));
  EXPECT_EQ(store().gets().size(), 2U);
  ASSERT_TRUE(Settled());
  OnLoop([this] { EXPECT_FALSE(account_->Reserve(64 * kMiB, std::nullopt, &holder_, &others_)); });
  EXPECT_TRUE(SameBytes(Read(kMiB, kSize), object.body.substr(kMiB)));
  EXPECT_EQ(store().gets().size(), 2U) << "two replies are never joined";
}

// A listing tells how long the object is, and its chunked body goes on.
TEST_F(StreamTest, TheLastChunkIsKeptBackUntilTheReplyHasEnded) {
  PutChecked();
  object_.listed.size = 4 * kMiB;
  store().Script("key", {IsChunked()});
  ASSERT_TRUE(Open().ok());
  const std::string bytes = Read(0, 4 * kMiB);
  EXPECT_LE(bytes.size(), 3 * kMiB);
  EXPECT_TRUE(SameBytes(bytes, Pattern(kSize).substr(0, bytes.size())));
  EXPECT_EQ(failure_.code(), StatusCode::kProtocol);
}

TEST_F(StreamTest, AListingTellsTheSizeThatAReplyDoesNot) {
  const std::string body = PutChecked();
  object_.listed.size = kSize;
  store().Script("key", {IsChunked()});
  ASSERT_TRUE(Open().ok());
  EXPECT_TRUE(SameBytes(Read(0, kSize), body));
  EXPECT_EQ(Take(kSize), Stream::Outcome::kEnd);
}

TEST_F(StreamTest, TheOnlyChunkIsFetchedAgainIfItsReplyWasWrong) {
  const std::string body = Pattern(900'000);
  object_.listed.size = 900'000;
  FakeObject longer(body + "more");
  store().Put("key", body);
  Attempt wrong = IsChunked();
  wrong.replaced_by = longer;
  Attempt right;
  right.replaced_by = FakeObject(body);
  store().Script("key", {wrong, right});
  ASSERT_TRUE(Open().ok());
  EXPECT_TRUE(SameBytes(Read(0, 900'000), body));
  EXPECT_EQ(store().gets().size(), 2U);
}

// ---------------------------------------------------------------------------------------------------
// Time

TEST_F(StreamTest, TheDeadlineIsThatOfTheFirstChunk) {
  PutChecked();
  Attempt busy = Fails(StatusCode::kThrottled, RetryHint::Kind::kThrottled);
  busy.hint.retry_after_ms = 120'000;
  store().Script("key", {busy});
  OnLoop([this] { options_.deadline_ms = loop_.now_ms() + 5'000; });
  EXPECT_EQ(Open().code(), StatusCode::kThrottled);
}

TEST_F(StreamTest, AfterTheFirstChunkThereIsNoDeadline) {
  const std::string body = PutChecked();
  Attempt busy = Fails(StatusCode::kThrottled, RetryHint::Kind::kThrottled);
  busy.hint.retry_after_ms = 300;
  store().Script("key", {BreaksAt(1'500'000), busy});
  OnLoop([this] { options_.deadline_ms = loop_.now_ms() + 250; });
  ASSERT_TRUE(Open().ok());
  EXPECT_TRUE(SameBytes(Read(0, kSize), body));
}

TEST_F(StreamTest, SaysWhenNothingComesAnyMore) {
  options_.timeout_ms = 30;
  PutChecked();
  store().Script("key", {StallsAt(1'500'000)});
  ASSERT_TRUE(Open().ok());
  EXPECT_EQ(Read(0, kSize).size(), kMiB);
  EXPECT_EQ(failure_.code(), StatusCode::kTimeout);
}

// A reader that trains on a chunk for minutes comes back to an empty stream.
TEST_F(StreamTest, TheTimeThatTheReaderTakesDoesNotCount) {
  options_.timeout_ms = 1000;
  options_.allowance = kMiB;
  const std::string body = PutChecked();
  store().Pace(kMiB, 60);
  ASSERT_TRUE(Open().ok());
  ASSERT_TRUE(Settled());
  std::this_thread::sleep_for(std::chrono::milliseconds(1100));
  ASSERT_EQ(Take(0), Stream::Outcome::kChunk);
  EXPECT_NE(stream_->Take(kMiB, 10, &chunk_, &failure_), Stream::Outcome::kFailed);
  EXPECT_EQ(Take(kMiB), Stream::Outcome::kChunk);
}

// ---------------------------------------------------------------------------------------------------
// Closing

TEST_F(StreamTest, CloseEndsTheTransfer) {
  PutChecked();
  store().Script("key", {StallsAt(1'500'000)});
  ASSERT_TRUE(Open().ok());
  stream_->Close();
  stream_->Close();  // once more does no harm
  EXPECT_TRUE(Eventually([this] { return store().live() == 0; }));
  EXPECT_EQ(budget_->used(), 0U);
  EXPECT_EQ(Take(0), Stream::Outcome::kFailed);
  EXPECT_EQ(failure_.code(), StatusCode::kCancelled);
}

TEST_F(StreamTest, CloseWakesNobodyUpForNothing) {
  PutChecked();
  store().Pace(kMiB, 2);
  for (int i = 0; i < 20; ++i) {  // whatever it is doing at that moment
    begun_ = false;
    ready_.Clear();
    ASSERT_TRUE(Open().ok());
    Take(0);
    stream_->Take(static_cast<uint64_t>(i % 5) * 2 * kMiB, 0, &chunk_, &failure_);
    stream_->Close();
  }
  EXPECT_TRUE(Eventually([this] { return store().live() == 0; }));
}

// Its exchanges belong to the I/O thread, so that is where it dies.
TEST_F(StreamTest, MayBeDroppedByAnyThreadWithoutClosing) {
  PutChecked();
  for (int i = 0; i < 20; ++i) {
    begun_ = false;
    ready_.Clear();
    ASSERT_TRUE(Open().ok());
    stream_.reset();
  }
  EXPECT_TRUE(Eventually([this] { return store().live() == 0; }));
}

}  // namespace
}  // namespace objectpipes
