#include "engine/listing.h"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "testing/engine_test.h"

namespace objectpipes {
namespace {

using Keys = std::vector<std::string>;

ListPage Page(const Keys& keys, std::string next_token) {
  ListPage page;
  for (const std::string& key : keys) {
    ListEntry entry;
    entry.key = {static_cast<uint32_t>(page.text.size()), static_cast<uint32_t>(key.size())};
    page.text += key;
    page.entries.push_back(entry);
  }
  page.next_token = std::move(next_token);
  return page;
}

class ListingTest : public EngineTest {
 protected:
  ~ListingTest() override {
    if (listing_ != nullptr) listing_->Close();
    listing_.reset();
  }

  void Open(int64_t timeout_ms = -1) {
    ListRequest request;
    request.bucket = "bucket";
    request.prefix = "p";
    listing_ = Listing::Open(client_, request, timeout_ms);
  }

  // What Take() says once it says more than "not yet"; a page's keys are in keys_.
  Listing::Outcome Take() {
    const auto until = std::chrono::steady_clock::now() + kForEver;
    auto outcome = Listing::Outcome::kNotYet;
    ListPage page;
    while (outcome == Listing::Outcome::kNotYet && std::chrono::steady_clock::now() < until) {
      outcome = listing_->Take(50, &page, &failure_);
    }
    keys_.clear();
    for (const ListEntry& entry : page.entries) keys_.emplace_back(page.view(entry.key));
    return outcome;
  }

