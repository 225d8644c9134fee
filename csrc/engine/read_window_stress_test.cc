// Many objects, each with its own trouble, through one window: whatever the mix, each comes out as
// it must.

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "engine/read_window.h"
#include "testing/engine_test.h"

namespace objectpipes {
namespace {

constexpr uint64_t kKiB = uint64_t{1} << 10;
using Kind = RetryHint::Kind;

// What must come out of one request.
struct Expected {
  StatusCode code = StatusCode::kOk;
  std::string body;
};

class ReadWindowStressTest : public EngineTest, public ::testing::WithParamInterface<unsigned> {
 protected:
  ReadWindowStressTest() : random_(GetParam()) {
    options_.ordered = Below(2) == 0;
    options_.concurrency = static_cast<int>(Below(20));
    options_.prefetch_bytes = 256 * kKiB << Below(4);
    store().AskForSpace(Below(3) > 0);
    store().Pace(2 * kKiB + Below(64 * kKiB), 0);
  }

  uint64_t Below(uint64_t limit) { return random_() % limit; }

  // An object, its trouble, and a request for it.
  ReadRequest AddRequest() {
    const std::string key = std::to_string(expected_.size());
    Expected expected;
    const uint64_t largest = options_.prefetch_bytes / (Below(8) == 0 ? 2 : 8);
    expected.body = Pattern(Below(4) == 0 ? Below(3) : Below(largest), random_());
    ReadRequest request{ObjectId{"bucket", key}, static_cast<int64_t>(expected.body.size())};
    if (Below(3) == 0) request.size = -1;
    if (Below(10) == 0) request.size = static_cast<int64_t>(Below(largest));
    const bool streamed = expected.body.size() > options_.prefetch_bytes / 4 ||
                          request.size > static_cast<int64_t>(options_.prefetch_bytes / 4);
    FakeObject object(expected.body);
    if (Below(2) == 0) object.checksum = ChecksumOf(object.body, ChecksumType::kCrc32c);
    store().Script(key, Trouble(streamed, object, &expected));
    if (expected.code != StatusCode::kObjectNotFound) store().Put(key, object);
    if (Below(30) == 0) {
      request.object = Status::InvalidArgument("not a URL");
      expected.code = StatusCode::kInvalidArgument;
    }
    expected_.push_back(std::move(expected));
    return request;
  }

  std::vector<Attempt> Trouble(bool streamed, const FakeObject& object, Expected* expected) {
    const uint64_t size = object.body.size();
    std::vector<Attempt> script = Hiccups();
    switch (Below(10)) {
      case 0:
        for (int i = 0; i < 5; ++i) script.push_back(BreaksAt(Below(size + 1)));
        break;
      case 1:
        for (int i = 0; i < 20; ++i) script.push_back(SendsAtMost(1 + Below(size / 10 + 1)));
        break;
      case 2:
        script.push_back(BreaksAt(Below(size + 1)));
        script.push_back(IgnoresRange());
        break;
      case 3:
        expected->code = StatusCode::kAccessDenied;
        script.push_back(Fails(StatusCode::kAccessDenied, Kind::kFatal));
        break;
      case 4:
        expected->code = StatusCode::kObjectNotFound;
        break;
      case 5:
        if (object.checksum.type != ChecksumType::kNone && size > 0 && !streamed) {
          script.push_back(Flips(Below(size)));
        }
        break;
      case 6:
        if (size > 1 && !streamed) {
          FakeObject second(Pattern(size + Below(100), random_()));
          second.version = "v2";
          script.push_back(BreaksAt(Below(size - 1) + 1));
          script.push_back(Replaces(second));
          expected->body = second.body;
        }
        break;
      case 7:
        if (!streamed) {
          Attempt chunked = IsChunked();
          if (size > 0 && Below(2) == 0) chunked.cut_at = Below(size);
          script.push_back(chunked);
        }
        break;
      default:
        break;
    }
    return script;
  }

