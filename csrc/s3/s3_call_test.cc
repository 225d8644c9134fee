#include "s3/s3_call.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "testing/s3_transport_test.h"

namespace objectpipes {
namespace {

using S3CallTest = S3TransportTest;
using Kind = RetryHint::Kind;

std::string ErrorReply(const std::string& status, const std::string& code,
                       const std::string& fields = "") {
  const std::string body =
      "<?xml version=\"1.0\"?><Error><Code>" + code + "</Code><Message>said so</Message></Error>";
  return "HTTP/1.1 " + status + "\r\n" + fields + "content-length: " + std::to_string(body.size()) +
         "\r\nx-amz-request-id: R\r\n\r\n" + body;
}

std::string RedirectTo(const std::string& location) {
  return "HTTP/1.1 307 Temporary Redirect\r\nlocation: " + location +
         "\r\ncontent-length: 0\r\n\r\n";
}

TEST_F(S3CallTest, SignsAndSendsWhatIsAskedFor) {
  replies_ = {Reply("body", kETag)};
  GetRequest request;
  request.object = ObjectId{"bucket", "a/b c"};
  request.begin = 10;
  request.end = 20;
  request.if_match = "\"v\"";
  const auto getter = Get(request);
  EXPECT_TRUE(getter->outcome.ok());
  EXPECT_EQ(SentLine(0), "GET /bucket/a/b%20c HTTP/1.1");
  EXPECT_EQ(Sent(0, "range"), "bytes=10-19");
  EXPECT_EQ(Sent(0, "if-match"), "\"v\"");
  EXPECT_EQ(Sent(0, "x-amz-checksum-mode"), "ENABLED");
  EXPECT_EQ(Sent(0, "authorization").find("AWS4-HMAC-SHA256 Credential=AKID/"), 0U);
}

TEST_F(S3CallTest, WithoutAKeyItAsksAnonymously) {
  credentials_->Set(Credentials{});
  replies_ = {Reply("body", kETag)};
  EXPECT_TRUE(Get()->outcome.ok());
  EXPECT_EQ(Sent(0, "authorization"), "");
}

TEST_F(S3CallTest, SignsWithTheCredentialsOfTheMoment) {
  replies_ = {Reply(""), Reply("")};
  Get();
  credentials_->Set(Credentials{"OTHER", "secret", "token"});
  Get();
  EXPECT_EQ(Sent(0, "authorization").find("=OTHER/"), std::string::npos);
  EXPECT_NE(Sent(1, "authorization").find("=OTHER/"), std::string::npos);
  EXPECT_EQ(Sent(1, "x-amz-security-token"), "token");
}

TEST_F(S3CallTest, AnErrorIsMappedAndItsBodyIsNoData) {
  replies_ = {ErrorReply("404 Not Found", "NoSuchKey"), ErrorReply("503 Slow", "SlowDown")};
  const auto missing = Get();
  EXPECT_EQ(missing->outcome.code(), StatusCode::kObjectNotFound);
  EXPECT_EQ(missing->outcome.detail().request_id, "R");
  EXPECT_EQ(missing->hint.kind, Kind::kFatal);
  EXPECT_EQ(missing->body, "");
  EXPECT_EQ(Get()->hint.kind, Kind::kThrottled);
}

TEST_F(S3CallTest, AnErrorWithoutEndIsOver) {
  endless_ = true;
  replies_ = {
      "HTTP/1.1 404 Not Found\r\ncontent-length: 1000000000000\r\n\r\n<Error><Code>NoSuchKey</Code>"
      "</Error>"};
  const auto missing = Get();
  EXPECT_EQ(missing->outcome.code(), StatusCode::kObjectNotFound);
  EXPECT_EQ(missing->outcome.detail().code, "NoSuchKey");
}

TEST_F(S3CallTest, LearnsTheRegionOfABucketOnce) {
  replies_ = {ErrorReply("301 Moved", "PermanentRedirect", "x-amz-bucket-region: eu-west-3\r\n"),
              Reply("body", kETag),
              ErrorReply("301 Moved", "PermanentRedirect", "x-amz-bucket-region: eu-west-3\r\n")};
  EXPECT_EQ(Get()->hint.kind, Kind::kRetryNow);
  EXPECT_TRUE(Get()->outcome.ok());
  EXPECT_NE(Sent(0, "authorization").find("/us-east-1/"), std::string::npos);
  EXPECT_NE(Sent(1, "authorization").find("/eu-west-3/"), std::string::npos);
  EXPECT_NE(Get()->hint.kind, Kind::kRetryNow) << "what is known cannot be learned again";
}

TEST_F(S3CallTest, ARegionThatIsNoNameIsNotLearned) {
  replies_ = {ErrorReply("301 Moved", "PermanentRedirect", "x-amz-bucket-region: a.b/c\r\n")};
  EXPECT_EQ(Get()->hint.kind, Kind::kFatal);
}

TEST_F(S3CallTest, BlamesAHostThatHasTheBucketTwice) {
  options_.endpoint_url = "http://bucket.localhost:" + std::to_string(UnusedPort());
  options_.addressing = Addressing::kVirtual;
  const auto getter = Get();
  EXPECT_EQ(getter->outcome.code(), StatusCode::kEndpoint);
  EXPECT_NE(getter->outcome.message().find("its first label, bucket,"), std::string::npos)
      << getter->outcome.message();
}

TEST_F(S3CallTest, FollowsARedirectWithinOneAttempt) {
  replies_ = {"HTTP/1.1 307 Temporary Redirect\r\nlocation: " + server_.url("/bucket/a/b%20c?p=1") +
                  "\r\ncontent-length: 0\r\n\r\n",
              Reply("body", kETag)};
  EXPECT_EQ(Get()->body, "body");
  EXPECT_EQ(SentLine(1), "GET /bucket/a/b%20c?p=1 HTTP/1.1");
  EXPECT_EQ(requests_, 2U) << "but they are two requests";
}

TEST_F(S3CallTest, DoesNotFollowRedirectsForEver) {
  for (int i = 0; i < 20; ++i) replies_.push_back(RedirectTo("/" + std::to_string(i)));
  EXPECT_EQ(Get()->outcome.code(), StatusCode::kEndpoint);
  EXPECT_EQ(server_.requests().size(), 6U);
}

TEST_F(S3CallTest, DoesNotRunInACircle) {
  replies_.assign(20, RedirectTo(server_.url("/bucket/a/b%20c")));
  replies_[0] = RedirectTo("/elsewhere");
  const auto getter = Get();
  EXPECT_EQ(getter->outcome.code(), StatusCode::kEndpoint);
  EXPECT_NE(getter->outcome.message().find("been before"), std::string::npos);
  EXPECT_EQ(server_.requests().size(), 2U);
}

TEST_F(S3CallTest, SignsAgainForWhereItIsSent) {
  replies_ = {RedirectTo("../x?b=%20&a=1+2"), Reply("body", kETag)};
  EXPECT_EQ(Get()->body, "body");
  EXPECT_EQ(SentLine(1), "GET /bucket/x?a=1%202&b=%20 HTTP/1.1") << "as the query is signed";
  EXPECT_NE(Sent(1, "authorization"), "");
  EXPECT_NE(Sent(1, "authorization"), Sent(0, "authorization"));
}

TEST_F(S3CallTest, FollowsElsewhereWithoutCredentials) {
  credentials_->Set(Credentials{"AKID", "secret", "token"});
  std::string other = server_.url("/bucket/k?X-Amz-Signature=b&X-Amz-Date=%20a");
  other.replace(other.find("127.0.0.1"), 9, "localhost");
  replies_ = {RedirectTo(other), RedirectTo(server_.url("/bucket/home")), Reply("body", kETag)};
  EXPECT_EQ(Get()->body, "body");
  EXPECT_EQ(Sent(0, "x-amz-security-token"), "token");
  EXPECT_EQ(SentLine(1), "GET /bucket/k?X-Amz-Signature=b&X-Amz-Date=%20a HTTP/1.1");
  for (const size_t number : {size_t{1}, size_t{2}}) {  // nor where the other host sends us
    EXPECT_EQ(Sent(number, "authorization"), "");
    EXPECT_EQ(Sent(number, "x-amz-security-token"), "");
    EXPECT_EQ(Sent(number, "x-amz-checksum-mode"), "ENABLED");
  }
}

TEST_F(S3CallTest, BlamesTheRedirectForWhatAnotherHostRefuses) {
  std::string other = server_.url("/bucket/k");
  other.replace(other.find("127.0.0.1"), 9, "localhost");
  replies_ = {RedirectTo(other), ErrorReply("403 Forbidden", "AccessDenied")};
  const auto getter = Get();
  EXPECT_EQ(getter->outcome.code(), StatusCode::kEndpoint);
  EXPECT_NE(getter->outcome.message().find(other), std::string::npos);
  EXPECT_EQ(getter->hint.kind, Kind::kFatal);
}

TEST_F(S3CallTest, ALocationThatIsNoneIsAFailure) {
  const std::vector<std::string> locations = {"ftp://127.0.0.1/x", "http://", "http://a b/",
                                              "/a\x01"};
  for (const std::string& location : locations) replies_.push_back(RedirectTo(location));
  for (const std::string& location : locations) {
    EXPECT_EQ(Get()->outcome.code(), StatusCode::kProtocol) << location;
  }
}

}  // namespace
}  // namespace objectpipes
