#include "engine/range_fetch.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "testing/engine_test.h"

namespace objectpipes {
namespace {

constexpr uint64_t kKiB = uint64_t{1} << 10;
class RangeFetchTest : public EngineTest, public RangeFetch::Handler {
 protected:
  ~RangeFetchTest() override {
    OnLoop([this] { fetch_.reset(); });
  }

  void Start(uint64_t begin, uint64_t end) {
    OnLoop([&] {
      begin_ = begin;
      fetch_ =
          std::make_unique<RangeFetch>(client_.get(), &object_, &pin_, begin, end, verify_, this);
      fetch_->Start();
    });
  }

  // The outcome; what arrived is in bytes_.
  Status Fetch(uint64_t begin = 0, uint64_t end = kToTheEnd) {
    Start(begin, end);
    EXPECT_TRUE(fetched_.Wait());
    return outcome_;
  }

  // RangeFetch::Handler
  Flow OnReply(const ReplyHead& /*head*/) override { return Flow::kContinue; }
  Space SpaceAt(RangeFetch* /*fetch*/, uint64_t /*offset*/) override { return {}; }
  Flow OnBytes(RangeFetch* /*fetch*/, uint64_t offset, const char* data, size_t size) override {
    EXPECT_EQ(offset, begin_ + bytes_.size()) << "bytes out of order";
    if (bytes_.size() >= pause_at_) return Flow::kPause;
    if (bytes_.size() >= stop_at_) return Flow::kStop;
    bytes_.append(data, size);
    return Flow::kContinue;
  }
  bool TakeBack(RangeFetch* /*fetch*/, uint64_t offset) override {
    if (takes_back_) bytes_.resize(static_cast<size_t>(offset - begin_));
    return takes_back_;
  }
  void OnFetched(RangeFetch* /*fetch*/, const Status& status) override {
    EXPECT_FALSE(over_) << "OnFetched is the last call";
    over_ = true;
    outcome_ = status;
    attempts_ = fetch_->attempts();
    fetch_.reset();
    fetched_.Set();
  }

