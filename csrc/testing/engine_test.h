// What tests of the engine have in common: a loop, a client, and a store that does as it is told.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/buffer.h"
#include "engine/client.h"
#include "testing/fake_transport.h"
#include "testing/loop_test.h"
#include "testing/signal.h"

namespace objectpipes {

// Bytes that tell every offset of every object apart from any other.
std::string Pattern(size_t size, uint64_t seed = 0);

// Equal? Without a page of bytes in the message.
::testing::AssertionResult SameBytes(std::string_view got, std::string_view expected);

// What a store says of `body` when it offers this checksum of it.
OfferedChecksum ChecksumOf(const std::string& body, ChecksumType type);
// An object that was uploaded in parts of these sizes, with its composite checksum.
FakeObject Multipart(std::string body, std::vector<uint64_t> parts);

class EngineTest : public LoopTest {
 protected:
  EngineTest();
  ~EngineTest() override;

  // Waits until this is true; it is looked at on the I/O thread.
  ::testing::AssertionResult Eventually(const std::function<bool()>& condition);
  // Waits until every exchange has ended, or waits for us.
  ::testing::AssertionResult Settled();

  FakeTransport& store() { return *store_; }

  Stats stats_;
  std::shared_ptr<CredentialStore> credentials_ = std::make_shared<CredentialStore>();
  std::shared_ptr<Client> client_;

 private:
  FakeTransport* store_;
};

}  // namespace objectpipes
