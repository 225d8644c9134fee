#include "engine/retry_loop.h"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "testing/engine_test.h"

namespace objectpipes {
namespace {

using Kind = RetryHint::Kind;

RetryHint Hint(Kind kind, int64_t retry_after_ms = -1) {
  RetryHint hint;
  hint.kind = kind;
  hint.retry_after_ms = retry_after_ms;
  return hint;
}

// A request that fails every attempt in the same way until the loop gives up or is told to stop.
class RetryLoopTest : public EngineTest {
 protected:
  ~RetryLoopTest() override {
    OnLoop([this] { retry_.reset(); });
  }

  // Begins with attempt 1; each attempt fails with `hint`.
  void Run(const RetryHint& hint, int64_t deadline_ms = -1) {
    OnLoop([&] {
      hint_ = hint;
      retry_ = std::make_unique<RetryLoop>(
          client_.get(), [this] { Attempt(); },
          [this](const Status& status) {
            given_up_ = status;
            retry_.reset();  // as owners do
            over_.Set();
          });
      if (deadline_ms >= 0) retry_->set_deadline_ms(loop_.now_ms() + deadline_ms);
      Attempt();
    });
  }

  void Attempt() {
    ++attempts_;
    retry_->Attempting();
    if (before_failure_) before_failure_();
    if (attempts_ == good_attempt_) {
      retry_->Succeeded();
      return over_.Set();
    }
    retry_->Failed(failure_, hint_);
  }

  // A client that nothing has ever answered, with this much patience.
  void UseFirstContact(int64_t limit_ms) {
    RetryPolicy policy;
    policy.base_ms = 20;
    policy.cap_ms = 100;
    policy.first_contact_ms = limit_ms;
    UsePolicy(policy);
  }
  // A client whose backoffs do not end within a test.
  void UseEndlessBackoff() {
    RetryPolicy policy;
    policy.base_ms = policy.cap_ms = 1'000'000'000;
    policy.max_attempts = 2;
    UsePolicy(policy);
    OnLoop([this] { client_->contact->answered = true; });
  }
  void UsePolicy(const RetryPolicy& policy) {
    OnLoop([&] {
      client_ = std::make_shared<Client>(&loop_, client_->pool, &stats_,
                                         std::make_unique<FakeTransport>(&loop_), credentials_,
                                         policy, /*may_split=*/true);
    });
  }

