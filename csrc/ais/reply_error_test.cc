#include "ais/reply_error.h"

#include <gtest/gtest.h>

#include <string>

namespace objectpipes::ais {
namespace {

using Kind = RetryHint::Kind;

const ObjectId kObject{"ais/@#/bck", "dir/obj"};
const ObjectId kBucket{"ais/@#/bck", ""};

std::string Document(const std::string& tcode, const std::string& message) {
  const std::string type = tcode.empty() ? "" : "\"tcode\":\"" + tcode + "\",";
  return "{" + type + "\"message\":\"" + message +
         "\",\"method\":\"GET\",\"url_path\":\"/v1/objects/bck/dir/obj\",\"remote_addr\":\"\","
         "\"caller\":\"\",\"node\":\"t[TgtNode2]\",\"status\":404}\n";
}

ReplyError FromProxy(int http_status, const std::string& body, const ObjectId& object = kObject) {
  return ErrorFromReply({http_status, body, Sender::kProxy}, object);
}

ReplyError FromTarget(int http_status, const std::string& body) {
  return ErrorFromReply({http_status, body, Sender::kTarget}, kObject);
}

TEST(AisErrorFromReply, SaysWhatWhereAndInWhoseWords) {
  const Status status =
      FromProxy(404, Document("ErrNotFound", "t[TgtNode2]: ais://bck/dir/obj does not exist"))
          .status;
  EXPECT_EQ(status.code(), StatusCode::kObjectNotFound);
  EXPECT_EQ(status.message(),
            "The object does not exist: ais://bck/dir/obj "
            "(HTTP 404, ErrNotFound: t[TgtNode2]: ais://bck/dir/obj does not exist)");
  EXPECT_EQ(status.detail().code, "ErrNotFound");
  EXPECT_EQ(status.detail().http_status, 404);
}

TEST(AisErrorFromReply, NamesTheBucketWhenTheErrorIsAboutIt) {
  const Status status = FromProxy(404, Document("ErrBckNotFound", "bucket")).status;
  EXPECT_EQ(status.message(),
            "The bucket does not exist: ais://bck (HTTP 404, ErrBckNotFound: "
            "bucket)");
}

TEST(AisErrorFromReply, KnowsTheErrorsOfAIStore) {
  const struct {
    int http_status;
    const char* tcode;
    const char* message;
    StatusCode code;
    Kind kind;
  } kCases[] = {
      {404, "ErrNotFound", "", StatusCode::kObjectNotFound, Kind::kFatal},
      {500, "ErrLmetaNotFound", "", StatusCode::kObjectNotFound, Kind::kFatal},
      {404, "ErrBckNotFound", "", StatusCode::kBucketNotFound, Kind::kFatal},
      {404, "ErrRemoteBckNotFound", "", StatusCode::kBucketNotFound, Kind::kFatal},
      {400, "ErrRemoteBckNotFound", "", StatusCode::kBucketNotFound, Kind::kFatal},
      {404, "ErrFailedTo", "AWS backend is missing in the cluster configuration",
       StatusCode::kNotSupported, Kind::kFatal},
      {404, "ErrMpathNotFound", "a disk is gone", StatusCode::kServer, Kind::kRetry},
      {404, "ErrXactNotFound", "", StatusCode::kServer, Kind::kRetry},
      {404, "", "aws-error[NoSuchKey]", StatusCode::kObjectNotFound, Kind::kFatal},
      {400, "ErrInvalidBackendProvider", "", StatusCode::kInvalidArgument, Kind::kFatal},
      {400, "errInvalidPath", "", StatusCode::kInvalidArgument, Kind::kFatal},
      {400, "ErrUnsupp", "range of an archived file", StatusCode::kNotSupported, Kind::kFatal},
      {501, "ErrNotImpl", "", StatusCode::kNotSupported, Kind::kFatal},
      {400, "", "something else", StatusCode::kInvalidArgument, Kind::kFatal},
      {400, "ErrFailedTo", "dial tcp 127.0.0.1:52081: connect: connection refused",
       StatusCode::kServer, Kind::kRetry},
      {400, "", "read tcp: i/o timeout", StatusCode::kServer, Kind::kRetry},
      {403, "", "insufficient permissions", StatusCode::kAccessDenied, Kind::kFatal},
      {409, "ErrBusy", "", StatusCode::kServer, Kind::kRetry},
      {410, "ErrRemoteBucketOffline", "", StatusCode::kServer, Kind::kRetry},
      {416, "ErrRangeNotSatisfiable", "", StatusCode::kInvalidArgument, Kind::kFatal},
      {429, "ErrRateLimitFrontend", "Too Many Requests", StatusCode::kThrottled, Kind::kThrottled},
      {429, "ErrTooManyRequests", "", StatusCode::kThrottled, Kind::kThrottled},
      {500, "ErrBadCksum", "", StatusCode::kIntegrity, Kind::kRetry},
      {500, "", "anything", StatusCode::kServer, Kind::kRetry},
      {502, "", "anything", StatusCode::kServer, Kind::kRetry},
      {503, "", "p[PrxNode0] is not ready yet (starting up)", StatusCode::kServer, Kind::kRetry},
      {507, "ErrCapExceeded", "", StatusCode::kServer, Kind::kRetry},
  };
  for (const auto& c : kCases) {
    const ReplyError error =
        FromProxy(c.http_status, Document(c.tcode, c.message + std::string(" ")));
    EXPECT_EQ(error.status.code(), c.code) << c.http_status << " " << c.tcode;
    EXPECT_EQ(error.hint.kind, c.kind) << c.http_status << " " << c.tcode;
    EXPECT_EQ(error.status.detail().code, c.tcode);
    EXPECT_FALSE(error.direct_refused) << c.http_status << " " << c.tcode;
  }
}

TEST(AisErrorFromReply, ReadsTheTokensState) {
  const struct {
    const char* tcode;
    const char* message;
    StatusCode code;
    Kind kind;
  } kCases[] = {
      {"", "token required", StatusCode::kInvalidCredentials, Kind::kFatal},
      {"wrapError", "invalid token [err: token expired]: SECRET", StatusCode::kExpiredCredentials,
       Kind::kRefreshCredentials},
      {"wrapErrors", "invalid token [err: token revoked]: SECRET", StatusCode::kExpiredCredentials,
       Kind::kRefreshCredentials},
      {"wrapError", "invalid token: signature is invalid: SECRET", StatusCode::kInvalidCredentials,
       Kind::kRefreshCredentials},
  };
  for (const auto& c : kCases) {
    const ReplyError error = FromProxy(401, Document(c.tcode, c.message));
    EXPECT_EQ(error.status.code(), c.code) << c.message;
    EXPECT_EQ(error.hint.kind, c.kind) << c.message;
    EXPECT_EQ(error.status.message().find("SECRET"), std::string::npos)
        << "the cluster repeats the token it refuses";
  }
}

TEST(AisErrorFromReply, TheWordOfATargetThatWeChoseIsNotFinal) {
  for (const int http_status : {400, 401, 403, 404}) {
    const ReplyError error = FromTarget(http_status, Document("ErrNotFound", "not here"));
    EXPECT_EQ(error.hint.kind, Kind::kRetryNow) << http_status;
    EXPECT_EQ(error.hint.route, Route::kFallback) << http_status;
    EXPECT_TRUE(error.map_suspect) << http_status;
  }
  for (const int http_status : {416, 429, 500, 503}) {
    EXPECT_NE(FromTarget(http_status, Document("", "x")).hint.kind, Kind::kRetryNow);
  }
}

TEST(AisErrorFromReply, ARefusalToAnswerClientsIsForAllTargets) {
  EXPECT_TRUE(FromTarget(403, Document("", "direct target access denied")).direct_refused);
  EXPECT_TRUE(FromTarget(401, Document("", "direct target access denied")).direct_refused);
  EXPECT_FALSE(FromTarget(404, Document("ErrNotFound", "x")).direct_refused);
  EXPECT_FALSE(FromProxy(403, Document("", "insufficient permissions")).direct_refused);
}

TEST(AisErrorFromReply, AfterAFailureAProxyIsAsked) {
  for (const Sender sender : {Sender::kProxy, Sender::kTarget, Sender::kRedirectedTarget}) {
    EXPECT_EQ(ErrorFromReply({503, "", sender}, kObject).hint.route, Route::kFallback);
  }
}

TEST(AisErrorFromReply, A401OfATargetIsNotAboutTheToken) {
  const std::string body = Document("wrapError", "invalid signature: expired");
  const ReplyError error = ErrorFromReply({401, body, Sender::kRedirectedTarget}, kObject);
  EXPECT_EQ(error.status.code(), StatusCode::kServer);
  EXPECT_EQ(error.hint.kind, Kind::kRetry);
  EXPECT_EQ(FromTarget(401, body).status.code(), StatusCode::kServer);
}

TEST(AisErrorFromReply, NotFoundIsAReasonToLookAtTheMap) {
  EXPECT_TRUE(FromProxy(404, Document("ErrNotFound", "x")).map_suspect);
  EXPECT_TRUE(FromProxy(400, Document("ErrFailedTo", "connection refused")).map_suspect);
  EXPECT_TRUE(FromProxy(503, "").map_suspect);
  EXPECT_FALSE(FromProxy(429, Document("ErrRateLimitFrontend", "x")).map_suspect);
  EXPECT_FALSE(FromProxy(403, Document("", "x")).map_suspect);
}

TEST(AisErrorFromReply, UnderstandsRepliesWithoutABody) {
  const struct {
    int http_status;
    StatusCode code;
    Kind kind;
  } kCases[] = {
      {401, StatusCode::kInvalidCredentials, Kind::kRefreshCredentials},
      {404, StatusCode::kObjectNotFound, Kind::kFatal},
      {429, StatusCode::kThrottled, Kind::kThrottled},
      {503, StatusCode::kServer, Kind::kRetry},
      {300, StatusCode::kProtocol, Kind::kFatal},
  };
  for (const auto& [http_status, code, kind] : kCases) {
    const ReplyError error = FromProxy(http_status, "");
    EXPECT_EQ(error.status.code(), code) << http_status;
    EXPECT_EQ(error.hint.kind, kind) << http_status;
  }
  EXPECT_EQ(FromProxy(404, "", kBucket).status.code(), StatusCode::kBucketNotFound);
}

TEST(AisErrorFromReply, KnowsThatAGatewayIsNotAIStore) {
  const std::string page = "<html><head><title>404 Not Found</title></head></html>";
  const Status status = FromProxy(404, page).status;
  EXPECT_EQ(status.code(), StatusCode::kEndpoint);
  EXPECT_EQ(
      status.message(),
      "The answer did not come from AIStore: ais://bck/dir/obj (HTTP 404, \"404 Not Found\")");
  for (const char* body : {"{}", "[]", "null", "{\"message\":1}", "404 page not found\n", "{"}) {
    EXPECT_EQ(FromProxy(403, body).status.code(), StatusCode::kEndpoint) << body;
    EXPECT_EQ(FromProxy(401, body).hint.kind, Kind::kFatal) << body;
  }
}

TEST(AisErrorFromReply, AGatewayMayBeBusyAsAIStoreMay) {
  const std::string page = "<html><head><title>502 Bad Gateway</title></head></html>";
  EXPECT_EQ(FromProxy(502, page).status.code(), StatusCode::kServer);
  EXPECT_EQ(FromProxy(502, page).hint.kind, Kind::kRetry);
  EXPECT_EQ(FromProxy(429, page).hint.kind, Kind::kThrottled);
  EXPECT_EQ(FromTarget(404, page).hint.kind, Kind::kRetryNow);
}

TEST(AisErrorFromReply, MessagesAreOneBearableLine) {
  const std::string message =
      FromProxy(500, Document("", std::string(5000, 'x') + "\\n")).status.message();
  EXPECT_LT(message.size(), 400U);
  EXPECT_EQ(message.find('\n'), std::string::npos);
}

}  // namespace
}  // namespace objectpipes::ais
