#include "s3/s3_list.h"

#include <algorithm>
#include <utility>

#include "base/uri.h"

namespace objectpipes {
namespace {

// A directory bucket lists whole directories only, and in no order. So the request names the
// directory and no key to start after.
ListRequest WithinDirectory(ListRequest request) {
  request.prefix.resize(request.prefix.rfind('/') + 1);  // npos + 1 is 0
  request.start_after.clear();
  return request;
}

void DropOthers(const std::string& prefix, ListPage* page) {
  const auto is_other = [&](const ListEntry& entry) {
    return page->view(entry.key).substr(0, prefix.size()) != prefix;
  };
  page->entries.erase(std::remove_if(page->entries.begin(), page->entries.end(), is_other),
                      page->entries.end());
}

}  // namespace

S3List::S3List(S3Context* context, const ListRequest& request, ListHandler* handler)
    : S3Call(context, request.bucket, ""),
      prefix_(request.prefix),
      version_(
          VersionOf(request, bucket()->list_version.value_or(context->options().list_version))),
      first_(request.token.empty()),
      handler_(handler) {
  const ListRequest asked = bucket()->session.has_value() ? WithinDirectory(request) : request;
  Begin(HttpRequest::Method::kGet, CanonicalQuery(ListQuery(asked, version_)));
}

Flow S3List::OnSuccessData(const char* data, size_t size) {
  refused_ = AppendToPage(data, size, &body_);
  return refused_.ok() ? Flow::kContinue : Flow::kStop;
}

void S3List::OnEnd(const Status& status, const RetryHint& hint) {
  if (!refused_.ok()) return handler_->OnPage(Status(refused_), RetryHint{});
  if (KnowsNoV2(status, first_, version_)) {
    bucket()->list_version = ListVersion::kV1;
    return handler_->OnPage(status, RetryHint{RetryHint::Kind::kRetryNow});
  }
  if (!status.ok()) return handler_->OnPage(status, hint);
  const RetryHint retry{RetryHint::Kind::kRetry};
  if (IsErrorDocument(body_)) {
    const S3Error error = ErrorOf(body_);
    return handler_->OnPage(error.status, error.hint);
  }
  Result<ListPage> page = ParseListPage(std::move(body_), version_);
  if (page.ok() && bucket()->session.has_value()) DropOthers(prefix_, &page.value());
  handler_->OnPage(std::move(page), retry);
}

}  // namespace objectpipes