  ObjectId object_{"bucket", "key"};
  Pin pin_;
  std::unique_ptr<RangeFetch> fetch_;
  uint64_t begin_ = 0;
  std::string bytes_;
  bool verify_ = true;
  uint64_t pause_at_ = kToTheEnd;
  uint64_t stop_at_ = kToTheEnd;
  bool takes_back_ = true;
  bool over_ = false;
  Status outcome_;
  int attempts_ = 0;
  Signal fetched_;
};

std::vector<std::string> RangesOf(const std::vector<GetRequest>& requests) {
  std::vector<std::string> ranges;
  for (const GetRequest& request : requests) {
    ranges.push_back(std::to_string(request.begin) + "-" +
                     (request.end == kToTheEnd ? "" : std::to_string(request.end)) +
                     (request.if_match.empty() ? "" : " of " + request.if_match));
  }
  return ranges;
}

using Ranges = std::vector<std::string>;

Attempt TellsSize(int64_t size) {
  Attempt attempt;
  attempt.edit_head = [size](ReplyHead* head) { head->object_size = size; };
  return attempt;
}

TEST_F(RangeFetchTest, AWholeObjectIsOneRequestWithoutARange) {
  const std::string body = Pattern(200 * kKiB);
  store().Put("key", body);
  EXPECT_TRUE(Fetch().ok());
  EXPECT_TRUE(SameBytes(bytes_, body));
  EXPECT_EQ(RangesOf(store().gets()), Ranges{"0-"});
  EXPECT_EQ(pin_.version, "v1");
  EXPECT_EQ(pin_.size, static_cast<int64_t>(body.size()));
}

TEST_F(RangeFetchTest, ARangeIsAllThatIsAskedForAndDelivered) {
  const std::string body = Pattern(200 * kKiB);
  store().Put("key", body);
  EXPECT_TRUE(Fetch(1000, 100'000).ok());
  EXPECT_TRUE(SameBytes(bytes_, body.substr(1000, 99'000)));
  EXPECT_EQ(RangesOf(store().gets()), Ranges{"1000-100000"});
}

TEST_F(RangeFetchTest, AnEmptyObjectIsFetchedToo) {
  store().Put("key", "");
  EXPECT_TRUE(Fetch().ok());
  EXPECT_EQ(bytes_, "");
  EXPECT_EQ(pin_.size, 0);
}

TEST_F(RangeFetchTest, ResumesAtTheByteWhereTheConnectionBroke) {
  const std::string body = Pattern(200 * kKiB);
  store().Put("key", body);
  store().Script("key", {BreaksAt(100'000), BreaksAt(0), BreaksAt(1)});
  EXPECT_TRUE(Fetch().ok());
  EXPECT_TRUE(SameBytes(bytes_, body));
  EXPECT_EQ(RangesOf(store().gets()),
            (Ranges{"0-", "100000-204800 of v1", "100000-204800 of v1", "100001-204800 of v1"}));
  EXPECT_EQ(attempts_, 4);
}

// A body that is chunked ends where its framing says, unless more is known.
TEST_F(RangeFetchTest, AgreesWithAnEarlierReadOfTheSameVersion) {
  store().Put("key", Pattern(50'000));
  store().Script("key", {IsChunked()});
  pin_.seen = {"v1", 100'000};
  EXPECT_FALSE(Fetch().ok());
}

TEST_F(RangeFetchTest, AnEarlierReadOfAnotherVersionTellsNothing) {
  store().Put("key", Pattern(50'000));
  pin_.seen = {"v0", 100'000};
  EXPECT_TRUE(Fetch().ok());
}

TEST_F(RangeFetchTest, NoObjectIsLargerThanAnyStoreHas) {
  store().Put("key", Pattern(1000));
  store().Script("key", std::vector<Attempt>(20, TellsSize(int64_t{1} << 62)));
  EXPECT_EQ(Fetch().code(), StatusCode::kProtocol);
}

TEST_F(RangeFetchTest, ARefusedRangeThatWasNotAskedForIsTheServersFault) {
  store().Put("key", Pattern(1000));
  Attempt refused = Fails(StatusCode::kInvalidArgument, RetryHint::Kind::kFatal);
  refused.failure.mutable_detail().http_status = 416;
  store().Script("key", {refused});
  EXPECT_TRUE(Fetch().ok());
  EXPECT_EQ(attempts_, 2);
}

TEST_F(RangeFetchTest, AConnectionThatBreaksAfterTheLastByteHasDoneItsWork) {
  const std::string body = Pattern(1000);
  store().Put("key", body);
  store().Script("key", {BreaksAt(1000)});
  EXPECT_TRUE(Fetch().ok());
  EXPECT_TRUE(SameBytes(bytes_, body));
  EXPECT_EQ(store().gets().size(), 1U);
}

TEST_F(RangeFetchTest, NeverJoinsTwoVersionsOfAServerThatLooksAtIfMatch) {
  FakeObject second(Pattern(10'000, 2));
  second.version = "v2";
  store().Put("key", Pattern(10'000, 1));
  store().Script("key", {BreaksAt(1000), Replaces(second)});
  EXPECT_EQ(Fetch().code(), StatusCode::kObjectChanged);
  EXPECT_TRUE(SameBytes(bytes_, Pattern(10'000, 1).substr(0, 1000)));
}

TEST_F(RangeFetchTest, NeverJoinsTwoVersionsOfAServerThatDoesNot) {
  FakeObject first(Pattern(10'000, 1));
  first.can_pin = false;
  FakeObject second(Pattern(10'000, 2));
  second.version = "v2";
  second.can_pin = false;
  store().Put("key", first);
  store().Script("key", {BreaksAt(1000), Replaces(second)});
  EXPECT_EQ(Fetch().code(), StatusCode::kObjectChanged);
  EXPECT_TRUE(SameBytes(bytes_, first.body.substr(0, 1000)));
  EXPECT_EQ(RangesOf(store().gets()), (Ranges{"0-", "1000-10000"}));
}

TEST_F(RangeFetchTest, TheSameVersionHasTheSameSize) {
  const std::string body = Pattern(10'000);
  store().Put("key", body);
  store().Script("key", {BreaksAt(1000), TellsSize(9'000), TellsSize(10'001)});
  EXPECT_TRUE(Fetch().ok());
  EXPECT_TRUE(SameBytes(bytes_, body));
  EXPECT_EQ(attempts_, 4);
}

TEST_F(RangeFetchTest, AServerThatSticksToAnotherSizeIsGivenUp) {
  store().Put("key", Pattern(10'000));
  std::vector<Attempt> attempts(20, TellsSize(9'000));
  attempts[0] = BreaksAt(1000);
  store().Script("key", attempts);
  EXPECT_EQ(Fetch().code(), StatusCode::kProtocol);
  EXPECT_TRUE(SameBytes(bytes_, Pattern(10'000).substr(0, 1000)));
}

// The first reply does not tell the size, but more bytes have come than the second one allows.
TEST_F(RangeFetchTest, TheSameVersionHasNoFewerBytesThanCame) {
  Attempt broken = IsChunked();
  broken.cut_at = 9'500;
  std::vector<Attempt> attempts(20, Replaces(FakeObject(Pattern(9'000))));
  for (Attempt& attempt : attempts) attempt.ignore_range = true;
  attempts[0] = broken;
  store().Put("key", Pattern(10'000));
  store().Script("key", attempts);
  EXPECT_EQ(Fetch().code(), StatusCode::kProtocol);
}

// ---------------------------------------------------------------------------------------------------
// What was listed

TEST_F(RangeFetchTest, TheListedVersionHasTheListedSize) {
  store().has_etags = true;
  object_.listed.etag = "v1";
  for (const int64_t listed : {9'999, 10'001}) {
    object_.listed.size = listed;
    store().Put("key", Pattern(10'000));
    EXPECT_EQ(Fetch().code(), StatusCode::kProtocol) << listed;
    EXPECT_EQ(bytes_, "");
    EXPECT_EQ(attempts_, 10);
    over_ = false;
    fetched_.Clear();
  }
}

TEST_F(RangeFetchTest, WithoutAnETagTheListedSizeIsAHint) {
  const std::string body = Pattern(10'000);
  object_.listed.size = 9'999;
  store().Put("key", body);
  EXPECT_TRUE(Fetch().ok());
  EXPECT_TRUE(SameBytes(bytes_, body));
}

TEST_F(RangeFetchTest, AnotherVersionMayHaveAnother) {
  const std::string body = Pattern(10'000);
  object_.listed.size = 9'999;
  object_.listed.etag = "v0";
  store().Put("key", body);
  store().has_etags = true;
  EXPECT_TRUE(Fetch().ok());
  EXPECT_TRUE(SameBytes(bytes_, body));
}

TEST_F(RangeFetchTest, ABodyThatGoesOnBehindItsListedEndIsTakenBack) {
  object_.listed.size = 9'000;
  store().Put("key", Pattern(10'000));
  store().Pace(1000, 0);
  store().Script("key", std::vector<Attempt>(20, IsChunked()));
  EXPECT_EQ(Fetch().code(), StatusCode::kProtocol);
  EXPECT_EQ(bytes_, "") << "every time";
  EXPECT_EQ(attempts_, 10);
}

TEST_F(RangeFetchTest, OrItIsAFailureAtOnce) {
  object_.listed.size = 9'000;
  takes_back_ = false;
  store().Put("key", Pattern(10'000));
  store().Pace(1000, 0);
  store().Script("key", {IsChunked()});
  EXPECT_EQ(Fetch().code(), StatusCode::kProtocol);
  EXPECT_EQ(attempts_, 1);
}

TEST_F(RangeFetchTest, ABodyThatEndsBeforeItsListedEndIsAFailure) {
  object_.listed.size = 11'000;
  store().Put("key", Pattern(10'000));
  std::vector<Attempt> attempts(20, IsChunked());
  for (Attempt& attempt : attempts) attempt.ignore_range = true;
  store().Script("key", attempts);
  EXPECT_EQ(Fetch().code(), StatusCode::kProtocol);
}

// ---------------------------------------------------------------------------------------------------
// Bodies that end with their connection

Attempt EndsWithItsConnection() {
  Attempt attempt;
  attempt.edit_head = [](ReplyHead* head) {
    head->length = head->object_size = -1;
    head->delimited = false;
  };
  return attempt;
}

FakeObject WithChecksum(std::string body) {
  FakeObject object(std::move(body));
  object.checksum = ChecksumOf(object.body, ChecksumType::kCrc32c);
  return object;
}

TEST_F(RangeFetchTest, AnUndelimitedBodyIsTakenIfAListingTellsItsSize) {
  const std::string body = Pattern(10'000);
  object_.listed.size = 10'000;
  store().Put("key", body);
  store().Script("key", {EndsWithItsConnection()});
  EXPECT_TRUE(Fetch().ok());
  EXPECT_TRUE(SameBytes(bytes_, body));
}

TEST_F(RangeFetchTest, AnUndelimitedBodyIsTakenIfAChecksumIsCompared) {
  store().Put("key", WithChecksum(Pattern(10'000)));
  store().Script("key", {EndsWithItsConnection()});
  EXPECT_TRUE(Fetch().ok());
}

TEST_F(RangeFetchTest, AnUndelimitedBodyIsRefusedIfNothingTellsThatItIsWhole) {
  store().Put("key", Pattern(10'000));
  store().Script("key", std::vector<Attempt>(20, EndsWithItsConnection()));
  EXPECT_EQ(Fetch().code(), StatusCode::kProtocol);
  EXPECT_EQ(bytes_, "");
}

TEST_F(RangeFetchTest, AnUndelimitedBodyIsRefusedIfItsChecksumIsNotCompared) {
  store().Put("key", WithChecksum(Pattern(10'000)));
  store().Script("key", std::vector<Attempt>(20, EndsWithItsConnection()));
  verify_ = false;
  EXPECT_EQ(Fetch().code(), StatusCode::kProtocol);
  EXPECT_NE(outcome_.message().find("verify=False"), std::string::npos);
}

TEST_F(RangeFetchTest, AnUndelimitedBodyThatWasCutGoesOn) {
  const std::string body = Pattern(10'000);
  object_.listed.size = 10'000;
  store().Put("key", body);
  Attempt cut = EndsWithItsConnection();
  cut.most = 4'000;
  store().Script("key", {cut});
  EXPECT_TRUE(Fetch().ok());
  EXPECT_TRUE(SameBytes(bytes_, body));
  EXPECT_EQ(RangesOf(store().gets()), (Ranges{"0-", "4000-10000 of v1"}));
}

// ---------------------------------------------------------------------------------------------------
// Ranges

TEST_F(RangeFetchTest, WithoutAVersionNothingIsResumed) {
  FakeObject object(Pattern(10'000));
  object.version = "";
  object.can_pin = false;
  store().Put("key", object);
  store().Script("key", {BreaksAt(0), BreaksAt(1000)});
  EXPECT_EQ(Fetch().code(), StatusCode::kObjectChanged);
  EXPECT_EQ(RangesOf(store().gets()), (Ranges{"0-", "0-10000"})) << "from the start is no resuming";
}

TEST_F(RangeFetchTest, SkipsWhatItHasWhenTheServerIgnoresTheRange) {
  const std::string body = Pattern(200 * kKiB);
  store().Put("key", body);
  store().Script("key", {BreaksAt(100'000), IgnoresRange()});
  EXPECT_TRUE(Fetch().ok());
  EXPECT_TRUE(SameBytes(bytes_, body));
}

TEST_F(RangeFetchTest, TakesNoByteBeyondItsRange) {
  const std::string body = Pattern(500 * kKiB);
  store().Put("key", body);
  store().Script("key", {IgnoresRange()});
  EXPECT_TRUE(Fetch(1000, 2000).ok());
  EXPECT_TRUE(SameBytes(bytes_, body.substr(1000, 1000)));
  EXPECT_LE(store().bytes_taken(), 64 * kKiB) << "and does not wait for the rest";
}

TEST_F(RangeFetchTest, RefusesAPartThatNobodyAskedFor) {
  const std::string body = Pattern(10'000);
  store().Put("key", body);
  Attempt part = SendsAtMost(9'000);
  part.edit_head = [](ReplyHead* head) { head->partial = true; };
  store().Script("key", {part});
  EXPECT_TRUE(Fetch().ok());
  EXPECT_TRUE(SameBytes(bytes_, body));
  EXPECT_EQ(attempts_, 2);
}

TEST_F(RangeFetchTest, RefusesAPartOfAnObjectWithoutASize) {
  store().Put("key", Pattern(10'000));
  store().Script("key", std::vector<Attempt>(20, TellsSize(-1)));
  EXPECT_EQ(Fetch(1000, kToTheEnd).code(), StatusCode::kProtocol);
  EXPECT_EQ(bytes_, "");
}

TEST_F(RangeFetchTest, RefusesAPartThatGoesOnBehindItsEnd) {
  store().Put("key", Pattern(10'000));
  Attempt longer;
  longer.edit_head = [](ReplyHead* head) { ++head->length; };
  store().Script("key", std::vector<Attempt>(20, longer));
  EXPECT_EQ(Fetch(1000, 2000).code(), StatusCode::kProtocol);
  EXPECT_EQ(bytes_, "");
}

TEST_F(RangeFetchTest, RefusesThatAnIgnoredRangeIsAPart) {
  store().Put("key", Pattern(10'000));
  Attempt from_the_start = IgnoresRange();
  from_the_start.edit_head = [](ReplyHead* head) { head->partial = true; };
  store().Script("key", std::vector<Attempt>(20, from_the_start));
  EXPECT_EQ(Fetch(1000, 2000).code(), StatusCode::kProtocol);
}

TEST_F(RangeFetchTest, ABodyThatIsShorterThanItsRangeIsAFailure) {
  store().Put("key", Pattern(10'000));
  Attempt shorter = SendsAtMost(900);
  shorter.edit_head = [](ReplyHead* head) { head->length = 1000; };
  store().Script("key", {shorter});
  EXPECT_TRUE(Fetch(1000, 2000).ok());
  EXPECT_TRUE(SameBytes(bytes_, Pattern(10'000).substr(1000, 1000)));
  EXPECT_EQ(stats_.retries, 1U);
}

Attempt BeginsElsewhere(int64_t shift) {
  Attempt attempt;
  attempt.edit_head = [shift](ReplyHead* head) {
    head->begin = static_cast<uint64_t>(static_cast<int64_t>(head->begin) + shift);
  };
  return attempt;
}

TEST_F(RangeFetchTest, UsesNoByteOfAWrongRange) {
  const std::string body = Pattern(10'000);
  store().Put("key", body);
  store().Script("key", {BeginsElsewhere(+1), BeginsElsewhere(-1), BeginsElsewhere(+5000)});
  EXPECT_TRUE(Fetch(2000, 4000).ok());
  EXPECT_TRUE(SameBytes(bytes_, body.substr(2000, 2000)));
  EXPECT_EQ(attempts_, 4);
}

TEST_F(RangeFetchTest, GivesUpOnAServerThatOnlySendsWrongRanges) {
  store().Put("key", Pattern(10'000));
  store().Script("key", std::vector<Attempt>(20, BeginsElsewhere(1)));
  EXPECT_EQ(Fetch(2000, 4000).code(), StatusCode::kProtocol);
  EXPECT_EQ(outcome_.detail().attempts, 10);
  EXPECT_EQ(bytes_, "");
}

TEST_F(RangeFetchTest, RefusesAReplyThatClaimsMoreThanTheObjectHas) {
  store().Put("key", Pattern(10'000));
  Attempt lie;
  lie.edit_head = [](ReplyHead* head) { head->object_size = head->length - 1; };
  store().Script("key", std::vector<Attempt>(20, lie));
  EXPECT_EQ(Fetch().code(), StatusCode::kProtocol);
  EXPECT_EQ(bytes_, "");
}

// A server may send less than was asked for, and that is no failure: more of them than there are
// attempts.
TEST_F(RangeFetchTest, GoesOnAfterAShorterRange) {
  const std::string body = Pattern(20'000);
  store().Put("key", body);
  store().Script("key", std::vector<Attempt>(19, SendsAtMost(1000)));
  EXPECT_TRUE(Fetch(0, 20'000).ok());
  EXPECT_TRUE(SameBytes(bytes_, body));
  EXPECT_EQ(attempts_, 20);
  EXPECT_EQ(stats_.retries, 0U);
}

TEST_F(RangeFetchTest, GivesUpOnAServerThatSendsSingleBytes) {
  store().Put("key", Pattern(140'000));
  store().Script("key", std::vector<Attempt>(140'000, SendsAtMost(1)));
  EXPECT_EQ(Fetch(0, 140'000).code(), StatusCode::kProtocol);
  EXPECT_LT(attempts_, 100);
}

TEST_F(RangeFetchTest, GivesUpOnAServerThatSendsNothing) {
  store().Put("key", Pattern(1000));
  store().Script("key", std::vector<Attempt>(20, SendsAtMost(0)));
  EXPECT_EQ(Fetch(0, 1000).code(), StatusCode::kProtocol);
  EXPECT_EQ(attempts_, 10);
}

TEST_F(RangeFetchTest, AttemptsThatBringSomethingDoNotCountAsFailures) {
  const std::string body = Pattern(64 * kKiB * 20);
  store().Put("key", body);
  store().Script("key", std::vector<Attempt>(19, BreaksAt(64 * kKiB)));
  EXPECT_TRUE(Fetch().ok());
  EXPECT_TRUE(SameBytes(bytes_, body));
}

TEST_F(RangeFetchTest, AttemptsThatBringNextToNothingDo) {
  store().Put("key", Pattern(20'000));
  store().Script("key", std::vector<Attempt>(20, BreaksAt(100)));
  EXPECT_EQ(Fetch().code(), StatusCode::kEndpoint);
  EXPECT_EQ(attempts_, 10);
}

TEST_F(RangeFetchTest, ABodyOfUnknownLengthEndsWhereTheReplyDoes) {
  const std::string body = Pattern(200 * kKiB);
  store().Put("key", body);
  store().Script("key", {IsChunked()});
  EXPECT_TRUE(Fetch().ok());
  EXPECT_TRUE(SameBytes(bytes_, body));
  EXPECT_EQ(pin_.size, static_cast<int64_t>(body.size()));
}

// The range that continues it tells the size; the shorter one here must not pass as the end.
TEST_F(RangeFetchTest, ABrokenBodyOfUnknownLengthIsReadToItsEnd) {
  const std::string body = Pattern(200 * kKiB);
  store().Put("key", body);
  Attempt broken = IsChunked();
  broken.cut_at = 1000;
  store().Script("key", {broken, SendsAtMost(500)});
  EXPECT_TRUE(Fetch().ok());
  EXPECT_TRUE(SameBytes(bytes_, body));
}

TEST_F(RangeFetchTest, AFatalFailureIsNotRepeated) {
  store().Put("key", "x");
  store().Script("key", {Fails(StatusCode::kAccessDenied, RetryHint::Kind::kFatal)});
  EXPECT_EQ(Fetch().code(), StatusCode::kAccessDenied);
  EXPECT_EQ(attempts_, 1);
}

TEST_F(RangeFetchTest, EveryOtherFailureIs) {
  const std::string body = Pattern(1000);
  store().Put("key", body);
  store().Script("key", {Fails(StatusCode::kServer, RetryHint::Kind::kRetry),
                         Fails(StatusCode::kThrottled, RetryHint::Kind::kThrottled),
                         Fails(StatusCode::kWrongRegion, RetryHint::Kind::kRetryNow)});
  EXPECT_TRUE(Fetch().ok());
  EXPECT_TRUE(SameBytes(bytes_, body));
  EXPECT_EQ(attempts_, 4);
}

TEST_F(RangeFetchTest, APauseLosesNothing) {
  const std::string body = Pattern(500 * kKiB);
  store().Put("key", body);
  pause_at_ = 100 * kKiB;
  Start(0, kToTheEnd);
  ASSERT_TRUE(Settled());
  EXPECT_LT(bytes_.size(), 200 * kKiB);
  OnLoop([this] {
    pause_at_ = kToTheEnd;
    fetch_->Resume();
  });
  ASSERT_TRUE(fetched_.Wait());
  EXPECT_TRUE(outcome_.ok());
  EXPECT_TRUE(SameBytes(bytes_, body));
  EXPECT_EQ(attempts_, 1);
}

TEST_F(RangeFetchTest, TheSinkMayStopIt) {
  store().Put("key", Pattern(500 * kKiB));
  stop_at_ = 100 * kKiB;
  EXPECT_EQ(Fetch().code(), StatusCode::kCancelled);
  EXPECT_EQ(attempts_, 1);
}

TEST_F(RangeFetchTest, LeavesWhatWasGivenToSomebodyElse) {
  const std::string body = Pattern(500 * kKiB);
  store().Put("key", body);
  pause_at_ = 100 * kKiB;
  Start(0, kToTheEnd);
  ASSERT_TRUE(Settled());
  OnLoop([this] {
    fetch_->Truncate(200'000);
    pause_at_ = kToTheEnd;
    fetch_->Resume();
  });
  ASSERT_TRUE(fetched_.Wait());
  EXPECT_TRUE(outcome_.ok());
  EXPECT_TRUE(SameBytes(bytes_, body.substr(0, 200'000)));
  EXPECT_LE(store().bytes_taken(), 256 * kKiB) << "and does not wait for it";
}

// Of a store that offers with every range the checksum of its bytes.
FakeObject WithCheckedRanges(std::string body) {
  FakeObject object(std::move(body));
  object.range_checksum = ChecksumType::kCrc32c;
  return object;
}

TEST_F(RangeFetchTest, ADamagedRangeIsAskedForAgain) {
  const std::string body = Pattern(200 * kKiB);
  store().Put("key", WithCheckedRanges(body));
  store().Script("key", {BreaksAt(50'000), Flips(60'000), Flips(150'999)});
  EXPECT_TRUE(Fetch(1000, 151'000).ok());
  EXPECT_TRUE(SameBytes(bytes_, body.substr(1000, 150'000)));
  EXPECT_EQ(RangesOf(store().gets()), (Ranges{"1000-151000", "51000-151000 of v1",
                                              "51000-151000 of v1", "51000-151000 of v1"}));
  EXPECT_EQ(store().gets().back().route, Route::kFallback) << "by another way, if there is one";
  EXPECT_EQ(stats_.integrity_failures, 2U);
}

TEST_F(RangeFetchTest, ARangeThatIsAlwaysDamagedIsGivenUp) {
  store().Put("key", WithCheckedRanges(Pattern(200 * kKiB)));
  store().Script("key", std::vector<Attempt>(20, Flips(150'000)));
  EXPECT_EQ(Fetch(1000, 200'000).code(), StatusCode::kIntegrity);
  EXPECT_EQ(attempts_, 5);
}

TEST_F(RangeFetchTest, ADamagedRangeThatIsInUseIsAFailure) {
  store().Put("key", WithCheckedRanges(Pattern(200 * kKiB)));
  store().Script("key", {Flips(2000)});
  takes_back_ = false;
  EXPECT_EQ(Fetch(1000, 200'000).code(), StatusCode::kIntegrity);
  EXPECT_EQ(attempts_, 1);
  EXPECT_LT(bytes_.size(), 199'000U) << "the last piece is kept back until the checksum is known";
}

TEST_F(RangeFetchTest, ADamagedRangeOfOnePieceIsNeverInUse) {
  const std::string body = Pattern(200 * kKiB);
  store().Put("key", WithCheckedRanges(body));
  store().Script("key", {Flips(2000)});
  takes_back_ = false;
  EXPECT_TRUE(Fetch(1000, 3000).ok());
  EXPECT_TRUE(SameBytes(bytes_, body.substr(1000, 2000)));
}

// The bytes in front of those wanted, and those that were offered twice, are in the checksum once.
TEST_F(RangeFetchTest, AChecksumIsThatOfAllBytesOfTheReply) {
  const std::string body = Pattern(500 * kKiB);
  store().Put("key", WithCheckedRanges(body));
  Attempt early = IgnoresRange();
  early.most = 400'000;
  store().Script("key", {early});
  pause_at_ = 100 * kKiB;
  Start(1000, kToTheEnd);
  ASSERT_TRUE(Settled());
  OnLoop([this] {
    pause_at_ = kToTheEnd;
    fetch_->Resume();
  });
  ASSERT_TRUE(fetched_.Wait());
  EXPECT_TRUE(outcome_.ok());
  EXPECT_TRUE(SameBytes(bytes_, body.substr(1000)));
  EXPECT_EQ(attempts_, 2);
  EXPECT_EQ(stats_.integrity_failures, 0U);
}

TEST_F(RangeFetchTest, NothingIsComparedIfThatIsNotWanted) {
  store().Put("key", WithCheckedRanges(Pattern(200 * kKiB)));
  store().Script("key", {Flips(2000)});
  verify_ = false;
  EXPECT_TRUE(Fetch(1000, 200'000).ok());
  EXPECT_EQ(attempts_, 1);
}

TEST_F(RangeFetchTest, DestroyedOnItsWayItLeavesNothingBehind) {
  store().Put("key", Pattern(500 * kKiB));
  store().Script("key", {StallsAt(1000)});
  Start(0, kToTheEnd);
  ASSERT_TRUE(Settled());
  EXPECT_EQ(stats_.in_flight, 1U);
  OnLoop([this] { fetch_.reset(); });
  EXPECT_EQ(store().live(), 0);
  EXPECT_EQ(stats_.in_flight, 0U);
}

TEST_F(RangeFetchTest, DestroyedBetweenTwoAttemptsItMakesNoOther) {
  store().Put("key", Pattern(1000));
  Attempt busy = Fails(StatusCode::kServer, RetryHint::Kind::kRetry);
  busy.hint.retry_after_ms = 20;
  store().Script("key", {busy});
  Start(0, kToTheEnd);
  ASSERT_TRUE(Settled());
  Signal later;
  OnLoop([&] {
    fetch_.reset();
    loop_.PostAfter(40, [&] { later.Set(); });
  });
  ASSERT_TRUE(later.Wait());
  EXPECT_EQ(store().gets().size(), 1U);
}

}  // namespace
}  // namespace objectpipes
