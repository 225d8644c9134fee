#include "s3/open_session.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "testing/s3_transport_test.h"

namespace objectpipes {
namespace {

using Kind = RetryHint::Kind;

constexpr char kDirectory[] = "data--use1-az4--x-s3";

// Keys that are valid for so many seconds after the server's time.
std::string Session(int seconds, const std::string& token = "TOKEN") {
  const std::string expiration = "2013-05-24T00:" + std::to_string(10 + seconds / 60) + ":" +
                                 std::to_string(10 + seconds % 60) + "Z";
  return Reply("<CreateSessionResult><Credentials><SessionToken>" + token +
                   "</SessionToken><SecretAccessKey>s</SecretAccessKey><AccessKeyId>AKSESSION"
                   "</AccessKeyId><Expiration>" +
                   expiration + "</Expiration></Credentials></CreateSessionResult>",
               "date: Fri, 24 May 2013 00:10:10 GMT\r\n");
}

class DirectoryBucketTest : public S3TransportTest {
 protected:
  DirectoryBucketTest() { credentials_->Set(Credentials{"AKID", "secret", "account token"}); }

  std::unique_ptr<Getter> GetKey() {
    GetRequest request;
    request.object = ObjectId{kDirectory, "k"};
    return Get(request);
  }
};

TEST_F(DirectoryBucketTest, SignsWithTheKeysOfASession) {
  replies_ = {Session(300), Reply("body", kETag), Reply("body", kETag)};
  EXPECT_EQ(GetKey()->body, "body");
  EXPECT_EQ(GetKey()->body, "body");

  ASSERT_EQ(requests_, 3U);
  EXPECT_EQ(SentLine(0), "GET /data--use1-az4--x-s3?session= HTTP/1.1");
  EXPECT_EQ(Sent(0, "x-amz-create-session-mode"), "ReadOnly");
  EXPECT_EQ(Sent(0, "x-amz-security-token"), "account token");
  EXPECT_EQ(Sent(0, "x-amz-s3session-token"), "");
  EXPECT_EQ(Sent(0, "authorization").find("AWS4-HMAC-SHA256 Credential=AKID/"), 0U);
  for (const size_t request : {size_t{1}, size_t{2}}) {
    EXPECT_EQ(SentLine(request), "GET /data--use1-az4--x-s3/k HTTP/1.1");
    EXPECT_EQ(Sent(request, "x-amz-security-token"), "");
    EXPECT_EQ(Sent(request, "x-amz-s3session-token"), "TOKEN");
    const std::string authorization = Sent(request, "authorization");
    EXPECT_EQ(authorization.find("AWS4-HMAC-SHA256 Credential=AKSESSION/"), 0U);
    EXPECT_NE(authorization.find("/us-east-1/s3express/aws4_request"), std::string::npos);
    EXPECT_NE(authorization.find(";x-amz-s3session-token,"), std::string::npos);
  }
}

TEST_F(DirectoryBucketTest, RenewsASessionBeforeItEnds) {
  replies_ = {Session(4, "OLD"), Reply("body", kETag), Session(300, "NEW"), Reply("body", kETag)};
  EXPECT_TRUE(GetKey()->outcome.ok());
  EXPECT_TRUE(GetKey()->outcome.ok());
  EXPECT_EQ(Sent(1, "x-amz-s3session-token"), "OLD");
  EXPECT_EQ(SentLine(2), "GET /data--use1-az4--x-s3?session= HTTP/1.1");
  EXPECT_EQ(Sent(3, "x-amz-s3session-token"), "NEW");
}

TEST_F(DirectoryBucketTest, OpensAnotherSessionForOtherCredentials) {
  replies_ = {Session(300), Reply("body", kETag), Session(300), Reply("body", kETag)};
  EXPECT_TRUE(GetKey()->outcome.ok());
  credentials_->Set(Credentials{"AKOTHER", "secret", ""});
  EXPECT_TRUE(GetKey()->outcome.ok());
  EXPECT_EQ(Sent(2, "authorization").find("AWS4-HMAC-SHA256 Credential=AKOTHER/"), 0U);
}

TEST_F(DirectoryBucketTest, OpensAnotherSessionWhereOneIsRefused) {
  const std::string refusal = "<Error><Code>ExpiredToken</Code></Error>";
  replies_ = {Session(300),
              "HTTP/1.1 400 Bad Request\r\ncontent-length: " + std::to_string(refusal.size()) +
                  "\r\n\r\n" + refusal,
              Session(300, "NEW"), Reply("body", kETag)};
  EXPECT_EQ(GetKey()->hint.kind, Kind::kRetryNow);
  EXPECT_TRUE(GetKey()->outcome.ok());
  EXPECT_EQ(Sent(3, "x-amz-s3session-token"), "NEW");
}

TEST_F(DirectoryBucketTest, SaysWhyThereIsNoSession) {
  const std::string denied = "<Error><Code>AccessDenied</Code></Error>";
  replies_ = {"HTTP/1.1 403 Forbidden\r\ncontent-length: " + std::to_string(denied.size()) +
                  "\r\n\r\n" + denied,
              Reply("<CreateSessionResult/>")};
  EXPECT_EQ(GetKey()->outcome.code(), StatusCode::kAccessDenied);
  const auto getter = GetKey();
  EXPECT_EQ(getter->outcome.code(), StatusCode::kProtocol);
  EXPECT_EQ(getter->hint.kind, Kind::kRetry);
  EXPECT_EQ(requests_, 2U);
}

TEST_F(DirectoryBucketTest, ReadsThatWaitForASessionMayEndBefore) {
  replies_ = {Session(300), Reply("body", kETag)};
  GetRequest request;
  request.object = ObjectId{kDirectory, "k"};
  Getter given_up;
  Getter kept;
  OnLoop([&] {
    given_up.exchange = transport()->StartGet(request, &given_up);
    kept.exchange = transport()->StartGet(request, &kept);
    kept.exchange->Resume();  // has nothing to go on with
    given_up.exchange.reset();
  });
  EXPECT_TRUE(kept.done.Wait());
  EXPECT_EQ(kept.body, "body");
  EXPECT_EQ(requests_, 2U);
}

TEST_F(DirectoryBucketTest, AsksAnonymouslyWithoutASession) {
  credentials_->Set(Credentials{});
  replies_ = {Reply("body", kETag)};
  EXPECT_TRUE(GetKey()->outcome.ok());
  EXPECT_EQ(requests_, 1U);
}

// It lists whole directories only, and in no order.
TEST_F(DirectoryBucketTest, ListsWhatBeginsWithAnyPrefix) {
  replies_ = {Session(300),
              Reply("<ListBucketResult><Contents><Key>d/x</Key></Contents>"
                    "<Contents><Key>d/img2</Key></Contents><Contents><Key>d/img1</Key></Contents>"
                    "</ListBucketResult>")};
  const auto lister = List(kDirectory, "d/img");
  EXPECT_EQ(SentLine(1),
            "GET /data--use1-az4--x-s3?encoding-type=url&list-type=2&prefix=d%2F HTTP/1.1");
  const ListPage& page = lister->page->value();
  ASSERT_EQ(page.entries.size(), 2U);
  EXPECT_EQ(page.view(page.entries[0].key), "d/img2");
  EXPECT_EQ(page.view(page.entries[1].key), "d/img1");
}

}  // namespace
}  // namespace objectpipes
