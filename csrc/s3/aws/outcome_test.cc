#include "s3/aws/outcome.h"

#include <gtest/gtest.h>

#include <string>

namespace objectpipes {
namespace {

using Aws::S3::S3Errors;
using SdkError = Aws::Client::AWSError<S3Errors>;

SdkError NetworkError(const char* message) {
  SdkError error(S3Errors::NETWORK_CONNECTION, "", message, true);
  error.SetResponseCode(Aws::Http::HttpResponseCode::REQUEST_NOT_MADE);
  return error;
}

ErrorReply Asked() {
  ErrorReply reply;
  reply.bucket = "bucket";
  reply.key = "key";
  reply.region = "us-east-1";
  return reply;
}

TEST(ErrorFromOutcome, ReadsLibcurlsCodeOutOfTheMessage) {
  const S3Error error =
      ErrorFromOutcome(NetworkError("curlCode: 28, Timeout was reached"), Asked());
  EXPECT_EQ(error.status.code(), StatusCode::kTimeout);
  EXPECT_EQ(error.status.message(), "Timeout was reached");
  EXPECT_EQ(error.status.detail().code, "");
  EXPECT_EQ(error.hint.kind, RetryHint::Kind::kRetry);
}

TEST(ErrorFromOutcome, DoesNotRetryACertificateThatIsNotTrusted) {
  const S3Error error = ErrorFromOutcome(
      NetworkError("curlCode: 60, SSL peer certificate or SSH remote key was not OK"), Asked());
  EXPECT_EQ(error.status.code(), StatusCode::kTls);
  EXPECT_EQ(error.hint.kind, RetryHint::Kind::kFatal);
}

TEST(ErrorFromOutcome, RetriesWhatOtherHttpClientsReport) {
  for (const char* message :
       {"Response body length doesn't match the content-length header.", "curlCode: ", ""}) {
    const S3Error error = ErrorFromOutcome(NetworkError(message), Asked());
    EXPECT_EQ(error.status.code(), StatusCode::kEndpoint) << message;
    EXPECT_EQ(error.hint.kind, RetryHint::Kind::kRetry) << message;
  }
}

TEST(ErrorFromOutcome, BlamesTheSettingsForARequestThatWasNotSent) {
  SdkError refusal(S3Errors::VALIDATION, "", "Invalid DNS Label found in URI host", false);
  refusal.SetResponseCode(Aws::Http::HttpResponseCode::REQUEST_NOT_MADE);
  const S3Error error = ErrorFromOutcome(refusal, Asked());
  EXPECT_EQ(error.status.code(), StatusCode::kConfig);
  EXPECT_EQ(error.hint.kind, RetryHint::Kind::kFatal);
}

TEST(ErrorFromOutcome, UnderstandsHeadersAndBodyOfAReply) {
  SdkError refusal(S3Errors::UNKNOWN, "", "No response body.", false);
  refusal.SetResponseCode(Aws::Http::HttpResponseCode::MOVED_PERMANENTLY);
  refusal.SetResponseHeaders({{"x-amz-bucket-region", "eu-west-1"}, {"x-amz-request-id", "id"}});
  ErrorReply reply = Asked();
  reply.body = "<Error><Code>PermanentRedirect</Code></Error>";
  const S3Error error = ErrorFromOutcome(refusal, reply);
  EXPECT_EQ(error.status.code(), StatusCode::kWrongRegion);
  EXPECT_EQ(error.status.detail().http_status, 301);
  EXPECT_EQ(error.status.detail().request_id, "id");
  EXPECT_EQ(error.hint.kind, RetryHint::Kind::kRetryNow);
  EXPECT_EQ(error.region, "eu-west-1");
}

}  // namespace
}  // namespace objectpipes