  // Failures that cost an attempt and nothing else.
  std::vector<Attempt> Hiccups() {
    std::vector<Attempt> script;
    for (uint64_t i = Below(4); i > 1; --i) {
      script.push_back(Below(2) == 0 ? Fails(StatusCode::kServer, Kind::kRetry)
                                     : Fails(StatusCode::kWrongRegion, Kind::kRetryNow));
    }
    if (Below(20) == 0) script.push_back(Fails(StatusCode::kThrottled, Kind::kThrottled));
    return script;
  }

  void Check(ReadResult result) {
    const Expected& expected = expected_[result.sequence];
    SCOPED_TRACE("request " + std::to_string(result.sequence));
    EXPECT_EQ(static_cast<int>(result.status.code()), static_cast<int>(expected.code))
        << result.status.message();
    if (!result.status.ok()) return;
    if (!result.stream) {
      EXPECT_TRUE(SameBytes({result.buffer.data(), result.buffer.size()}, expected.body));
    } else {
      CheckStream(result.stream.get().get(), expected.body);
    }
  }

  // Reads it to its end, or leaves it on the way; closes it, or just drops it.
  void CheckStream(Stream* stream, const std::string& body) {
    const size_t enough = Below(3) == 0 ? Below(body.size() + 1) : body.size();
    std::string bytes;
    auto outcome = Stream::Outcome::kChunk;
    Status failure;
    const auto until = std::chrono::steady_clock::now() + kForEver;
    while (bytes.size() < enough && outcome != Stream::Outcome::kFailed &&
           std::chrono::steady_clock::now() < until) {
      std::shared_ptr<Chunk> chunk;
      outcome = stream->Take(bytes.size(), 50, &chunk, &failure);
      if (outcome == Stream::Outcome::kChunk) {
        bytes.append(chunk->bytes.data(), chunk->bytes.size());
      }
    }
    EXPECT_EQ(failure.message(), "");
    EXPECT_TRUE(SameBytes(bytes, std::string_view(body).substr(0, bytes.size())));
    if (Below(2) == 0) stream->Close();
  }

  std::minstd_rand random_;
  ReadWindow::Options options_;
  std::vector<Expected> expected_;
};

TEST_P(ReadWindowStressTest, EveryRequestIsAnsweredRight) {
  const auto window =
      ReadWindow::Open(client_, std::make_shared<MemoryBudget>(&loop_, client_->pool), options_);
  const size_t count = 60;
  std::vector<bool> answered(count);
  size_t taken = 0;
  const auto until = std::chrono::steady_clock::now() + kForEver;
  while (taken < count && std::chrono::steady_clock::now() < until) {
    std::vector<ReadRequest> requests;
    while (expected_.size() < count && requests.size() < window->Room() && Below(5) > 0) {
      requests.push_back(AddRequest());
    }
    window->Submit(std::move(requests));
    std::vector<ReadResult> results;
    window->Take(1 + Below(10), static_cast<int64_t>(Below(3)), &results);
    for (ReadResult& result : results) {
      EXPECT_FALSE(answered[result.sequence]);
      answered[result.sequence] = true;
      if (options_.ordered) {
        EXPECT_EQ(result.sequence, taken);
      }
      ++taken;
      Check(std::move(result));
    }
  }
  EXPECT_EQ(taken, count) << "the window has stopped";
  window->Close();
}

TEST_P(ReadWindowStressTest, MayBeClosedAtAnyTime) {
  const auto window =
      ReadWindow::Open(client_, std::make_shared<MemoryBudget>(&loop_, client_->pool), options_);
  std::vector<ReadRequest> requests;
  for (size_t i = 0; i < 40; ++i) requests.push_back(AddRequest());
  window->Submit(std::move(requests));
  std::vector<ReadResult> results;
  const size_t enough = Below(40);
  const auto until = std::chrono::steady_clock::now() + kForEver;
  while (results.size() < enough && std::chrono::steady_clock::now() < until) {
    window->Take(1, 50, &results);
  }
  EXPECT_EQ(results.size(), enough);
  window->Close();
  for (const ReadResult& result : results) {
    if (result.stream) result.stream.get()->Close();
  }
  results.clear();
  EXPECT_TRUE(Eventually([this] { return store().live() == 0; }));
}

INSTANTIATE_TEST_SUITE_P(Seeds, ReadWindowStressTest, ::testing::Range(1U, 25U));

}  // namespace
}  // namespace objectpipes
