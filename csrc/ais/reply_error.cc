#include "ais/reply_error.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>

#include "ais/json.h"
#include "ais/url.h"
#include "base/excerpt.h"

namespace objectpipes::ais {
namespace {

using Kind = RetryHint::Kind;

// What an error means for us.
struct Meaning {
  StatusCode code;
  Kind kind;
  std::string_view sentence;  // continues with ": ais://bucket/key"
};

struct Rule {
  std::string_view tcode;  // the type of the error in AIStore's source, a stable part of its API
  Meaning meaning;
};

constexpr Meaning kNoSuchObject = {StatusCode::kObjectNotFound, Kind::kFatal,
                                   "The object does not exist"};
constexpr Meaning kNoMetadata = {
    StatusCode::kObjectNotFound, Kind::kFatal,
    "The name is not that of an object in this cluster: it is a directory"};
constexpr Meaning kNoSuchBucket = {StatusCode::kBucketNotFound, Kind::kFatal,
                                   "The bucket does not exist"};
constexpr Meaning kNoBackend = {StatusCode::kNotSupported, Kind::kFatal,
                                "The cluster is not connected to the bucket's backend"};
constexpr Meaning kDenied = {StatusCode::kAccessDenied, Kind::kFatal, "Access is denied"};
constexpr Meaning kNoToken = {StatusCode::kInvalidCredentials, Kind::kFatal,
                              "The cluster needs a token"};
// AuthN may have got a new key: then the token file may have a new token, too.
constexpr Meaning kRejectedToken = {StatusCode::kInvalidCredentials, Kind::kRefreshCredentials,
                                    "The token is not accepted"};
constexpr Meaning kExpiredToken = {StatusCode::kExpiredCredentials, Kind::kRefreshCredentials,
                                   "The token has expired"};
constexpr Meaning kSlowDown = {StatusCode::kThrottled, Kind::kThrottled,
                               "The cluster receives too many requests"};
constexpr Meaning kServerFailed = {StatusCode::kServer, Kind::kRetry, "The cluster failed"};
constexpr Meaning kNotReady = {StatusCode::kServer, Kind::kRetry, "The cluster is not ready"};
constexpr Meaning kNodeLost = {StatusCode::kServer, Kind::kRetry,
                               "A node of the cluster cannot be reached"};
constexpr Meaning kNotSent = {StatusCode::kServer, Kind::kRetry,
                              "The target answers only clients that a gateway sent to it"};
constexpr Meaning kServerTimeout = {StatusCode::kTimeout, Kind::kRetry,
                                    "The cluster did not receive the request in time"};
constexpr Meaning kCorrupt = {StatusCode::kIntegrity, Kind::kRetry,
                              "The object is damaged in the cluster"};
constexpr Meaning kBadRange = {StatusCode::kInvalidArgument, Kind::kFatal,
                               "The range lies outside the object"};
constexpr Meaning kBadName = {StatusCode::kInvalidArgument, Kind::kFatal,
                              "The cluster does not accept this name"};
constexpr Meaning kBadRequest = {StatusCode::kInvalidArgument, Kind::kFatal,
                                 "The cluster does not accept the request"};
constexpr Meaning kUnsupported = {StatusCode::kNotSupported, Kind::kFatal,
                                  "The cluster does not support the request"};
constexpr Meaning kForeign = {StatusCode::kEndpoint, Kind::kFatal,
                              "The answer did not come from AIStore"};
constexpr Meaning kUnexpected = {StatusCode::kProtocol, Kind::kFatal,
                                 "The cluster answered with an error that AIStore does not define"};

constexpr Rule kRules[] = {
    {"ErrNotFound", kNoSuchObject},
    {"ErrLmetaNotFound", kNoMetadata},  // the "directory" of other objects, or a lost header
    {"ErrBckNotFound", kNoSuchBucket},
    {"ErrRemoteBckNotFound", kNoSuchBucket},
    {"ErrMissingBackend", kNoBackend},
    {"ErrInitBackend", kNoBackend},
    {"ErrInvalidBackendProvider", kBadRequest},
    {"ErrBucketAccessDenied", kDenied},
    {"ErrObjectAccessDenied", kDenied},
    {"ErrTooManyRequests", kSlowDown},
    {"ErrRateLimitFrontend", kSlowDown},
    {"ErrRemoteBucketOffline", kServerFailed},
    {"ErrNoNodes", kNodeLost},
    {"ErrBadCksum", kCorrupt},
    {"ErrInvalidCksum", kCorrupt},
    {"ErrRangeNotSatisfiable", kBadRange},
    {"errInvalidPath", kBadName},
    {"ErrUnsupp", kUnsupported},
    {"ErrNotImpl", kUnsupported},
};

// The fields of AIStore's errors that we use; empty where missing.
struct ErrorDocument {
  std::string tcode;
  std::string message;
};

ErrorDocument ParseErrorDocument(std::string_view body) {
  const Json json = ParseJson(body);
  const auto* const tcode = FindMember<std::string>(json, "tcode");
  const auto* const message = FindMember<std::string>(json, "message");
  return {tcode == nullptr ? "" : *tcode, message == nullptr ? "" : *message};
}

bool Contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

// A node that cannot reach another one returns Go's message for that as a 400.
bool IsAboutANode(std::string_view message) {
  constexpr std::string_view kWords[] = {"connection refused", "connection reset",
                                         "no route to host",   "i/o timeout",
                                         "broken pipe",        "context deadline exceeded"};
  return std::any_of(std::begin(kWords), std::end(kWords),
                     [&](std::string_view words) { return Contains(message, words); });
}

Meaning MeaningOf401(std::string_view message) {
  if (Contains(message, "token required")) return kNoToken;
  if (Contains(message, "token expired") || Contains(message, "token revoked")) {
    return kExpiredToken;
  }
  return kRejectedToken;
}

Meaning MeaningOf404(const ErrorDocument& document, bool about_object) {
  // ErrFailedTo stands for any failure. With this status it failed to find the provider's backend.
  if (document.tcode == "ErrFailedTo") return kNoBackend;
  // The other types tell of something missing in a node (a disk, a job), not in the bucket...
  if (!document.tcode.empty()) return kServerFailed;
  // ...but errors of providers come without a type.
  return about_object ? kNoSuchObject : kNoSuchBucket;
}

Meaning MeaningOfHttpStatus(int http_status, const ErrorDocument& document, bool about_object) {
  switch (http_status) {
    case 400:
      return IsAboutANode(document.message) ? kNodeLost : kBadRequest;
    case 401:
      return MeaningOf401(document.message);
    case 403:
      return kDenied;
    case 404:
      return MeaningOf404(document, about_object);
    case 408:
      return kServerTimeout;
    case 409:  // the node is busy, or a job is not running yet
    case 410:
      return kServerFailed;
    case 416:
      return kBadRange;
    case 429:
      return kSlowDown;
    case 405:
    case 501:
      return kUnsupported;
    case 503:
      return kNotReady;
    default:
      return http_status >= 500 ? kServerFailed : kUnexpected;
  }
}

bool IsForeign(const ErrorReply& reply, const ErrorDocument& document) {
  return !reply.body.empty() && document.message.empty();
}

Meaning MeaningOf(const ErrorReply& reply, const ErrorDocument& document, bool about_object) {
  // Targets do not check tokens. They refuse a request that no proxy sent to them, or sent too long
  // ago.
  if (reply.sender != Sender::kProxy && reply.http_status == 401) return kNotSent;
  const auto* const rule = std::find_if(std::begin(kRules), std::end(kRules),
                                        [&](const Rule& r) { return r.tcode == document.tcode; });
  if (rule != std::end(kRules)) return rule->meaning;
  const Meaning meaning = MeaningOfHttpStatus(reply.http_status, document, about_object);
  // A gateway in front of the cluster may be as busy or broken as the cluster. Its other errors are
  // not about AIStore.
  const bool passing = meaning.kind == Kind::kRetry || meaning.kind == Kind::kThrottled;
  return IsForeign(reply, document) && !passing ? kForeign : meaning;
}

// The cluster's own message, or the nearest thing to it.
std::string Words(const ErrorReply& reply, const ErrorDocument& document) {
  std::string words = "HTTP " + std::to_string(reply.http_status);
  if (reply.http_status == 401) return words;  // AIStore's message has the token that it refuses
  if (!document.tcode.empty()) words.append(", ").append(Excerpt(document.tcode));
  if (!document.message.empty()) {
    words.append(": ").append(Excerpt(document.message));
  } else if (!reply.body.empty()) {
    words.append(", ").append(ExcerptOfPage(reply.body));
  }
  return words;
}

// A target that we chose ourselves may be the wrong one, or may not answer clients. So its error is
// not final.
bool IsForTheProxy(const ErrorReply& reply) {
  const int http_status = reply.http_status;
  return reply.sender == Sender::kTarget &&
         (http_status == 400 || http_status == 401 || http_status == 403 || http_status == 404);
}

}  // namespace

ReplyError ErrorFromReply(const ErrorReply& reply, const ObjectId& object) {
  const ErrorDocument document = ParseErrorDocument(reply.body);
  const Meaning meaning = MeaningOf(reply, document, !object.key.empty());
  ReplyError error;
  error.hint.kind = meaning.kind;
  error.hint.route = Route::kFallback;  // a proxy knows its cluster better than our map does
  if (meaning.sentence == kNodeLost.sentence) error.hint.retry_after_ms = kMendingPauseMs;
  error.map_suspect =
      meaning.code == StatusCode::kObjectNotFound || meaning.code == StatusCode::kServer;
  if (IsForTheProxy(reply)) {
    error.hint.kind = Kind::kRetryNow;
    error.map_suspect = true;
    error.direct_refused = reply.http_status == 401 || reply.http_status == 403;
  }

  StatusDetail detail;
  detail.code = document.tcode;
  detail.http_status = reply.http_status;
  const bool about_bucket = meaning.code == StatusCode::kBucketNotFound;
  std::string message(meaning.sentence);
  message.append(": ").append(UrlOf(about_bucket ? ObjectId{object.bucket, ""} : object));
  message.append(" (").append(Words(reply, document)).append(")");
  error.status = Status(meaning.code, std::move(message), std::move(detail));
  return error;
}

}  // namespace objectpipes::ais
