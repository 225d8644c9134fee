#include "net/resolver.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "testing/name_server.h"

namespace objectpipes {
namespace {

using Answer = NameServer::Answer;

// A reactor on the thread of the test.
class ResolverTest : public ::testing::Test {
 protected:
  struct Outcome {
    bool answered = false;
    Status status;
    std::vector<std::string> addresses;
  };

  std::unique_ptr<Resolver::Question> Ask(Resolver* resolver, const std::string& name,
                                          Outcome* outcome) {
    return resolver->Ask(
        name, [outcome](const Status& status, const std::vector<SocketAddress>& addresses) {
          outcome->answered = true;
          outcome->status = status;
          for (const SocketAddress& address : addresses) {
            outcome->addresses.push_back(address.ToString());
          }
          std::sort(outcome->addresses.begin(), outcome->addresses.end());
        });
  }
  Outcome Resolve(Resolver* resolver, const std::string& name) {
    Outcome outcome;
    const auto question = Ask(resolver, name, &outcome);
    EXPECT_FALSE(outcome.answered) << "never inside of Ask()";
    Run([&] { return outcome.answered; });
    return outcome;
  }
  template <typename Done>
  void Run(const Done& done, int64_t limit_ms = 20'000) {
    const int64_t end = MonotonicMs() + limit_ms;
    while (!done() && MonotonicMs() < end) {
      reactor_.Wait(50);
      reactor_.Dispatch(MonotonicMs());
    }
  }

  Reactor reactor_;
};

TEST_F(ResolverTest, FindsAddressesOfBothFamilies) {
  NameServer server(
      [](const std::string&) { return Answer{false, true, {"10.0.0.1", "10.0.0.2", "fd00::1"}}; });
  Resolver resolver(&reactor_, server.address());
  const Outcome outcome = Resolve(&resolver, "store.test.");
  EXPECT_TRUE(outcome.status.ok()) << outcome.status.message();
  EXPECT_EQ(outcome.addresses,
            (std::vector<std::string>{"10.0.0.1:0", "10.0.0.2:0", "[fd00::1]:0"}));
}

TEST_F(ResolverTest, KeepsAnAnswerAsLongAsItsServerAllows) {
  NameServer server([](const std::string& name) {
    return Answer{false, true, {"10.0.0.1"}, name == "kept.test" ? 30U : 0U};
  });
  Resolver resolver(&reactor_, server.address());
  EXPECT_EQ(resolver.Find("kept.test."), nullptr);
  EXPECT_TRUE(Resolve(&resolver, "kept.test.").status.ok());
  ASSERT_NE(resolver.Find("kept.test."), nullptr);
  EXPECT_EQ(resolver.Find("kept.test.")->size(), 1U);
  EXPECT_TRUE(Resolve(&resolver, "new.test.").status.ok());
  EXPECT_EQ(resolver.Find("new.test."), nullptr);
}

TEST_F(ResolverTest, AsksAnewWhatItWasToldToForget) {
  std::atomic<bool> moved{false};
  NameServer server([&moved](const std::string&) {
    return Answer{false, true, {moved ? "10.0.0.2" : "10.0.0.1"}};
  });
  Resolver resolver(&reactor_, server.address());
  EXPECT_EQ(Resolve(&resolver, "store.test.").addresses[0], "10.0.0.1:0");
  moved = true;
  resolver.Forget("store.test.");
  EXPECT_EQ(resolver.Find("store.test."), nullptr);
  EXPECT_EQ(Resolve(&resolver, "store.test.").addresses[0], "10.0.0.2:0");
}

TEST_F(ResolverTest, AsksOnceForAllWhoWait) {
  NameServer server([](const std::string&) { return Answer{false, true, {"10.0.0.1"}, 30, 20}; });
  Resolver resolver(&reactor_, server.address());
  std::vector<Outcome> outcomes(20);
  std::vector<std::unique_ptr<Resolver::Question>> questions;
  for (Outcome& outcome : outcomes) questions.push_back(Ask(&resolver, "store.test.", &outcome));
  questions[3].reset();
  Run([&] { return outcomes.back().answered; });
  for (size_t i = 0; i < outcomes.size(); ++i) EXPECT_EQ(outcomes[i].answered, i != 3) << i;
  EXPECT_EQ(server.questions(), 1);
}

TEST_F(ResolverTest, SaysThatANameDoesNotExist) {
  NameServer server([](const std::string&) { return Answer{false, false}; });
  Resolver resolver(&reactor_, server.address());
  const Outcome outcome = Resolve(&resolver, "nowhere.test.");
  EXPECT_EQ(outcome.status.code(), StatusCode::kEndpoint);
  EXPECT_EQ(outcome.status.detail().code, "NameNotResolved");
  EXPECT_NE(outcome.status.message().find("nowhere.test"), std::string::npos);
}

TEST_F(ResolverTest, ANameWithoutAddressesIsNoAnswer) {
  NameServer server([](const std::string&) { return Answer{}; });
  Resolver resolver(&reactor_, server.address());
  EXPECT_EQ(Resolve(&resolver, "empty.test.").status.detail().code, "NameNotResolved");
}

TEST_F(ResolverTest, NeedsNoServerForLocalhost) {
  Resolver resolver(&reactor_, "127.0.0.1:1");
  for (const char* name : {"localhost", "bucket.localhost", "A.B.LocalHost."}) {
    const Outcome outcome = Resolve(&resolver, name);
    EXPECT_TRUE(outcome.status.ok()) << outcome.status.message();
    EXPECT_NE(std::find(outcome.addresses.begin(), outcome.addresses.end(), "127.0.0.1:0"),
              outcome.addresses.end())
        << name;
  }
  EXPECT_FALSE(Resolve(&resolver, "notlocalhost").status.ok());
}

// A read may be given up, and the process may end, while a server says nothing.
TEST_F(ResolverTest, EndsWhileAServerIsSilent) {
  NameServer server([](const std::string&) { return Answer{true}; });
  const int64_t began_ms = MonotonicMs();
  {
    Resolver resolver(&reactor_, server.address());
    std::vector<Outcome> outcomes(3);
    std::vector<std::unique_ptr<Resolver::Question>> questions;
    for (Outcome& outcome : outcomes) {
      questions.push_back(
          Ask(&resolver, "a" + std::to_string(questions.size()) + ".test.", &outcome));
    }
    Run([&] { return server.questions() >= 3; });
    EXPECT_FALSE(outcomes[0].answered);
    questions[0].reset();
  }
  EXPECT_LT(MonotonicMs() - began_ms, 20'000) << "not for as long as c-ares would ask";
}

}  // namespace
}  // namespace objectpipes