  std::unique_ptr<RetryLoop> retry_;
  Status failure_ = Status(StatusCode::kServer, "busy");
  RetryHint hint_;
  std::function<void()> before_failure_;
  int attempts_ = 0;
  int good_attempt_ = 0;
  Status given_up_;
  Signal over_;
};

TEST_F(RetryLoopTest, AFatalFailureIsFinal) {
  Run(Hint(Kind::kFatal));
  ASSERT_TRUE(over_.Wait());
  EXPECT_EQ(attempts_, 1);
  EXPECT_EQ(given_up_.code(), StatusCode::kServer);
  EXPECT_EQ(given_up_.message(), "busy");
  EXPECT_EQ(given_up_.detail().attempts, 1);
}

TEST_F(RetryLoopTest, GivesUpAfterTheMostAttemptsInARow) {
  Run(Hint(Kind::kRetry));
  ASSERT_TRUE(over_.Wait());
  EXPECT_EQ(attempts_, client_->retry_policy.max_attempts);
  EXPECT_EQ(given_up_.detail().attempts, attempts_);
  EXPECT_EQ(stats_.retries, 9U);
}

TEST_F(RetryLoopTest, ProgressForgetsEarlierFailures) {
  before_failure_ = [this] { retry_->Progressed(); };
  good_attempt_ = 25;
  Run(Hint(Kind::kRetry));
  ASSERT_TRUE(over_.Wait());
  EXPECT_EQ(attempts_, 25);
}

TEST_F(RetryLoopTest, WaitsAsLongAsTheServerWishes) {
  good_attempt_ = 2;
  const auto began = std::chrono::steady_clock::now();
  Run(Hint(Kind::kRetry, 60));  // the backoff alone is 2 ms at the most
  ASSERT_TRUE(over_.Wait());
  EXPECT_GE(std::chrono::steady_clock::now() - began, std::chrono::milliseconds(55));
}

TEST_F(RetryLoopTest, WillNotWaitBeyondTheDeadline) {
  Run(Hint(Kind::kRetry, 10'000), /*deadline_ms=*/5'000);
  ASSERT_TRUE(over_.Wait());
  EXPECT_EQ(attempts_, 1);
  EXPECT_EQ(given_up_.message(), "busy (no time left for another attempt)");
}

// A server may ask for a day of patience; nobody has that.
TEST_F(RetryLoopTest, GrantsALongWishInPart) {
  Run(Hint(Kind::kRetry, 86'400'000), /*deadline_ms=*/600'000);
  OnLoop([this] { EXPECT_TRUE(given_up_.ok()) << "two minutes of waiting fit into ten"; });
}

TEST_F(RetryLoopTest, AnEmptyBudgetDelaysButNeverFails) {
  OnLoop([this] {
    while (client_->retry_budget.Take()) {
    }
  });
  good_attempt_ = 4;
  Run(Hint(Kind::kRetry));
  ASSERT_TRUE(over_.Wait());
  EXPECT_EQ(attempts_, 4);
  EXPECT_TRUE(given_up_.ok());
}

TEST_F(RetryLoopTest, ProbesOfAnOutageDoNotCount) {
  UseEndlessBackoff();
  good_attempt_ = 4;
  Run(Hint(Kind::kRetry));
  ASSERT_TRUE(over_.Wait());
  EXPECT_TRUE(given_up_.ok()) << given_up_.message();
  EXPECT_EQ(attempts_, 4);
}

TEST_F(RetryLoopTest, TheEndOfAnOutageReleasesAllThatWait) {
  UseEndlessBackoff();
  constexpr int kReads = 20;
  std::vector<std::unique_ptr<RetryLoop>> reads(kReads);
  int left = kReads;
  OnLoop([&] {
    while (client_->retry_budget.Take()) {
    }
    for (auto& read : reads) {
      read = std::make_unique<RetryLoop>(
          client_.get(),
          [&] {
            EXPECT_TRUE(read->Attempting());
            read->Succeeded();
            if (--left == 0) over_.Set();
          },
          [](const Status& status) { ADD_FAILURE() << status.message(); });
      EXPECT_TRUE(read->Attempting());
      read->Failed(failure_, Hint(Kind::kRetry));
    }
    loop_.PostAfter(RetryQueue::kOutageMs, [this] { client_->Succeeding(); });
  });
  ASSERT_TRUE(over_.Wait());
  OnLoop([&] {
    EXPECT_TRUE(client_->retry_budget.Take()) << "the outage slows down what comes after it";
    reads.clear();
  });
}

TEST_F(RetryLoopTest, ThrottlingSlowsEverybodyDown) {
  good_attempt_ = 2;
  int before = 0;
  OnLoop([&] { before = client_->concurrency.Limit(100); });
  Run(Hint(Kind::kThrottled));
  ASSERT_TRUE(over_.Wait());
  EXPECT_EQ(before, 100);
  OnLoop([&] { EXPECT_LT(client_->concurrency.Limit(100), 60); });
  EXPECT_EQ(stats_.throttled, 1U);
}

TEST_F(RetryLoopTest, WhatWasLearnedIsTriedAtOnceButNotForEver) {
  Run(Hint(Kind::kRetryNow));
  ASSERT_TRUE(over_.Wait());
  EXPECT_EQ(attempts_, 7);
  EXPECT_EQ(given_up_.message(), "busy (the server redirects again and again)");
}

TEST_F(RetryLoopTest, OnlyTheFirstSilentWayIsNoAttempt) {
  RetryPolicy policy;
  policy.max_attempts = 1;
  UsePolicy(policy);
  failure_ = Status(StatusCode::kTimeout, "no byte arrived");
  Run(Hint(Kind::kRetryNow));
  ASSERT_TRUE(over_.Wait());
  EXPECT_EQ(attempts_, 2);
  EXPECT_EQ(given_up_.message(), "no byte arrived");
}

TEST_F(RetryLoopTest, TheClockIsCorrectedOnce) {
  failure_ = Status(StatusCode::kClockSkew, "the clocks differ");
  Run(Hint(Kind::kRetryNow));
  ASSERT_TRUE(over_.Wait());
  EXPECT_EQ(attempts_, 2);
  EXPECT_EQ(given_up_.code(), StatusCode::kClockSkew);
  EXPECT_EQ(given_up_.message(), "the clocks differ");
}

TEST_F(RetryLoopTest, TakesTheRouteOfTheHint) {
  RetryHint hint = Hint(Kind::kRetryNow);
  hint.route = Route::kFallback;
  std::vector<Route> routes;
  before_failure_ = [&] { routes.push_back(retry_->route()); };
  good_attempt_ = 2;
  Run(hint);
  ASSERT_TRUE(over_.Wait());
  EXPECT_EQ(routes, (std::vector<Route>{Route::kDefault, Route::kFallback}));
}

TEST_F(RetryLoopTest, WaitsForFreshCredentials) {
  credentials_->Set(Credentials{"old", "", ""});
  good_attempt_ = 2;
  Run(Hint(Kind::kRefreshCredentials));
  ASSERT_TRUE(Eventually([this] { return credentials_->refresh_wanted(); }));
  EXPECT_EQ(attempts_, 1);
  credentials_->Set(Credentials{"new", "", ""});
  ASSERT_TRUE(over_.Wait());
  EXPECT_EQ(attempts_, 2);
  EXPECT_FALSE(credentials_->refresh_wanted());
}

// Many reads fail together, and the first to say so has fresh credentials for all.
TEST_F(RetryLoopTest, DoesNotAskForCredentialsThatAreThere) {
  credentials_->Set(Credentials{"old", "", ""});
  before_failure_ = [this] { credentials_->Set(Credentials{"new", "", ""}); };
  good_attempt_ = 2;
  Run(Hint(Kind::kRefreshCredentials));
  ASSERT_TRUE(over_.Wait());
  EXPECT_FALSE(credentials_->refresh_wanted());
}

TEST_F(RetryLoopTest, GivesUpWhenFreshCredentialsAreRefusedAgain) {
  Run(Hint(Kind::kRefreshCredentials));
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(Eventually([this] { return credentials_->refresh_wanted(); }));
    credentials_->Set(Credentials{"fresh", "", ""});
  }
  ASSERT_TRUE(over_.Wait());
  EXPECT_EQ(attempts_, 3);
}

// A read that waits while credentials change again and again has none refused that are fresh.
TEST_F(RetryLoopTest, CredentialsThatWereReplacedMeanwhileDoNotCount) {
  before_failure_ = [this] { credentials_->Set(Credentials{"fresh", "", ""}); };
  good_attempt_ = 7;
  Run(Hint(Kind::kRefreshCredentials));
  ASSERT_TRUE(over_.Wait());
  EXPECT_EQ(attempts_, 7);
  EXPECT_FALSE(credentials_->refresh_wanted());
}

TEST_F(RetryLoopTest, CredentialsThatAreReplacedForEverDo) {
  before_failure_ = [this] { credentials_->Set(Credentials{"fresh", "", ""}); };
  Run(Hint(Kind::kRefreshCredentials));
  ASSERT_TRUE(over_.Wait());
  EXPECT_EQ(attempts_, 9);
}

// A listing of a day outlives many sets of credentials.
TEST_F(RetryLoopTest, ProgressAllowsFreshCredentialsAnew) {
  before_failure_ = [this] {
    retry_->Progressed();
    credentials_->Set(Credentials{"fresh", "", ""});
  };
  good_attempt_ = 20;
  Run(Hint(Kind::kRefreshCredentials));
  ASSERT_TRUE(over_.Wait());
  EXPECT_EQ(attempts_, 20);
}

// Only the consumer's thread can obtain credentials, and it may be busy elsewhere.
TEST_F(RetryLoopTest, TimeInWhichTheConsumerIsAwayDoesNotCount) {
  credentials_->Set(Credentials{"old", "", ""});
  good_attempt_ = 2;
  Run(Hint(Kind::kRefreshCredentials), /*deadline_ms=*/30);
  ASSERT_TRUE(Eventually([this] { return credentials_->refresh_wanted(); }));
  int64_t before_ms = 0;
  OnLoop([&] { before_ms = client_->now_ms(); });
  std::this_thread::sleep_for(std::chrono::milliseconds(60));
  OnLoop([&] { EXPECT_EQ(client_->now_ms(), before_ms); });
  credentials_->Set(Credentials{"new", "", ""});
  ASSERT_TRUE(over_.Wait());
  EXPECT_EQ(attempts_, 2);
  EXPECT_TRUE(given_up_.ok());
}

TEST_F(RetryLoopTest, GivesUpWhenThereAreNoFreshCredentials) {
  failure_ = Status(StatusCode::kExpiredCredentials, "expired");
  Run(Hint(Kind::kRefreshCredentials));
  ASSERT_TRUE(Eventually([this] { return credentials_->refresh_wanted(); }));
  credentials_->Fail("the vault is sealed");
  ASSERT_TRUE(over_.Wait());
  EXPECT_EQ(attempts_, 1);
  EXPECT_EQ(given_up_.code(), StatusCode::kExpiredCredentials);
  EXPECT_EQ(given_up_.message(), "expired (no fresh credentials: the vault is sealed)");
  EXPECT_FALSE(credentials_->refresh_wanted());
}

TEST_F(RetryLoopTest, TriesOtherCredentialsOnly) {
  credentials_->Set(Credentials{"unknown", "", ""});
  good_attempt_ = 2;
  Run(Hint(Kind::kOtherCredentials));
  ASSERT_TRUE(Eventually([this] { return credentials_->refresh_wanted(); }));
  credentials_->Set(Credentials{"known", "", ""});
  ASSERT_TRUE(over_.Wait());
  EXPECT_EQ(attempts_, 2);
}

TEST_F(RetryLoopTest, DoesNotTryTheSameUnknownCredentialsAgain) {
  credentials_->Set(Credentials{"unknown", "", ""});
  Run(Hint(Kind::kOtherCredentials));
  ASSERT_TRUE(Eventually([this] { return credentials_->refresh_wanted(); }));
  credentials_->Set(Credentials{"unknown", "", ""});
  ASSERT_TRUE(over_.Wait());
  EXPECT_EQ(attempts_, 1);
  EXPECT_EQ(given_up_.message(), "busy");
}

// After a long sleep of the machine, for example.
TEST_F(RetryLoopTest, SignsNothingWithExpiredCredentials) {
  credentials_->Set(Credentials{"old", "", "", /*ends_at_s=*/1});
  good_attempt_ = 1;
  OnLoop([this] {
    retry_ = std::make_unique<RetryLoop>(
        client_.get(),
        [this] {
          EXPECT_TRUE(retry_->Attempting());
          over_.Set();
        },
        [](const Status& status) { ADD_FAILURE() << status.message(); });
    EXPECT_FALSE(retry_->Attempting());
  });
  ASSERT_TRUE(Eventually([this] { return credentials_->refresh_wanted(); }));
  credentials_->Set(Credentials{"new", "", ""});
  ASSERT_TRUE(over_.Wait());
  OnLoop([this] { EXPECT_EQ(retry_->attempts(), 1); });
}

TEST_F(RetryLoopTest, AnEndpointThatNeverAnsweredIsGivenUpEarly) {
  UseFirstContact(40);
  Run(Hint(Kind::kRetry));
  ASSERT_TRUE(over_.Wait());
  EXPECT_LT(attempts_, client_->retry_policy.max_attempts);
  EXPECT_NE(given_up_.message().find("no server has answered"), std::string::npos);
}

TEST_F(RetryLoopTest, AnEndpointThatNeverRepliesIsGivenUpInTheMiddleOfAnAttempt) {
  UseFirstContact(20);
  OnLoop([this] {
    retry_ = std::make_unique<RetryLoop>(
        client_.get(), [] {},
        [this](const Status& status) {
          given_up_ = status;
          over_.Set();
        });
    EXPECT_TRUE(retry_->Attempting());
  });
  ASSERT_TRUE(over_.Wait());
  EXPECT_EQ(given_up_.code(), StatusCode::kTimeout);
}

TEST_F(RetryLoopTest, AnEndpointThatAnsweredOnceIsTriedToTheEnd) {
  UseFirstContact(1);
  OnLoop([this] { client_->contact->answered = true; });
  Run(Hint(Kind::kRetry));
  ASSERT_TRUE(over_.Wait());
  EXPECT_EQ(attempts_, client_->retry_policy.max_attempts);
}

TEST_F(RetryLoopTest, WhatIsRetriedForLongIsSaidOnce) {
  OnLoop([this] {
    client_->WarnOfRetries(7'300, "refused");
    client_->WarnOfRetries(9'000, "refused");
  });
  EXPECT_EQ(client_->TakeWarning(), "waiting for  for 7 s, still retrying: refused");
  EXPECT_EQ(client_->TakeWarning(), "");
  OnLoop([this] {
    client_->Succeeding();
    client_->WarnOfRetries(5'000, "silent");
  });
  EXPECT_NE(client_->TakeWarning(), "");
}

TEST_F(RetryLoopTest, CancelForgetsThePlannedAttempt) {
  Run(Hint(Kind::kRetry, 20));
  Signal later;
  OnLoop([&] {
    retry_->Cancel();
    loop_.PostAfter(40, [&] { later.Set(); });
  });
  ASSERT_TRUE(later.Wait());
  EXPECT_EQ(attempts_, 1);
}

}  // namespace
}  // namespace objectpipes
