#include "s3/reply_error.h"

#include <gtest/gtest.h>

#include <string>

namespace objectpipes {
namespace {

using Kind = RetryHint::Kind;

constexpr int64_t kMay24 = 1369353600;  // 2013-05-24T00:00:00Z

ErrorReply Reply(int http_status, std::string_view body) {
  ErrorReply reply;
  reply.http_status = http_status;
  reply.body = body;
  reply.bucket = "bucket";
  reply.key = "a/key";
  reply.region = "us-east-1";
  reply.request_time = kMay24;
  return reply;
}

std::string Document(const std::string& code, const std::string& more = "") {
  return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>" + code +
         "</Code><Message>The server's words.</Message>" + more + "</Error>";
}

TEST(S3ErrorFromReply, SaysWhatWhereAndInWhoseWords) {
  const std::string body =
      Document("NoSuchKey", "<Key>a/key</Key><RequestId>of the body</RequestId>");
  ErrorReply reply = Reply(404, body);
  EXPECT_EQ(ErrorFromReply(reply).status.detail().request_id, "of the body");

  reply.request_id = "4442587FB7D0A2F9";
  const Status status = ErrorFromReply(reply).status;
  EXPECT_EQ(status.code(), StatusCode::kObjectNotFound);
  EXPECT_EQ(
      status.message(),
      "The object does not exist: s3://bucket/a/key (HTTP 404, NoSuchKey: The server's words.)");
  EXPECT_EQ(status.detail().code, "NoSuchKey");
  EXPECT_EQ(status.detail().request_id, "4442587FB7D0A2F9");
  EXPECT_EQ(status.detail().http_status, 404);
}

TEST(S3ErrorFromReply, NamesTheBucketWhenTheErrorIsAboutIt) {
  const std::string body = Document("NoSuchBucket");
  EXPECT_EQ(ErrorFromReply(Reply(404, body)).status.message(),
            "The bucket does not exist: s3://bucket (HTTP 404, NoSuchBucket: The server's words.)");
}

TEST(S3ErrorFromReply, KnowsTheCodesOfS3AndItsRelatives) {
  const struct {
    const char* s3_code;
    int http_status;
    StatusCode code;
    Kind kind;
  } kCases[] = {
      {"NoSuchKey", 404, StatusCode::kObjectNotFound, Kind::kFatal},
      {"NoSuchVersion", 404, StatusCode::kObjectNotFound, Kind::kFatal},
      {"NoSuchBucket", 404, StatusCode::kBucketNotFound, Kind::kFatal},
      {"AccessDenied", 403, StatusCode::kAccessDenied, Kind::kFatal},
      {"AllAccessDisabled", 403, StatusCode::kAccessDenied, Kind::kFatal},
      {"InvalidAccessKeyId", 403, StatusCode::kInvalidCredentials, Kind::kOtherCredentials},
      {"SignatureDoesNotMatch", 403, StatusCode::kInvalidCredentials, Kind::kOtherCredentials},
      {"InvalidToken", 400, StatusCode::kInvalidCredentials, Kind::kOtherCredentials},
      {"AuthorizationHeaderMalformed", 400, StatusCode::kInvalidCredentials, Kind::kFatal},
      {"ExpiredToken", 400, StatusCode::kExpiredCredentials, Kind::kRefreshCredentials},
      {"ExpiredTokenException", 400, StatusCode::kExpiredCredentials, Kind::kRefreshCredentials},
      {"TokenRefreshRequired", 400, StatusCode::kExpiredCredentials, Kind::kRefreshCredentials},
      {"PermanentRedirect", 301, StatusCode::kWrongRegion, Kind::kFatal},
      {"IllegalLocationConstraintException", 400, StatusCode::kWrongRegion, Kind::kFatal},
      {"TemporaryRedirect", 307, StatusCode::kEndpoint, Kind::kFatal},
      {"RequestTimeTooSkewed", 403, StatusCode::kClockSkew, Kind::kFatal},
      {"RequestExpired", 403, StatusCode::kClockSkew, Kind::kFatal},
      {"SlowDown", 503, StatusCode::kThrottled, Kind::kThrottled},
      {"SlowDownRead", 503, StatusCode::kThrottled, Kind::kThrottled},
      {"Throttling", 400, StatusCode::kThrottled, Kind::kThrottled},
      {"ThrottlingException", 400, StatusCode::kThrottled, Kind::kThrottled},
      {"ThrottledException", 400, StatusCode::kThrottled, Kind::kThrottled},
      {"RequestThrottled", 400, StatusCode::kThrottled, Kind::kThrottled},
      {"RequestLimitExceeded", 503, StatusCode::kThrottled, Kind::kThrottled},
      {"TooManyRequestsException", 429, StatusCode::kThrottled, Kind::kThrottled},
      {"KMS.ThrottlingException", 400, StatusCode::kThrottled, Kind::kThrottled},
      {"KMS.DisabledException", 400, StatusCode::kAccessDenied, Kind::kFatal},
      {"KMS.NotFoundException", 400, StatusCode::kAccessDenied, Kind::kFatal},
      {"InternalError", 500, StatusCode::kServer, Kind::kRetry},
      {"InternalError", 200, StatusCode::kServer, Kind::kRetry},
      {"ServiceUnavailable", 503, StatusCode::kServer, Kind::kRetry},
      {"OperationAborted", 409, StatusCode::kServer, Kind::kRetry},
      {"RequestTimeout", 400, StatusCode::kTimeout, Kind::kRetry},
      {"PreconditionFailed", 412, StatusCode::kObjectChanged, Kind::kFatal},
      {"InvalidRange", 416, StatusCode::kInvalidArgument, Kind::kFatal},
      {"InvalidObjectState", 403, StatusCode::kNotSupported, Kind::kFatal},
      {"MethodNotAllowed", 405, StatusCode::kNotSupported, Kind::kFatal},
      {"NotImplemented", 501, StatusCode::kNotSupported, Kind::kFatal},
      {"InvalidBucketName", 400, StatusCode::kInvalidArgument, Kind::kFatal},
      {"KeyTooLongError", 400, StatusCode::kInvalidArgument, Kind::kFatal},
      {"XMinioInvalidObjectName", 400, StatusCode::kInvalidArgument, Kind::kFatal},
  };
  for (const auto& c : kCases) {
    const std::string body = Document(c.s3_code);
    const S3Error error = ErrorFromReply(Reply(c.http_status, body));
    EXPECT_EQ(error.status.code(), c.code) << c.s3_code;
    EXPECT_EQ(error.hint.kind, c.kind) << c.s3_code;
    EXPECT_EQ(error.status.detail().code, c.s3_code);
  }
}

TEST(S3ErrorFromReply, GoesByTheHttpStatusWhereThereIsNoKnownCode) {
  const struct {
    int http_status;
    StatusCode code;
    Kind kind;
  } kCases[] = {
      {200, StatusCode::kServer, Kind::kRetry},
      {301, StatusCode::kEndpoint, Kind::kFatal},
      {400, StatusCode::kInvalidArgument, Kind::kFatal},
      {401, StatusCode::kInvalidCredentials, Kind::kFatal},
      {403, StatusCode::kAccessDenied, Kind::kFatal},
      {404, StatusCode::kObjectNotFound, Kind::kFatal},
      {405, StatusCode::kNotSupported, Kind::kFatal},
      {408, StatusCode::kTimeout, Kind::kRetry},
      {409, StatusCode::kServer, Kind::kRetry},
      {412, StatusCode::kObjectChanged, Kind::kFatal},
      {416, StatusCode::kInvalidArgument, Kind::kFatal},
      {418, StatusCode::kProtocol, Kind::kFatal},
      {429, StatusCode::kThrottled, Kind::kThrottled},
      {500, StatusCode::kServer, Kind::kRetry},
      {501, StatusCode::kNotSupported, Kind::kFatal},
      {502, StatusCode::kServer, Kind::kRetry},
      {503, StatusCode::kServer, Kind::kRetry},
      {504, StatusCode::kServer, Kind::kRetry},
  };
  const std::string unknown = Document("NeverHeardOf");
  for (const auto& c : kCases) {
    for (const std::string& body : {std::string(), unknown}) {
      const S3Error error = ErrorFromReply(Reply(c.http_status, body));
      EXPECT_EQ(error.status.code(), c.code) << c.http_status << body;
      EXPECT_EQ(error.hint.kind, c.kind) << c.http_status << body;
    }
  }
  EXPECT_EQ(ErrorFromReply(Reply(404, "")).status.message(),
            "The object does not exist: s3://bucket/a/key (HTTP 404)");
  ErrorReply listing = Reply(404, "");
  listing.key = "";
  EXPECT_EQ(ErrorFromReply(listing).status.code(), StatusCode::kBucketNotFound);
}

TEST(S3ErrorFromReply, LearnsTheRegionFromHeaderBodyOrEndpoint) {
  const std::string redirect = Document("PermanentRedirect");
  ErrorReply reply = Reply(301, redirect);
  reply.bucket_region = "eu-west-1";
  const S3Error error = ErrorFromReply(reply);
  EXPECT_EQ(error.status.code(), StatusCode::kWrongRegion);
  EXPECT_EQ(error.hint.kind, Kind::kRetryNow);
  EXPECT_EQ(error.region, "eu-west-1");
  EXPECT_EQ(error.status.message(),
            "The bucket is in region eu-west-1, not us-east-1: s3://bucket/a/key "
            "(HTTP 301, PermanentRedirect: The server's words.)");

  const std::string malformed =
      Document("AuthorizationHeaderMalformed", "<Region>eu-west-2</Region>");
  EXPECT_EQ(ErrorFromReply(Reply(400, malformed)).region, "eu-west-2");

  for (const char* endpoint :
       {"bucket.s3.ap-south-1.amazonaws.com", "s3-ap-south-1.amazonaws.com",
        "s3.ap-south-1.amazonaws.com", "my.s3.bucket.s3-ap-south-1.amazonaws.com"}) {
    const std::string body =
        Document("PermanentRedirect", std::string("<Endpoint>") + endpoint + "</Endpoint>");
    EXPECT_EQ(ErrorFromReply(Reply(301, body)).region, "ap-south-1") << endpoint;
  }
}

TEST(S3ErrorFromReply, LearnsTheRegionFromRepliesToHead) {
  for (const int http_status : {301, 307, 400}) {
    ErrorReply reply = Reply(http_status, "");
    reply.bucket_region = "eu-west-1";
    EXPECT_EQ(ErrorFromReply(reply).region, "eu-west-1") << http_status;
    EXPECT_EQ(ErrorFromReply(reply).status.code(), StatusCode::kWrongRegion) << http_status;
  }
}

TEST(S3ErrorFromReply, DoesNotTakeTheRegionOfADenialForACorrection) {
  const std::string denied = Document("AccessDenied");
  ErrorReply reply = Reply(403, denied);
  reply.bucket_region = "eu-west-1";
  EXPECT_EQ(ErrorFromReply(reply).status.code(), StatusCode::kAccessDenied);
  EXPECT_EQ(ErrorFromReply(reply).region, "");
}

TEST(S3ErrorFromReply, LearnsNothingFromTheRegionWeSignedForOrFromNonsense) {
  const std::string malformed = Document("AuthorizationHeaderMalformed");
  for (const std::string_view region : {"us-east-1", "evil.example/", "EU", "a region",
                                        "a-region-of-far-more-than-32-characters"}) {
    ErrorReply reply = Reply(400, malformed);
    reply.bucket_region = region;
    EXPECT_EQ(ErrorFromReply(reply).region, "") << region;
    EXPECT_EQ(ErrorFromReply(reply).hint.kind, Kind::kFatal) << region;
  }
  for (const char* endpoint : {"s3.amazonaws.com", "bucket.s3.amazonaws.com",
                               "s3-external-1.amazonaws.com", "s3.eu-west-1.example.com", ""}) {
    const std::string body =
        Document("PermanentRedirect", std::string("<Endpoint>") + endpoint + "</Endpoint>");
    EXPECT_EQ(ErrorFromReply(Reply(301, body)).region, "") << endpoint;
  }
}

TEST(S3ErrorFromReply, FollowsOnlyTheTemporaryRedirectOfAnS3Server) {
  const std::string body = Document("TemporaryRedirect");
  ErrorReply reply = Reply(307, body);
  reply.location = "http://node2.example:9000/bucket/a/key";
  const S3Error error = ErrorFromReply(reply);
  EXPECT_EQ(error.hint.kind, Kind::kRetryNow);
  EXPECT_EQ(error.location, "http://node2.example:9000/bucket/a/key");
  EXPECT_EQ(error.status.code(), StatusCode::kEndpoint);
  EXPECT_EQ(error.status.message(),
            "The server redirects to http://node2.example:9000/bucket/a/key: s3://bucket/a/key "
            "(HTTP 307, TemporaryRedirect: The server's words.)");

  for (const int http_status : {301, 302, 307, 308}) {
    ErrorReply foreign = Reply(http_status, "<html><title>Moved</title></html>");
    foreign.location = "https://login.example/";
    EXPECT_EQ(ErrorFromReply(foreign).hint.kind, Kind::kFatal) << http_status;
    EXPECT_EQ(ErrorFromReply(foreign).location, "") << http_status;
    EXPECT_EQ(ErrorFromReply(foreign).status.code(), StatusCode::kEndpoint) << http_status;
  }
}

TEST(S3ErrorFromReply, LearnsTheServersTimeWhenTheClocksDiffer) {
  const std::string body =
      Document("RequestTimeTooSkewed", "<ServerTime>2013-05-24T02:00:00Z</ServerTime>");
  const S3Error error = ErrorFromReply(Reply(403, body));
  EXPECT_EQ(error.status.code(), StatusCode::kClockSkew);
  EXPECT_EQ(error.hint.kind, Kind::kRetryNow);
  EXPECT_EQ(error.server_time, kMay24 + 7200);

  const std::string without_time = Document("RequestTimeTooSkewed");
  ErrorReply reply = Reply(403, without_time);
  reply.date = "Fri, 24 May 2013 03:00:00 GMT";
  EXPECT_EQ(ErrorFromReply(reply).server_time, kMay24 + 10800);
}

TEST(S3ErrorFromReply, SeesThroughADenialOfHeadThatIsAboutTheClock) {
  ErrorReply reply = Reply(403, "");
  reply.date = "Fri, 24 May 2013 00:14:00 GMT";
  EXPECT_EQ(ErrorFromReply(reply).status.code(), StatusCode::kAccessDenied);
  reply.date = "Fri, 24 May 2013 00:16:00 GMT";
  EXPECT_EQ(ErrorFromReply(reply).status.code(), StatusCode::kClockSkew);
  EXPECT_EQ(ErrorFromReply(reply).server_time, kMay24 + 960);
  reply.date = "Thu, 23 May 2013 23:44:00 GMT";
  EXPECT_EQ(ErrorFromReply(reply).status.code(), StatusCode::kClockSkew);
}

TEST(S3ErrorFromReply, HonoursRetryAfterInBothForms) {
  ErrorReply reply = Reply(503, "");
  EXPECT_EQ(ErrorFromReply(reply).hint.retry_after_ms, -1);
  reply.retry_after = "120";
  EXPECT_EQ(ErrorFromReply(reply).hint.retry_after_ms, 120000);
  reply.retry_after = "Fri, 24 May 2013 00:00:30 GMT";
  EXPECT_EQ(ErrorFromReply(reply).hint.retry_after_ms, 30000);
  reply.date = "Fri, 24 May 2013 00:00:20 GMT";
  EXPECT_EQ(ErrorFromReply(reply).hint.retry_after_ms, 10000);
  reply.date = "Fri, 24 May 2013 00:00:40 GMT";
  EXPECT_EQ(ErrorFromReply(reply).hint.retry_after_ms, 0);
  for (const char* nonsense : {"soon", "-1", "1.5", "99999999999"}) {
    reply.retry_after = nonsense;
    EXPECT_EQ(ErrorFromReply(reply).hint.retry_after_ms, -1) << nonsense;
  }
}

TEST(S3ErrorFromReply, SaysThatSomethingElseThanS3Answered) {
  ErrorReply reply = Reply(404,
                           "<!DOCTYPE html>\n<HTML><HEAD><TITLE>404\n  Not Found</TITLE></HEAD>"
                           "<body><Error><Code>NoSuchKey</Code></Error>");
  reply.server = "nginx/1.22.1";
  const S3Error error = ErrorFromReply(reply);
  EXPECT_EQ(error.status.code(), StatusCode::kEndpoint);
  EXPECT_EQ(error.hint.kind, Kind::kFatal);
  EXPECT_EQ(error.status.message(),
            "The answer did not come from an S3 server: s3://bucket/a/key "
            "(HTTP 404, \"404 Not Found\" from nginx/1.22.1)");

  EXPECT_EQ(ErrorFromReply(Reply(403, "{\"detail\":\n \"log in\"}")).status.message(),
            "The answer did not come from an S3 server: s3://bucket/a/key "
            "(HTTP 403, \"{\"detail\": \"log in\"}\")");

  const S3Error portal = ErrorFromReply(Reply(200, "<html><title>Log in</title></html>"));
  EXPECT_EQ(portal.status.code(), StatusCode::kEndpoint);
  EXPECT_EQ(portal.hint.kind, Kind::kFatal);
}

TEST(S3ErrorFromReply, RetriesAGatewaysOwnPage) {
  const S3Error error = ErrorFromReply(Reply(502, "<html><title>502 Bad Gateway</title></html>"));
  EXPECT_EQ(error.status.code(), StatusCode::kServer);
  EXPECT_EQ(error.hint.kind, Kind::kRetry);
  EXPECT_EQ(error.status.message(),
            "The server failed: s3://bucket/a/key (HTTP 502, \"502 Bad Gateway\")");
}

// What stands in front of a store says 503 for another reason than S3 does.
TEST(S3ErrorFromReply, DoesNotTakeAnOutageForThrottling) {
  const std::string minio_starts = Document("XMinioServerNotInitialized");
  for (const std::string_view body :
       {std::string_view(""), std::string_view("no healthy upstream"),
        std::string_view("upstream connect error or disconnect/reset before headers."),
        std::string_view("<html><body><h1>503 Service Unavailable</h1>\nNo server is available"),
        std::string_view("<html>\r\n<head><title>503 Service Temporarily Unavailable</title>"),
        std::string_view("<!DOCTYPE html><title>ERROR: The requested URL could not be retrieved"),
        std::string_view("error code: 1105"), std::string_view(minio_starts)}) {
    const S3Error error = ErrorFromReply(Reply(503, body));
    EXPECT_EQ(error.status.code(), StatusCode::kServer) << body;
    EXPECT_EQ(error.hint.kind, Kind::kRetry) << body;
  }
  EXPECT_EQ(ErrorFromReply(Reply(429, "error code: 1015")).status.code(), StatusCode::kThrottled);
}

TEST(S3ErrorFromReply, KnowsEveryWordForTooManyRequests) {
  for (const char* code :
       {"SlowDown", "SlowDownRead", "Throttling", "ThrottlingException", "ThrottledException",
        "RequestThrottled", "RequestThrottledException", "EC2ThrottledException",
        "KMS.ThrottlingException", "TooManyRequests", "TooManyRequestsException",
        "RequestLimitExceeded", "BandwidthLimitExceeded", "LimitExceededException",
        "QpsLimitExceeded", "ServerBusy", "PriorRequestNotComplete"}) {
    const std::string body = Document(code);
    for (const int http_status : {200, 400, 403, 429, 500, 503}) {
      EXPECT_EQ(ErrorFromReply(Reply(http_status, body)).hint.kind, Kind::kThrottled)
          << code << http_status;
    }
  }
}

TEST(S3ErrorFromReply, NamesTheCustomersKeyThatIsMissing) {
  const auto body = [](const char* code, const char* words) {
    return std::string("<Error><Code>") + code + "</Code><Message>" + words + "</Message></Error>";
  };
  for (const std::string& document :
       {body("InvalidRequest",
             "The object was stored using a form of Server Side Encryption. The correct "
             "parameters must be provided to retrieve the object."),
        body("InvalidArgument",
             "Requests specifying Server Side Encryption with Customer provided keys must provide "
             "an appropriate secret key.")}) {
    ErrorReply reply = Reply(400, document);
    EXPECT_EQ(ErrorFromReply(reply).status.code(), StatusCode::kConfig);
    EXPECT_NE(ErrorFromReply(reply).status.message().find("sse_customer_key="), std::string::npos);
    reply.has_customer_key = true;
    EXPECT_EQ(ErrorFromReply(reply).status.code(), StatusCode::kConfig);
  }
  EXPECT_EQ(ErrorFromReply(Reply(400, body("InvalidRequest", "Missing header"))).status.code(),
            StatusCode::kInvalidArgument);
}

TEST(S3ErrorFromReply, BlamesAnEndpointThatHoldsTheBucket) {
  const auto message = [](const char* endpoint_url, int http_status, const char* code,
                          bool listing = false) {
    const Endpoint endpoint = ParseEndpoint(endpoint_url, Addressing::kPath).value();
    const std::string body = Document(code);
    ErrorReply reply = Reply(http_status, body);
    reply.endpoint = &endpoint;
    if (listing) reply.key = "";
    return ErrorFromReply(reply).status.message();
  };
  const std::string by_path = "the path of endpoint_url, /bucket";
  const std::string by_host = "the host of endpoint_url: if its first label, bucket,";
  EXPECT_NE(message("http://h:1/bucket", 404, "NoSuchKey").find(by_path), std::string::npos);
  EXPECT_NE(message("http://h:1/bucket/", 403, "AccessDenied").find(by_path), std::string::npos);
  EXPECT_NE(message("http://h:1/bucket", 404, "NoSuchBucket", true).find(by_path),
            std::string::npos);
  EXPECT_NE(message("http://bucket.h", 404, "NoSuchKey").find(by_host), std::string::npos);
  EXPECT_NE(message("http://Bucket.h:1", 404, "NoSuchBucket").find(by_host), std::string::npos);
  // That a key is missing which nobody asked for shows that a bucket's name was taken for one.
  EXPECT_NE(message("http://h/other", 404, "NoSuchKey", true).find("/other"), std::string::npos);
  EXPECT_NE(message("http://other.h", 404, "NoSuchKey", true).find("other"), std::string::npos);

  for (const std::string& innocent :
       {message("http://h/s3", 404, "NoSuchKey"), message("http://h/s3", 404, "NoSuchBucket", true),
        message("http://s3.h", 404, "NoSuchKey"), message("http://127.0.0.1:1", 404, "NoSuchKey"),
        message("http://127.0.0.1:1", 404, "NoSuchKey", true),
        message("http://bucket", 404, "NoSuchKey"), message("http://h/bucket", 503, "SlowDown")}) {
    EXPECT_EQ(innocent.find("endpoint_url"), std::string::npos) << innocent;
  }
}

TEST(S3ErrorFromReply, UsesADocumentCutShortAsFarAsItGoes) {
  EXPECT_EQ(
      ErrorFromReply(Reply(403, "<Error><Code>SignatureDoesNotMatch</Code><Mess")).status.code(),
      StatusCode::kInvalidCredentials);
}

TEST(S3ErrorFromReply, KeepsMessagesToOneShortLine) {
  const std::string long_message = "<Error><Code>Odd</Code><Message>two\r\n lines" +
                                   std::string(100000, 'x') + "</Message></Error>";
  const std::string message = ErrorFromReply(Reply(400, long_message)).status.message();
  EXPECT_LT(message.size(), 400U);
  EXPECT_NE(message.find("two lines"), std::string::npos);
  EXPECT_EQ(message.find('\n'), std::string::npos);
}

TEST(IsErrorDocument, LooksAtTheRootOnly) {
  EXPECT_TRUE(IsErrorDocument(Document("InternalError")));
  EXPECT_TRUE(IsErrorDocument("<Error/>"));
  EXPECT_TRUE(IsErrorDocument("<s3:Error xmlns:s3='x'>"));
  EXPECT_TRUE(IsErrorDocument("\xEF\xBB\xBF \n<?xml?><!-- c --><Error xmlns='x'>"));
  for (const char* body : {"", "<", "<?", "<Err", "<Errors>", "<ListBucketResult><Error>", "Error",
                           "<?xml version='1.0'?>", "<html>"}) {
    EXPECT_FALSE(IsErrorDocument(body)) << body;
  }
}

}  // namespace
}  // namespace objectpipes
