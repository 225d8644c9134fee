#include "s3/reply_error.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <iterator>
#include <utility>

#include "base/ascii.h"
#include "base/excerpt.h"
#include "base/utc_time.h"
#include "s3/url.h"
#include "s3/xml.h"

namespace objectpipes {
namespace {

using Kind = RetryHint::Kind;

// S3 refuses a request whose time differs by more than this.
constexpr int64_t kMaxSkewSeconds = int64_t{15} * 60;

// What an error means for us.
struct Meaning {
  StatusCode code;
  Kind kind;
  std::string_view sentence;  // continues with ": s3://bucket/key"
};

struct Rule {
  std::string_view s3_code;  // "X*": begins with X; "*X*": contains X
  Meaning meaning;
};

constexpr Meaning kNoSuchKey = {StatusCode::kObjectNotFound, Kind::kFatal,
                                "The object does not exist"};
constexpr Meaning kNoSuchBucket = {StatusCode::kBucketNotFound, Kind::kFatal,
                                   "The bucket does not exist"};
constexpr Meaning kDenied = {StatusCode::kAccessDenied, Kind::kFatal, "Access is denied"};
constexpr Meaning kRejectedCredentials = {StatusCode::kInvalidCredentials, Kind::kFatal,
                                          "The credentials are not accepted"};
constexpr Meaning kUnknownCredentials = {StatusCode::kInvalidCredentials, Kind::kOtherCredentials,
                                         "The credentials are not accepted"};
constexpr Meaning kExpired = {StatusCode::kExpiredCredentials, Kind::kRefreshCredentials,
                              "The credentials have expired"};
constexpr Meaning kOtherRegion = {StatusCode::kWrongRegion, Kind::kFatal,
                                  "The bucket is in another region"};
constexpr Meaning kRedirect = {StatusCode::kEndpoint, Kind::kFatal,
                               "The server redirects elsewhere"};
constexpr Meaning kSkew = {StatusCode::kClockSkew, Kind::kFatal,
                           "This computer's clock and the server's clock differ too much"};
constexpr Meaning kSlowDown = {StatusCode::kThrottled, Kind::kThrottled,
                               "The server receives too many requests"};
constexpr Meaning kServerFailed = {StatusCode::kServer, Kind::kRetry, "The server failed"};
constexpr Meaning kServerTimeout = {StatusCode::kTimeout, Kind::kRetry,
                                    "The server did not receive the request in time"};
constexpr Meaning kChanged = {StatusCode::kObjectChanged, Kind::kFatal,
                              "The object is no longer the version that was requested"};
constexpr Meaning kBadRange = {StatusCode::kInvalidArgument, Kind::kFatal,
                               "The range lies outside the object"};
constexpr Meaning kBadName = {StatusCode::kInvalidArgument, Kind::kFatal,
                              "The server does not accept this name"};
constexpr Meaning kBadRequest = {StatusCode::kInvalidArgument, Kind::kFatal,
                                 "The server does not accept the request"};
constexpr Meaning kArchived = {StatusCode::kNotSupported, Kind::kFatal,
                               "The object is archived and cannot be read until it is restored"};
constexpr Meaning kNoKmsKey = {StatusCode::kAccessDenied, Kind::kFatal,
                               "The key that encrypts the object cannot be used"};
constexpr Meaning kNoCustomerKey = {
    StatusCode::kConfig, Kind::kFatal,
    "The object is encrypted with a customer's key (SSE-C): set sse_customer_key= to that key"};
constexpr Meaning kOtherCustomerKey = {
    StatusCode::kConfig, Kind::kFatal,
    "The object is not encrypted with the key given as sse_customer_key= (SSE-C)"};
constexpr Meaning kUnsupported = {StatusCode::kNotSupported, Kind::kFatal,
                                  "The server does not support the request"};
constexpr Meaning kForeign = {StatusCode::kEndpoint, Kind::kFatal,
                              "The answer did not come from an S3 server"};
constexpr Meaning kUnexpected = {StatusCode::kProtocol, Kind::kFatal,
                                 "The server answered with an error that S3 does not define"};

// The first match counts.
constexpr Rule kRules[] = {
    {"*SlowDown*", kSlowDown},
    {"*Throttl*", kSlowDown},
    {"*TooManyRequests*", kSlowDown},
    {"*LimitExceeded*", kSlowDown},
    {"ServerBusy", kSlowDown},
    {"PriorRequestNotComplete", kSlowDown},
    {"NoSuchKey", kNoSuchKey},
    {"NoSuchVersion", kNoSuchKey},
    {"NoSuchBucket", kNoSuchBucket},
    {"AccessDenied", kDenied},
    {"AllAccessDisabled", kDenied},
    {"AccountProblem", kDenied},
    {"InvalidAccessKeyId", kUnknownCredentials},
    {"InvalidClientTokenId", kUnknownCredentials},
    {"InvalidSecurity", kUnknownCredentials},
    {"SignatureDoesNotMatch", kUnknownCredentials},
    {"InvalidToken*", kUnknownCredentials},
    {"UnrecognizedClientException", kUnknownCredentials},
    {"AuthorizationHeaderMalformed", kRejectedCredentials},  // without a region to sign for
    {"ExpiredToken*", kExpired},
    {"TokenRefreshRequired", kExpired},
    {"PermanentRedirect", kOtherRegion},
    {"IllegalLocationConstraint*", kOtherRegion},
    {"TemporaryRedirect", kRedirect},
    {"RequestTimeTooSkewed", kSkew},
    {"RequestExpired", kSkew},
    {"KMS.*", kNoKmsKey},
    {"InternalError", kServerFailed},
    {"ServiceUnavailable", kServerFailed},
    {"OperationAborted", kServerFailed},
    {"RequestTimeout", kServerTimeout},
    {"PreconditionFailed", kChanged},
    {"InvalidRange", kBadRange},
    {"InvalidObjectState", kArchived},
    {"MethodNotAllowed", kUnsupported},
    {"NotImplemented", kUnsupported},
    {"InvalidBucketName", kBadName},
    {"InvalidURI", kBadName},
    {"KeyTooLongError", kBadName},
    {"XMinioInvalidObjectName", kBadName},
    {"XMinioInvalidResourceName", kBadName},
};

bool Matches(std::string_view pattern, std::string_view code) {
  const bool any_begin = pattern.front() == '*';
  const bool any_end = pattern.back() == '*';
  pattern.remove_prefix(any_begin ? 1 : 0);
  pattern.remove_suffix(any_end ? 1 : 0);
  if (any_begin) return code.find(pattern) != std::string_view::npos;
  return any_end ? code.substr(0, pattern.size()) == pattern : code == pattern;
}

// By HTTP status: for replies to HEAD, which have nothing else, and for codes without a rule.
Meaning MeaningOfHttpStatus(int http_status, bool about_object) {
  switch (http_status) {
    case 400:
      return kBadRequest;
    case 401:
      return kRejectedCredentials;
    case 403:
      return kDenied;
    case 404:
      return about_object ? kNoSuchKey : kNoSuchBucket;
    case 405:
    case 501:
      return kUnsupported;
    case 408:
      return kServerTimeout;
    case 409:
      return kServerFailed;
    case 412:
      return kChanged;
    case 416:
      return kBadRange;
    case 429:
      return kSlowDown;
    default:
      // An error inside a 200 occurred too late for the server to send a 500.
      if (http_status >= 500 || http_status == 200) return kServerFailed;
      return http_status / 100 == 3 ? kRedirect : kUnexpected;
  }
}

// The fields of <Error> that we use; empty where missing.
struct ErrorDocument {
  std::string code;
  std::string message;
  std::string region;
  std::string endpoint;
  std::string request_id;
  std::string server_time;
};

ErrorDocument ParseErrorDocument(std::string_view body) {
  pugi::xml_document document;
  // A document that is cut off is used as far as it goes, so the result of parsing does not matter.
  (void)document.load_buffer(body.data(), body.size(), kXmlParseFlags, pugi::encoding_utf8);
  const pugi::xml_node error = XmlChild(document, "Error");
  const auto field = [&error](std::string_view name) { return XmlValue(XmlChild(error, name)); };
  return {field("Code"),     field("Message"),   field("Region"),
          field("Endpoint"), field("RequestId"), field("ServerTime")};
}

// A region becomes part of host names and signatures, so nothing else may pass for one.
bool IsRegion(std::string_view text) {
  return !text.empty() && text.size() <= 32 && std::all_of(text.begin(), text.end(), [](char c) {
    return IsLower(c) || IsDigit(c) || c == '-';
  });
}

// From "[bucket.]s3.eu-west-1.amazonaws.com" or the older "[bucket.]s3-eu-west-1.amazonaws.com".
std::string_view RegionOfEndpoint(std::string_view endpoint) {
  const size_t end = endpoint.rfind(".amazonaws.com");
  if (end == std::string_view::npos) return {};
  endpoint = endpoint.substr(0, end);
  const size_t dot = endpoint.rfind('.');
  const std::string_view last = endpoint.substr(dot + 1);
  if (last == "s3-external-1") return {};  // an alias of us-east-1's
  if (last.substr(0, 3) == "s3-") return last.substr(3);
  if (dot == std::string_view::npos) return {};
  const std::string_view before = endpoint.substr(0, dot);
  return before.substr(before.rfind('.') + 1) == "s3" ? last : std::string_view();
}

// The bucket's region if the reply names one, and it is not the region we signed for.
std::string OtherRegion(const ErrorReply& reply, const ErrorDocument& document) {
  for (const std::string_view region :
       {std::string_view(reply.bucket_region), std::string_view(document.region),
        RegionOfEndpoint(document.endpoint)}) {
    if (IsRegion(region)) return std::string(region == reply.region ? "" : region);
  }
  return {};
}

int64_t WholeSeconds(double time) { return static_cast<int64_t>(std::floor(time)); }

// When the server replied, by its own clock.
std::optional<int64_t> DateOf(const ErrorReply& reply) {
  const std::optional<double> date = ParseTime(reply.date);
  if (!date) return std::nullopt;
  return WholeSeconds(*date);
}

std::optional<int64_t> ServerTime(const ErrorReply& reply, const ErrorDocument& document) {
  const std::optional<double> time = ParseTime(document.server_time);
  if (time) return WholeSeconds(*time);
  return DateOf(reply);
}

// -1 if the server does not say.
int64_t RetryAfterMs(const ErrorReply& reply) {
  const std::optional<uint32_t> seconds = ParseInteger<uint32_t>(reply.retry_after);
  if (seconds) return int64_t{*seconds} * 1000;
  const bool is_date = reply.retry_after.find(':') != std::string_view::npos;
  const std::optional<double> date = is_date ? ParseTime(reply.retry_after) : std::nullopt;
  if (!date) return -1;
  const int64_t now = DateOf(reply).value_or(reply.request_time);
  return std::max<int64_t>(WholeSeconds(*date) - now, 0) * 1000;
}

bool IsForeign(const ErrorReply& reply, const ErrorDocument& document) {
  return !reply.body.empty() && document.code.empty() && reply.request_id.empty();
}

// Only the message tells: the code is InvalidRequest or InvalidArgument.
bool IsAboutCustomerKey(const ErrorReply& reply, const ErrorDocument& document) {
  return reply.http_status == 400 && document.code.substr(0, 7) == "Invalid" &&
         document.message.find("ncrypt") != std::string::npos;
}

Meaning MeaningOf(const ErrorReply& reply, const ErrorDocument& document) {
  if (IsAboutCustomerKey(reply, document)) {
    return reply.has_customer_key ? kOtherCustomerKey : kNoCustomerKey;
  }
  const auto* const rule = std::find_if(std::begin(kRules), std::end(kRules), [&](const Rule& r) {
    return Matches(r.s3_code, document.code);
  });
  if (rule != std::end(kRules)) return rule->meaning;
  const Meaning meaning = MeaningOfHttpStatus(reply.http_status, !reply.key.empty());
  // A gateway may be as busy or broken as S3 itself. Its other errors are not about S3.
  const bool busy = meaning.kind != Kind::kFatal && reply.http_status != 200;
  if (IsForeign(reply, document) && !busy) return kForeign;
  // The reply to HEAD has no code that tells which 403 it is, but it has a date.
  const std::optional<int64_t> date = DateOf(reply);
  if (meaning.code == StatusCode::kAccessDenied && reply.body.empty() && date &&
      std::abs(*date - reply.request_time) > kMaxSkewSeconds) {
    return kSkew;
  }
  return meaning;
}

// The codes of 3xx and 400 replies differ between servers, and HEAD has none. But each such reply
// is about the region if it names another one.
bool MayBeAboutRegion(int http_status) {
  return http_status == 301 || http_status == 302 || http_status == 307 || http_status == 400;
}

// The server's own message, or the nearest thing to it.
std::string Words(const ErrorReply& reply, const ErrorDocument& document) {
  std::string words = "HTTP " + std::to_string(reply.http_status);
  if (!document.code.empty()) {
    words.append(", ").append(Excerpt(document.code));
    if (!document.message.empty()) words.append(": ").append(Excerpt(document.message));
  } else if (!reply.body.empty()) {
    words.append(", ").append(ExcerptOfPage(reply.body));
    if (!reply.server.empty()) words.append(" from ").append(Excerpt(reply.server));
  }
  return words;
}

// The consoles of some stores show the address of a bucket, which users then give as the endpoint.
std::string EndpointHint(const ErrorReply& reply, const ErrorDocument& document, StatusCode code) {
  const bool missing = code == StatusCode::kObjectNotFound || code == StatusCode::kBucketNotFound;
  if (reply.endpoint == nullptr) return {};
  if (!missing && code != StatusCode::kAccessDenied && code != StatusCode::kInvalidArgument) {
    return {};
  }
  // The request had no key, so a server that misses one took the bucket's name for it.
  const bool certain = reply.key.empty() && document.code == "NoSuchKey";
  return BucketInEndpoint(*reply.endpoint, certain ? std::string_view() : reply.bucket);
}

Status MakeStatus(const ErrorReply& reply, const ErrorDocument& document, StatusCode code,
                  const std::string& sentence) {
  const bool about_bucket = reply.key.empty() || code == StatusCode::kBucketNotFound;
  const std::string where =
      about_bucket ? "s3://" + std::string(reply.bucket) : FormatS3Url(reply.bucket, reply.key);
  StatusDetail detail;
  detail.code = document.code;
  detail.request_id = reply.request_id.empty() ? document.request_id : reply.request_id;
  detail.http_status = reply.http_status;
  return Status(code,
                sentence + ": " + where + " (" + Words(reply, document) + ")" +
                    EndpointHint(reply, document, code),
                std::move(detail));
}

}  // namespace

S3Error ErrorFromReply(const ErrorReply& reply) {
  const ErrorDocument document = ParseErrorDocument(reply.body);
  auto [code, kind, what] = MeaningOf(reply, document);
  std::string sentence(what);

  S3Error error;
  if (MayBeAboutRegion(reply.http_status)) error.region = OtherRegion(reply, document);
  if (!error.region.empty()) {
    code = StatusCode::kWrongRegion;
    kind = Kind::kRetryNow;
    sentence = "The bucket is in region " + error.region + ", not " + reply.region;
  } else if (code == StatusCode::kEndpoint && !reply.location.empty()) {
    sentence = "The server redirects to " + Excerpt(reply.location);
    if (reply.http_status == 307 && !IsForeign(reply, document)) {
      kind = Kind::kRetryNow;
      error.location = reply.location;
    }
  } else if (code == StatusCode::kClockSkew) {
    error.server_time = ServerTime(reply, document);
    if (error.server_time) kind = Kind::kRetryNow;
  }

  error.hint.kind = kind;
  if (kind == Kind::kRetry || kind == Kind::kThrottled) {
    error.hint.retry_after_ms = RetryAfterMs(reply);
  }
  error.status = MakeStatus(reply, document, code, sentence);
  return error;
}

bool IsErrorDocument(std::string_view body) {
  // The root is the first tag that is neither a declaration ("<?") nor a comment ("<!").
  while (true) {
    const size_t tag = body.find('<');
    if (tag == std::string_view::npos) return false;
    body.remove_prefix(tag + 1);
    if (body.empty() || (body.front() != '?' && body.front() != '!')) break;
  }
  body = body.substr(0, body.find_first_of(" \t\r\n/>"));
  return body.substr(body.find(':') + 1) == "Error";  // npos + 1 is 0
}

}  // namespace objectpipes
