#include "s3/s3_get.h"

#include <string>

#include "base/uri.h"
#include "s3/reply_head.h"
#include "transport/content_range.h"

namespace objectpipes {
namespace {

HeaderLookup LookupIn(const HttpHead& http) {
  return [&http](std::string_view name) { return http.Get(name); };
}

}  // namespace

S3Get::S3Get(S3Context* context, const GetRequest& request, GetHandler* handler)
    : S3Call(context, request.object.bucket, request.object.key), handler_(handler) {
  if (context->options().checksums) AddHeader("x-amz-checksum-mode", "ENABLED");
  if (request.ranged()) {
    AddHeader("range", RangeText(request.begin, request.end));
  }
  if (!request.if_match.empty()) AddHeader("if-match", request.if_match);
  QueryParameters query;
  if (request.part_number != 0) {
    query.emplace_back("partNumber", std::to_string(request.part_number));
  }
  if (!request.object.listed.version.empty()) {
    query.emplace_back("versionId", request.object.listed.version);
  }
  Begin(request.head_only ? HttpRequest::Method::kHead : HttpRequest::Method::kGet,
        CanonicalQuery(query));
}

bool S3Get::IsAnswer(const HttpHead& http) const { return IsObject(LookupIn(http)); }

Flow S3Get::OnSuccess(const HttpHead& http) {
  malformed_ =
      http.CheckUnique({"x-amz-checksum-crc64nvme", "x-amz-checksum-crc32c", "x-amz-checksum-crc32",
                        "x-amz-checksum-sha256", "x-amz-checksum-sha1"});
  if (!malformed_.ok()) return Flow::kStop;
  const Result<ReplyHead> head = ParseReplyHead(http.status(), LookupIn(http));
  if (head.ok()) return handler_->OnHead(head.value());
  malformed_ = head.status();
  return Flow::kStop;
}

Flow S3Get::OnSuccessData(const char* data, size_t size) { return handler_->OnData(data, size); }

void S3Get::OnEnd(const Status& status, const RetryHint& hint) {
  if (malformed_.ok()) return handler_->OnDone(status, hint);
  const Status malformed = malformed_;  // the handler may destroy this
  handler_->OnDone(malformed, RetryHint{RetryHint::Kind::kRetry});
}

}  // namespace objectpipes
