#include "s3/aws/outcome.h"

#include <charconv>
#include <string>
#include <string_view>
#include <utility>

#include "s3/aws/curl_status.h"
#include "s3/aws/observed_request.h"

namespace objectpipes {
namespace {

using Aws::S3::S3Errors;

// The SDK makes a text of libcurl's result: "curlCode: 28, Timeout was reached". 0 for any other
// text.
int CurlCodeIn(std::string_view message) {
  constexpr std::string_view kPrefix = "curlCode: ";
  if (message.substr(0, kPrefix.size()) != kPrefix) return 0;
  message.remove_prefix(kPrefix.size());
  int code = 0;
  std::from_chars(message.data(), message.data() + message.size(), code);
  return code;
}

// What could not be reached, which libcurl does not say.
std::string Unreachable(std::string_view code, const Hops& hops) {
  if (code == "ProxyUnreachable") return "cannot connect to the proxy " + hops.proxy + ": ";
  if (code == "ConnectFailed") return "cannot connect to " + hops.server + ": ";
  if (code != "NameNotResolved") return {};
  return "the host name " + hops.server.substr(0, hops.server.rfind(':')) + " does not resolve: ";
}

// With the bucket's name in it twice, a host is nobody's.
std::string HostHint(StatusCode code, const ErrorReply& reply) {
  const bool no_host = code == StatusCode::kEndpoint || code == StatusCode::kTls;
  if (!no_host || reply.endpoint == nullptr) return {};
  if (reply.endpoint->addressing != Addressing::kVirtual) return {};
  return BucketInEndpoint(*reply.endpoint, reply.bucket);
}

// The error of a request that got no reply, or an incomplete one.
S3Error BrokenExchange(const std::string& message, const ErrorReply& reply, const Hops& hops) {
  S3Error result;
  result.hint.kind = RetryHint::Kind::kRetry;
  const int curl_code = CurlCodeIn(message);
  if (curl_code == 0) {
    result.status = Status(StatusCode::kEndpoint, message);
    return result;
  }
  const CurlMeaning meaning = MeaningOfCurl(curl_code, !hops.proxy.empty());
  const std::string words = message.substr(message.find(' ', message.find(',')) + 1);
  StatusDetail detail;
  detail.code = meaning.code;
  result.status = Status(meaning.status,
                         Unreachable(meaning.code, hops) + words + HostHint(meaning.status, reply),
                         std::move(detail));
  if (meaning.status == StatusCode::kTls) result.hint.kind = RetryHint::Kind::kFatal;
  return result;
}

// The error of a request that the SDK did not send: its rules gave no endpoint, or a host name was
// not valid.
S3Error Unsent(const std::string& message) {
  S3Error result;
  result.status = Status(StatusCode::kConfig, "aws-sdk-cpp does not send the request: " + message);
  return result;
}

}  // namespace

S3Error ErrorFromHeader(int http_status, const HeaderLookup& header, ErrorReply reply) {
  reply.http_status = http_status;
  reply.server = header("server");
  reply.date = header("date");
  reply.location = header("location");
  reply.retry_after = header("retry-after");
  reply.request_id = header("x-amz-request-id");
  reply.bucket_region = header("x-amz-bucket-region");
  return ErrorFromReply(reply);
}

S3Error ErrorFromOutcome(const Aws::Client::AWSError<S3Errors>& error, ErrorReply reply,
                         const Hops& hops) {
  if (error.GetResponseCode() == Aws::Http::HttpResponseCode::REQUEST_NOT_MADE) {
    const std::string message(View(error.GetMessage()));
    return error.GetErrorType() == S3Errors::NETWORK_CONNECTION
               ? BrokenExchange(message, reply, hops)
               : Unsent(message);
  }
  return ErrorFromHeader(static_cast<int>(error.GetResponseCode()),
                         LookUpIn(&error.GetResponseHeaders()), std::move(reply));
}

}  // namespace objectpipes
