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
#include "testing/signal.h"

namespace objectpipes {
namespace {

using Peer = LoopbackServer::Peer;

// Takes one reply. Like the engine it drops the exchange first, and looks at the status afterwards.
class Getter final : public GetHandler {
 public:
  Flow OnHead(const ReplyHead& reply_head) override {
    head = reply_head;
    return Flow::kContinue;
  }
  Flow OnData(const char* data, size_t size) override {
    body.append(data, size);
    return Flow::kContinue;
  }
  void OnDone(const Status& status, const RetryHint& retry_hint) override {
    exchange.reset();
    outcome = status;
    hint = retry_hint;
    done.Set();
  }

  std::unique_ptr<Exchange> exchange;
  std::optional<ReplyHead> head;
  std::string body;
  Status outcome;
  RetryHint hint;
  Signal done;
};

class Lister final : public ListHandler {
 public:
  void OnPage(Result<ListPage> result, const RetryHint& retry_hint) override {
    exchange.reset();
    page.emplace(std::move(result));
    hint = retry_hint;
    done.Set();
  }

  std::unique_ptr<Exchange> exchange;
  std::optional<Result<ListPage>> page;
  RetryHint hint;
  Signal done;
};

class S3TransportTest : public LoopTest {
 protected:
  // A server that gives these replies, one after the other.
  S3TransportTest()
      : server_([this](Peer* peer) {
          while (!peer->ReadRequest().empty() && next_reply_ < replies_.size()) {
            if (!peer->Send(replies_[next_reply_++])) return;
          }
        }) {
    credentials_->Set(Credentials{"AKID", "secret", ""});
  }
  ~S3TransportTest() override {
    OnLoop([this] { transport_.reset(); });
  }

  Transport* transport() {
    if (transport_ == nullptr) {
      S3Options options;
      options.endpoint_url = server_.url("");
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
  std::unique_ptr<Lister> List() {
    ListRequest request;
    request.bucket = "bucket";
    request.prefix = "p/";
    auto lister = std::make_unique<Lister>();
    OnLoop([&] { lister->exchange = transport()->StartList(request, lister.get()); });
    EXPECT_TRUE(lister->done.Wait());
    return lister;
  }

  // The value of a field of the request that was the how-manieth.
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
  std::vector<std::string> replies_;
  std::atomic<size_t> next_reply_{0};
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

TEST_F(S3TransportTest, DoesNotFollowRedirectsForEver) {
  replies_.assign(20, "HTTP/1.1 307 Temporary Redirect\r\nlocation: " +
                          server_.url("/bucket/a/b%20c") + "\r\ncontent-length: 0\r\n\r\n");
  EXPECT_FALSE(Get()->outcome.ok());
  EXPECT_EQ(server_.requests().size(), 6U);
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

}  // namespace
}  // namespace objectpipes