  std::shared_ptr<Listing> listing_;
  Keys keys_;
  Status failure_;
};

using Outcome = Listing::Outcome;

TEST_F(ListingTest, GoesFromPageToPage) {
  store().PutPage("", Page({"a", "b"}, "t1"));
  store().PutPage("t1", Page({}, "t2"));  // a page may be empty and not the last
  store().PutPage("t2", Page({"c"}, ""));
  Open();
  EXPECT_EQ(Take(), Outcome::kPage);
  EXPECT_EQ(keys_, (Keys{"a", "b"}));
  EXPECT_EQ(Take(), Outcome::kPage);
  EXPECT_EQ(keys_, Keys{});
  EXPECT_EQ(Take(), Outcome::kPage);
  EXPECT_EQ(keys_, Keys{"c"});
  EXPECT_EQ(Take(), Outcome::kEnd);
  EXPECT_EQ(Take(), Outcome::kEnd);
  const std::vector<ListRequest> requests = store().lists();
  ASSERT_EQ(requests.size(), 3U);
  EXPECT_EQ(requests[0].token, "");
  EXPECT_EQ(requests[2].token, "t2");
  EXPECT_EQ(requests[2].prefix, "p");
}

TEST_F(ListingTest, AnEmptyListingIsOneEmptyPage) {
  store().PutPage("", Page({}, ""));
  Open();
  EXPECT_EQ(Take(), Outcome::kPage);
  EXPECT_EQ(Take(), Outcome::kEnd);
}

TEST_F(ListingTest, TheNextPageIsOnItsWayWhileThisOneIsConsumed) {
  store().PutPage("", Page({"a"}, "t1"));
  store().PutPage("t1", Page({"b"}, "t2"));
  store().PutPage("t2", Page({"c"}, ""));
  Open();
  EXPECT_EQ(Take(), Outcome::kPage);
  EXPECT_TRUE(Eventually([this] { return store().lists().size() == 2 && store().live() == 0; }));
  EXPECT_TRUE(Settled());
  EXPECT_EQ(store().lists().size(), 2U) << "but no more than one ahead";
  EXPECT_EQ(Take(), Outcome::kPage);
  EXPECT_EQ(keys_, Keys{"b"});
}

TEST_F(ListingTest, TriesAgain) {
  store().PutPage("", Page({"a"}, ""));
  store().Script("", {Fails(StatusCode::kServer, RetryHint::Kind::kRetry),
                      Fails(StatusCode::kThrottled, RetryHint::Kind::kThrottled),
                      Fails(StatusCode::kWrongRegion, RetryHint::Kind::kRetryNow)});
  Open();
  EXPECT_EQ(Take(), Outcome::kPage);
  EXPECT_EQ(keys_, Keys{"a"});
  EXPECT_EQ(store().lists().size(), 4U);
}

TEST_F(ListingTest, AFailureIsNeverASilentEnd) {
  store().PutPage("", Page({"a"}, "t1"));
  store().Script("", {Attempt{}, Fails(StatusCode::kAccessDenied, RetryHint::Kind::kFatal)});
  Open();
  EXPECT_EQ(Take(), Outcome::kPage);
  EXPECT_EQ(Take(), Outcome::kFailed);
  EXPECT_EQ(failure_.code(), StatusCode::kAccessDenied);
  EXPECT_EQ(Take(), Outcome::kEnd) << "the listing is over";
}

TEST_F(ListingTest, EveryPageHasItsOwnAttempts) {
  std::vector<Attempt> script;
  std::string token;
  for (char c = 'a'; c < 'f'; ++c) {
    const std::string next = c == 'e' ? "" : std::string(1, c);
    store().PutPage(token, Page({std::string(1, c)}, next));
    token = next;
    for (int i = 0; i < 6; ++i) {
      script.push_back(Fails(StatusCode::kServer, RetryHint::Kind::kRetry));
    }
    script.push_back(Attempt{});
  }
  store().Script("", script);
  Open();
  for (int i = 0; i < 5; ++i) EXPECT_EQ(Take(), Outcome::kPage);
  EXPECT_EQ(Take(), Outcome::kEnd);
}

TEST_F(ListingTest, ATokenThatLeadsToItselfIsAFailure) {
  store().PutPage("", Page({"a"}, "t1"));
  store().PutPage("t1", Page({"b"}, "t1"));
  Open();
  EXPECT_EQ(Take(), Outcome::kPage);
  EXPECT_EQ(Take(), Outcome::kFailed);
  EXPECT_EQ(failure_.code(), StatusCode::kProtocol);
}

TEST_F(ListingTest, ACircleOfTokensIsAFailure) {
  store().PutPage("", Page({"a"}, "t1"));
  store().PutPage("t1", Page({"b"}, "t2"));
  store().PutPage("t2", Page({"a"}, "t1"));
  Open();
  EXPECT_EQ(Take(), Outcome::kPage);
  EXPECT_EQ(Take(), Outcome::kPage);
  EXPECT_EQ(Take(), Outcome::kFailed);
  EXPECT_EQ(failure_.code(), StatusCode::kProtocol);
}

TEST_F(ListingTest, PagesWithoutAnythingNewEndInAFailure) {
  for (const Keys& keys : {Keys{}, Keys{"a"}}) {
    store().PutPage("", Page({"a"}, "t0"));
    for (int i = 0; i < kMaxOldPages; ++i) {
      store().PutPage("t" + std::to_string(i), Page(keys, "t" + std::to_string(i + 1)));
    }
    store().PutPage("t" + std::to_string(kMaxOldPages), Page(keys, "end"));
    Open();
    for (int i = 0; i <= kMaxOldPages; ++i) ASSERT_EQ(Take(), Outcome::kPage);
    EXPECT_EQ(Take(), Outcome::kFailed);
    EXPECT_EQ(failure_.code(), StatusCode::kProtocol);
    listing_->Close();
  }
}

TEST_F(ListingTest, KeysMayComeInAnyOrder) {
  store().PutPage("", Page({"z", "b"}, "t1"));
  store().PutPage("t1", Page({"b", "a"}, ""));
  Open();
  EXPECT_EQ(Take(), Outcome::kPage);
  EXPECT_EQ(Take(), Outcome::kPage);
  EXPECT_EQ(Take(), Outcome::kEnd);
}

TEST_F(ListingTest, TheTimeLimitIsThatOfAPage) {
  store().PutPage("", Page({"a"}, ""));
  Attempt failure = Fails(StatusCode::kServer, RetryHint::Kind::kRetry);
  failure.hint.retry_after_ms = 10'000;
  store().Script("", {failure});
  Open(/*timeout_ms=*/1000);
  EXPECT_EQ(Take(), Outcome::kFailed);
  EXPECT_EQ(failure_.code(), StatusCode::kServer);
}

// A server may send a byte now and then for ever, which is no silence to any attempt.
TEST_F(ListingTest, APageThatNeverEndsIsGivenUp) {
  store().Script("", {StallsAt(0)});
  Open(/*timeout_ms=*/50);
  EXPECT_EQ(Take(), Outcome::kFailed);
  EXPECT_EQ(failure_.code(), StatusCode::kTimeout);
  EXPECT_EQ(failure_.detail().attempts, 1);
  OnLoop([this] { EXPECT_EQ(store().live(), 0); });
  EXPECT_EQ(Take(), Outcome::kEnd);
}

TEST_F(ListingTest, ThePageThatIsThereHasNoTimeLimit) {
  store().PutPage("", Page({"a"}, ""));
  Open(/*timeout_ms=*/50);
  ASSERT_TRUE(Settled());
  Signal later;
  OnLoop([&] { loop_.PostAfter(100, [&] { later.Set(); }); });
  ASSERT_TRUE(later.Wait());
  EXPECT_EQ(Take(), Outcome::kPage);
}

TEST_F(ListingTest, WithoutAPageItIsNotYet) {
  store().Script("", {StallsAt(0)});
  Open();
  ListPage page;
  EXPECT_EQ(listing_->Take(1, &page, &failure_), Outcome::kNotYet);
}

TEST_F(ListingTest, CloseEndsWhatIsUnderWay) {
  store().Script("", {StallsAt(0)});
  Open();
  ASSERT_TRUE(Eventually([this] { return store().live() == 1; }));
  listing_->Close();
  OnLoop([] {});
  OnLoop([this] { EXPECT_EQ(store().live(), 0); });
  EXPECT_EQ(Take(), Outcome::kEnd);
}

TEST_F(ListingTest, MayBeDroppedByAnyThreadWithoutClosing) {
  store().PutPage("", Page({"a"}, "t1"));
  store().PutPage("t1", Page({"b"}, "t2"));
  for (int i = 0; i < 50; ++i) {
    Open();
    if (i % 2 == 0) Take();
    listing_.reset();
  }
  EXPECT_TRUE(Eventually([this] { return store().live() == 0; }));
}

}  // namespace
}  // namespace objectpipes
