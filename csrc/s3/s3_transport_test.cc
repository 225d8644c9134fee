#include "s3/s3_transport.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "testing/loop_test.h"
#include "testing/loopback_server.h"
#include "testing/reply_handlers.h"

namespace objectpipes {
namespace {

using Peer = LoopbackServer::Peer;

class S3TransportTest : public LoopTest {
 protected:
  // A server that gives these replies, one after the other.
  S3TransportTest()
      : server_([this](Peer* peer) {
          while (!peer->ReadRequest().empty() && next_reply_ < replies_.size()) {
            if (!peer->Send(replies_[next_reply_++])) return;
            while (endless_ && peer->Send(std::string(10'000, ' '))) {
            }
          }
        }) {
    credentials_->Set(Credentials{"AKID", "secret", ""});
  }
  ~S3TransportTest() override {
    OnLoop([this] { transport_.reset(); });
  }

  Transport* transport() {
    if (transport_ == nullptr) {
      S3Options options = options_;
      if (options.endpoint_url.empty()) options.endpoint_url = server_.url("");
      options.http.stall_timeout_ms = 10'000;
      options.http.requests = &requests_;
      auto made = S3Transport::Create(&loop_.http(), options, credentials_);
      EXPECT_TRUE(made.ok()) << made.status().message();
      transport_ = std::move(made).value();
    }
    return transport_.get();
  }

  std::unique_ptr<Getter> Get(const GetRequest& request) {
    auto getter = std::make_unique<Getter>();
    OnLoop([&] { getter->exchange = transport()->StartGet(request, getter.get()); });
    EXPECT_TRUE(getter->done.Wait());
    return getter;
  }
  std::unique_ptr<Getter> Get() {
    GetRequest request;
    request.object = ObjectId{"bucket", "a/b c"};
    return Get(request);
  }
  std::unique_ptr<Lister> List(const std::string& bucket = "bucket",
                               const std::string& prefix = "p/") {
    ListRequest request;
    request.bucket = bucket;
    request.prefix = prefix;
    auto lister = std::make_unique<Lister>();
    OnLoop([&] { lister->exchange = transport()->StartList(request, lister.get()); });
    EXPECT_TRUE(lister->done.Wait());
    return lister;
  }

  // The value of a field of the request that was the n-th.
  std::string Sent(size_t number, const std::string& field) const {
    const std::string request = server_.requests()[number];
    const size_t begin = request.find("\r\n" + field + ": ");
    if (begin == std::string::npos) return "";
    const size_t value = begin + field.size() + 4;
    return request.substr(value, request.find("\r\n", value) - value);
  }
  std::string SentLine(size_t number) const {
    const std::string request = server_.requests()[number];
    return request.substr(0, request.find("\r\n"));
  }

  std::shared_ptr<CredentialStore> credentials_ = std::make_shared<CredentialStore>();
  S3Options options_;
  std::vector<std::string> replies_;
  std::atomic<size_t> next_reply_{0};
  std::atomic<bool> endless_{false};  // every reply has more body than anybody wants
  std::atomic<uint64_t> requests_{0};
  std::unique_ptr<Transport> transport_;
  LoopbackServer server_;
};

using Kind = RetryHint::Kind;

constexpr char kETag[] = "etag: \"v\"\r\n";  // by which a reply is known to be that of a store

TEST_F(S3TransportTest, SignsAndSendsWhatIsAskedFor) {
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

TEST_F(S3TransportTest, WithoutAKeyItAsksAnonymously) {
  credentials_->Set(Credentials{});
  replies_ = {Reply("body", kETag)};
  EXPECT_TRUE(Get()->outcome.ok());
  EXPECT_EQ(Sent(0, "authorization"), "");
}

TEST_F(S3TransportTest, DeliversHeadAndBody) {
  replies_ = {Reply("body", "etag: \"v\"\r\nx-amz-checksum-crc32c: AAAAAA==\r\n")};
  const auto getter = Get();
  EXPECT_TRUE(getter->outcome.ok());
  EXPECT_EQ(getter->body, "body");
  EXPECT_EQ(getter->head->object_size, 4);
  EXPECT_EQ(getter->head->version, "\"v\"");
  EXPECT_TRUE(getter->head->can_pin);
  EXPECT_EQ(getter->head->checksum.type, ChecksumType::kCrc32c);
}

TEST_F(S3TransportTest, AMalformedHeadIsAFailureToBeRepeated) {
  replies_ = {
      "HTTP/1.1 206 Partial Content\r\netag: \"v\"\r\ncontent-length: 4\r\n"
      "content-range: bytes x\r\n\r\nbody"};
  const auto getter = Get();
  EXPECT_EQ(getter->outcome.code(), StatusCode::kProtocol);
  EXPECT_NE(getter->outcome.message(), "");
  EXPECT_EQ(getter->hint.kind, Kind::kRetry);
  EXPECT_FALSE(getter->head.has_value());
}

std::string ErrorReply(const std::string& status, const std::string& code,
                       const std::string& fields = "") {
  const std::string body =
      "<?xml version=\"1.0\"?><Error><Code>" + code + "</Code><Message>said so</Message></Error>";
  return "HTTP/1.1 " + status + "\r\n" + fields + "content-length: " + std::to_string(body.size()) +
         "\r\nx-amz-request-id: R\r\n\r\n" + body;
}

TEST_F(S3TransportTest, AnErrorIsMappedAndItsBodyIsNoData) {
  replies_ = {ErrorReply("404 Not Found", "NoSuchKey"), ErrorReply("503 Slow", "SlowDown")};
  const auto missing = Get();
  EXPECT_EQ(missing->outcome.code(), StatusCode::kObjectNotFound);
  EXPECT_EQ(missing->outcome.detail().request_id, "R");
  EXPECT_EQ(missing->hint.kind, Kind::kFatal);
  EXPECT_EQ(missing->body, "");
  EXPECT_EQ(Get()->hint.kind, Kind::kThrottled);
}

TEST_F(S3TransportTest, AnErrorWithoutEndIsOver) {
  endless_ = true;
  replies_ = {
      "HTTP/1.1 404 Not Found\r\ncontent-length: 1000000000000\r\n\r\n<Error><Code>NoSuchKey</Code>"
      "</Error>"};
  const auto missing = Get();
  EXPECT_EQ(missing->outcome.code(), StatusCode::kObjectNotFound);
  EXPECT_EQ(missing->outcome.detail().code, "NoSuchKey");
}

TEST_F(S3TransportTest, LearnsTheRegionOfABucketOnce) {
  replies_ = {ErrorReply("301 Moved", "PermanentRedirect", "x-amz-bucket-region: eu-west-3\r\n"),
              Reply("body", kETag),
              ErrorReply("301 Moved", "PermanentRedirect", "x-amz-bucket-region: eu-west-3\r\n")};
  EXPECT_EQ(Get()->hint.kind, Kind::kRetryNow);
  EXPECT_TRUE(Get()->outcome.ok());
  EXPECT_NE(Sent(0, "authorization").find("/us-east-1/"), std::string::npos);
  EXPECT_NE(Sent(1, "authorization").find("/eu-west-3/"), std::string::npos);
  EXPECT_NE(Get()->hint.kind, Kind::kRetryNow) << "what is known cannot be learned again";
}

TEST_F(S3TransportTest, FollowsARedirectWithinOneAttempt) {
  replies_ = {"HTTP/1.1 307 Temporary Redirect\r\nlocation: " + server_.url("/bucket/a/b%20c?p=1") +
                  "\r\ncontent-length: 0\r\n\r\n",
              Reply("body", kETag)};
  EXPECT_EQ(Get()->body, "body");
  EXPECT_EQ(SentLine(1), "GET /bucket/a/b%20c?p=1 HTTP/1.1");
  EXPECT_EQ(requests_, 2U) << "but they are two requests";
}

std::string RedirectTo(const std::string& location) {
  return "HTTP/1.1 307 Temporary Redirect\r\nlocation: " + location +
         "\r\ncontent-length: 0\r\n\r\n";
}

TEST_F(S3TransportTest, DoesNotFollowRedirectsForEver) {
  for (int i = 0; i < 20; ++i) replies_.push_back(RedirectTo("/" + std::to_string(i)));
  EXPECT_EQ(Get()->outcome.code(), StatusCode::kEndpoint);
  EXPECT_EQ(server_.requests().size(), 6U);
}

TEST_F(S3TransportTest, DoesNotRunInACircle) {
  replies_.assign(20, RedirectTo(server_.url("/bucket/a/b%20c")));
  replies_[0] = RedirectTo("/elsewhere");
  const auto getter = Get();
  EXPECT_EQ(getter->outcome.code(), StatusCode::kEndpoint);
  EXPECT_NE(getter->outcome.message().find("been before"), std::string::npos);
  EXPECT_EQ(server_.requests().size(), 2U);
}

TEST_F(S3TransportTest, SignsAgainForWhereItIsSent) {
  replies_ = {RedirectTo("../x?b=%20&a=1+2"), Reply("body", kETag)};
  EXPECT_EQ(Get()->body, "body");
  EXPECT_EQ(SentLine(1), "GET /bucket/x?a=1%202&b=%20 HTTP/1.1") << "as the query is signed";
  EXPECT_NE(Sent(1, "authorization"), "");
  EXPECT_NE(Sent(1, "authorization"), Sent(0, "authorization"));
}

TEST_F(S3TransportTest, FollowsElsewhereWithoutCredentials) {
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

TEST_F(S3TransportTest, BlamesTheRedirectForWhatAnotherHostRefuses) {
  std::string other = server_.url("/bucket/k");
  other.replace(other.find("127.0.0.1"), 9, "localhost");
  replies_ = {RedirectTo(other), ErrorReply("403 Forbidden", "AccessDenied")};
  const auto getter = Get();
  EXPECT_EQ(getter->outcome.code(), StatusCode::kEndpoint);
  EXPECT_NE(getter->outcome.message().find(other), std::string::npos);
  EXPECT_EQ(getter->hint.kind, Kind::kFatal);
}

TEST_F(S3TransportTest, ALocationThatIsNoneIsAFailure) {
  const std::vector<std::string> locations = {"ftp://127.0.0.1/x", "http://", "http://a b/",
                                              "/a\x01"};
  for (const std::string& location : locations) replies_.push_back(RedirectTo(location));
  for (const std::string& location : locations) {
    EXPECT_EQ(Get()->outcome.code(), StatusCode::kProtocol) << location;
  }
}

TEST_F(S3TransportTest, ARegionThatIsNoNameIsNotLearned) {
  replies_ = {ErrorReply("301 Moved", "PermanentRedirect", "x-amz-bucket-region: a.b/c\r\n")};
  EXPECT_EQ(Get()->hint.kind, Kind::kFatal);
}

TEST_F(S3TransportTest, FieldsThatContradictEachOtherAreAFailure) {
  replies_ = {Reply("body",
                    "etag: \"v\"\r\nx-amz-checksum-crc32: yZRlqg==\r\n"
                    "x-amz-checksum-crc32: AAAAAA==\r\n")};
  EXPECT_EQ(Get()->outcome.code(), StatusCode::kProtocol);
}

TEST_F(S3TransportTest, SignsWithTheCredentialsOfTheMoment) {
  replies_ = {Reply(""), Reply("")};
  Get();
  credentials_->Set(Credentials{"OTHER", "secret", "token"});
  Get();
  EXPECT_EQ(Sent(0, "authorization").find("=OTHER/"), std::string::npos);
  EXPECT_NE(Sent(1, "authorization").find("=OTHER/"), std::string::npos);
  EXPECT_EQ(Sent(1, "x-amz-security-token"), "token");
}

TEST_F(S3TransportTest, ListsAPage) {
  replies_ = {
      Reply("<?xml version=\"1.0\"?><ListBucketResult><EncodingType>url</EncodingType>"
            "<IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken>"
            "<Contents><Key>p/a</Key><Size>3</Size></Contents></ListBucketResult>")};
  const auto lister = List();
  ASSERT_TRUE(lister->page->ok());
  const ListPage& page = lister->page->value();
  ASSERT_EQ(page.entries.size(), 1U);
  EXPECT_EQ(page.view(page.entries[0].key), "p/a");
  EXPECT_EQ(page.next_token, "continuation-token=t");
  EXPECT_EQ(SentLine(0), "GET /bucket?encoding-type=url&list-type=2&prefix=p%2F HTTP/1.1");
}

TEST_F(S3TransportTest, AnErrorInsideASuccessIsAFailure) {
  replies_ = {Reply("<?xml version=\"1.0\"?><Error><Code>InternalError</Code></Error>"),
              Reply("<html>not a listing</html>")};
  const auto error = List();
  EXPECT_EQ(error->page->status().code(), StatusCode::kServer);
  EXPECT_EQ(error->hint.kind, Kind::kRetry);
  EXPECT_FALSE(List()->page->ok());
}

TEST_F(S3TransportTest, APageWithoutEndIsFetchedOnce) {
  replies_ = {Reply(std::string((size_t{64} << 20) + 1, ' '))};
  const auto lister = List();
  EXPECT_EQ(lister->page->status().code(), StatusCode::kProtocol);
  EXPECT_EQ(lister->hint.kind, Kind::kFatal);
}

TEST_F(S3TransportTest, AnEndpointThatIsNoneIsRefused) {
  S3Options options;
  options.endpoint_url = "ftp://host";
  EXPECT_EQ(S3Transport::Create(&loop_.http(), options, credentials_).status().code(),
            StatusCode::kConfig);
}

// ---------------------------------------------------------------------------------------------------
// What a configuration adds

TEST_F(S3TransportTest, AsksForTheVersionOfAnObjectUrl) {
  replies_ = {Reply("body", kETag)};
  GetRequest request;
  request.object = ObjectId{"bucket", "k?versionId=1"};
  request.object.listed.version = "a/b+c";
  EXPECT_TRUE(Get(request)->outcome.ok());
  EXPECT_EQ(SentLine(0), "GET /bucket/k%3FversionId%3D1?versionId=a%2Fb%2Bc HTTP/1.1");
}

TEST_F(S3TransportTest, BringsTheCustomersKeyToObjectsOnly) {
  options_.sse_customer_key = std::string(32, 'k');
  options_.expected_bucket_owner = "123456789012";
  replies_ = {Reply("body", kETag), Reply("<ListBucketResult/>")};
  EXPECT_TRUE(Get()->outcome.ok());
  EXPECT_TRUE(List()->page->ok());
  const std::string name = "x-amz-server-side-encryption-customer-key";
  EXPECT_EQ(Sent(0, name), "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s=");
  EXPECT_NE(Sent(0, "authorization").find(";" + name + ";" + name + "-md5"), std::string::npos);
  EXPECT_EQ(Sent(1, name), "");
  for (const size_t request : {size_t{0}, size_t{1}}) {
    EXPECT_EQ(Sent(request, "x-amz-expected-bucket-owner"), "123456789012");
  }
}

TEST_F(S3TransportTest, ListsInTheOlderFormFromTheFirstPageOn) {
  options_.list_version = ListVersion::kV1;
  replies_ = {
      Reply("<ListBucketResult><IsTruncated>true</IsTruncated><KeyCount>1</KeyCount>"
            "<Contents><Key>p/k</Key></Contents></ListBucketResult>")};
  const auto lister = List();
  EXPECT_EQ(SentLine(0), "GET /bucket?encoding-type=url&prefix=p%2F HTTP/1.1");
  EXPECT_EQ(lister->page->value().next_token, "marker=p/k");
}

TEST_F(S3TransportTest, BlamesAHostThatHasTheBucketTwice) {
  options_.endpoint_url = "http://bucket.localhost:" + std::to_string(UnusedPort());
  options_.addressing = Addressing::kVirtual;
  const auto getter = Get();
  EXPECT_EQ(getter->outcome.code(), StatusCode::kEndpoint);
  EXPECT_NE(getter->outcome.message().find("its first label, bucket,"), std::string::npos)
      << getter->outcome.message();
}

TEST_F(S3TransportTest, RefusesABucketByNameBeforeAnyRequest) {
  EXPECT_EQ(transport()->ParseUrl("s3://x.mrap/k").status().code(), StatusCode::kNotSupported);
  EXPECT_EQ(transport()->CheckBucket("arn:aws:s3::1:accesspoint/x.mrap").code(),
            StatusCode::kNotSupported);
  EXPECT_EQ(requests_, 0U);
}

TEST_F(S3TransportTest, AsksAnAccessPointForTheRegionOfItsArn) {
  replies_ = {Reply("body", kETag)};
  GetRequest request;
  request.object =
      transport()->ParseUrl("s3://arn:aws:s3:eu-west-1:123456789012:accesspoint/ap/a/k").value();
  EXPECT_TRUE(Get(request)->outcome.ok());
  EXPECT_EQ(SentLine(0), "GET /ap-123456789012/a/k HTTP/1.1");
  EXPECT_NE(Sent(0, "authorization").find("/eu-west-1/s3/aws4_request"), std::string::npos);
}

// ---------------------------------------------------------------------------------------------------
// Directory buckets

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
