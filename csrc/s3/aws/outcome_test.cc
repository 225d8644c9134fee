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

const Hops kHops{"store.test:9000", ""};

ErrorReply Asked() {
  ErrorReply reply;
  reply.bucket = "bucket";
  reply.key = "key";
  reply.region = "us-east-1";
  return reply;
}

TEST(ErrorFromOutcome, ReadsLibcurlsCodeOutOfTheMessage) {
  const S3Error error =
      ErrorFromOutcome(NetworkError("curlCode: 28, Timeout was reached"), Asked(), kHops);
  EXPECT_EQ(error.status.code(), StatusCode::kTimeout);
  EXPECT_EQ(error.status.message(), "Timeout was reached");
  EXPECT_EQ(error.status.detail().code, "");
  EXPECT_EQ(error.hint.kind, RetryHint::Kind::kRetry);
}

TEST(ErrorFromOutcome, NamesWhatCannotBeReached) {
  const auto message = [](const char* words, const Hops& hops) {
    return ErrorFromOutcome(NetworkError(words), Asked(), hops).status.message();
  };
  EXPECT_EQ(message("curlCode: 7, Couldn't connect to server", kHops),
            "cannot connect to store.test:9000: Couldn't connect to server");
  EXPECT_EQ(message("curlCode: 6, Couldn't resolve host name", kHops),
            "the host name store.test does not resolve: Couldn't resolve host name");
  EXPECT_EQ(message("curlCode: 6, Couldn't resolve host name", {"[fe80::1%x]:80", ""}),
            "the host name [fe80::1%x] does not resolve: Couldn't resolve host name");
  for (const char* words : {"curlCode: 7, no", "curlCode: 5, no", "curlCode: 97, no"}) {
    EXPECT_EQ(message(words, {"store.test:9000", "proxy.test:3128"}),
              "cannot connect to the proxy proxy.test:3128: no");
  }
}

TEST(ErrorFromOutcome, BlamesABucketInTheEndpoint) {
  const Endpoint endpoint =
      ParseEndpoint("https://bucket.store.test", Addressing::kVirtual).value();
  ErrorReply reply = Asked();
  reply.endpoint = &endpoint;
  const S3Error error = ErrorFromOutcome(NetworkError("curlCode: 6, no"), reply,
                                         {"bucket.bucket.store.test:443", ""});
  EXPECT_NE(error.status.message().find("the host of endpoint_url"), std::string::npos)
      << error.status.message();
}

TEST(ErrorFromOutcome, DoesNotRetryACertificateThatIsNotTrusted) {
  const S3Error error = ErrorFromOutcome(
      NetworkError("curlCode: 60, SSL peer certificate or SSH remote key was not OK"), Asked(),
      kHops);
  EXPECT_EQ(error.status.code(), StatusCode::kTls);
  EXPECT_EQ(error.hint.kind, RetryHint::Kind::kFatal);
}

TEST(ErrorFromOutcome, SaysThatTheServerDemandsACertificate) {
  const S3Error error = ErrorFromOutcome(
      NetworkError("curlCode: 98, SSL Client Certificate required"), Asked(), kHops);
  EXPECT_EQ(error.status.code(), StatusCode::kTls);
  EXPECT_EQ(error.status.detail().code, "ClientCertificateRequired");
  EXPECT_EQ(error.hint.kind, RetryHint::Kind::kFatal);
}

TEST(ErrorFromOutcome, RetriesWhatOtherHttpClientsReport) {
  for (const char* message :
       {"Response body length doesn't match the content-length header.", "curlCode: ", ""}) {
    const S3Error error = ErrorFromOutcome(NetworkError(message), Asked(), kHops);
    EXPECT_EQ(error.status.code(), StatusCode::kEndpoint) << message;
    EXPECT_EQ(error.hint.kind, RetryHint::Kind::kRetry) << message;
  }
}

TEST(ErrorFromOutcome, BlamesTheSettingsForARequestThatWasNotSent) {
  SdkError refusal(S3Errors::VALIDATION, "", "Invalid DNS Label found in URI host", false);
  refusal.SetResponseCode(Aws::Http::HttpResponseCode::REQUEST_NOT_MADE);
  const S3Error error = ErrorFromOutcome(refusal, Asked(), kHops);
  EXPECT_EQ(error.status.code(), StatusCode::kConfig);
  EXPECT_EQ(error.hint.kind, RetryHint::Kind::kFatal);
}

TEST(ErrorFromOutcome, UnderstandsHeadersAndBodyOfAReply) {
  SdkError refusal(S3Errors::UNKNOWN, "", "No response body.", false);
  refusal.SetResponseCode(Aws::Http::HttpResponseCode::MOVED_PERMANENTLY);
  refusal.SetResponseHeaders({{"x-amz-bucket-region", "eu-west-1"}, {"x-amz-request-id", "id"}});
  ErrorReply reply = Asked();
  reply.body = "<Error><Code>PermanentRedirect</Code></Error>";
  const S3Error error = ErrorFromOutcome(refusal, reply, kHops);
  EXPECT_EQ(error.status.code(), StatusCode::kWrongRegion);
  EXPECT_EQ(error.status.detail().http_status, 301);
  EXPECT_EQ(error.status.detail().request_id, "id");
  EXPECT_EQ(error.hint.kind, RetryHint::Kind::kRetryNow);
  EXPECT_EQ(error.region, "eu-west-1");
}

}  // namespace
}  // namespace objectpipes
