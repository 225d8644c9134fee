#include "testing/engine_test.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <thread>
#include <utility>

#include "base/checksum.h"

namespace objectpipes {

std::string Pattern(size_t size, uint64_t seed) {
  std::string bytes(size, '\0');
  uint64_t state = seed;
  for (size_t i = 0; i < size; i += sizeof(uint64_t)) {  // SplitMix64
    state += 0x9E3779B97F4A7C15;
    uint64_t word = (state ^ (state >> 30)) * 0xBF58476D1CE4E5B9;
    word = (word ^ (word >> 27)) * 0x94D049BB133111EB;
    word ^= word >> 31;
    std::memcpy(&bytes[i], &word, std::min(sizeof(word), size - i));
  }
  return bytes;
}

::testing::AssertionResult SameBytes(std::string_view got, std::string_view expected) {
  if (got == expected) return ::testing::AssertionSuccess();
  const auto differ = std::mismatch(got.begin(), got.end(), expected.begin(), expected.end());
  return ::testing::AssertionFailure()
         << got.size() << " bytes instead of " << expected.size() << ", different from offset "
         << differ.first - got.begin() << " on";
}

OfferedChecksum ChecksumOf(const std::string& body, ChecksumType type) {
  Checksum checksum(type);
  checksum.Update(body.data(), body.size());
  OfferedChecksum offered;
  offered.type = type;
  offered.digest = checksum.Finish();
  return offered;
}

FakeObject Multipart(std::string body, std::vector<uint64_t> parts) {
  constexpr ChecksumType kType = ChecksumType::kSha256;
  std::string digests;
  size_t begin = 0;
  for (const uint64_t size : parts) {
    digests += ChecksumOf(body.substr(begin, static_cast<size_t>(size)), kType).digest;
    begin += static_cast<size_t>(size);
  }
  FakeObject object(std::move(body));
  object.checksum = ChecksumOf(digests, kType);
  object.checksum.scope = OfferedChecksum::Scope::kComposite;
  object.checksum.parts = static_cast<uint32_t>(parts.size());
  object.parts = std::move(parts);
  return object;
}

EngineTest::EngineTest() {
  auto store = std::make_unique<FakeTransport>(&loop_);
  store_ = store.get();
  RetryPolicy policy;
  policy.base_ms = 1;
  policy.throttled_base_ms = 2;
  policy.cap_ms = 20;
  client_ = std::make_shared<Client>(&loop_, std::make_shared<BufferPool>(size_t{4} << 20), &stats_,
                                     std::move(store), credentials_, policy, /*may_split=*/true);
}

EngineTest::~EngineTest() {
  EXPECT_TRUE(Eventually([this] { return client_.use_count() == 1; })) << "reads are left behind";
  OnLoop([this] { client_.reset(); });
}

::testing::AssertionResult EngineTest::Eventually(const std::function<bool()>& condition) {
  const auto until = std::chrono::steady_clock::now() + kForEver;
  while (std::chrono::steady_clock::now() < until) {
    bool now = false;
    OnLoop([&] { now = condition(); });
    if (now) return ::testing::AssertionSuccess();
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return ::testing::AssertionFailure() << "it never came";
}

// Twice, because what ends in one turn may start something in the next.
::testing::AssertionResult EngineTest::Settled() {
  int turns = 0;
  return Eventually([this, &turns] {
    turns = store().moving() == 0 ? turns + 1 : 0;
    return turns == 3;
  });
}

}  // namespace objectpipes
