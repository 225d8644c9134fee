#include "ais/list.h"

#include <utility>

#include "ais/list_scope.h"
#include "ais/requests.h"
#include "ais/url.h"

namespace objectpipes::ais {
namespace {

using Kind = RetryHint::Kind;

constexpr size_t kMaxListBodySize = size_t{64} << 20;

// Our own error code: AIStore has none for this.
constexpr char kListingIncomplete[] = "ListingIncomplete";

}  // namespace

// Without a map at first, nobody could tell at the end that a target is missing.
std::unique_ptr<Exchange> List::Start(HttpSession* session, Cluster* cluster,
                                      const ListRequest& request, ListHandler* handler) {
  std::unique_ptr<List> list(new List(session, cluster, request, handler));
  if (cluster->asked() && list->refused_.ok()) {
    list->SendPageRequest();
  } else {
    cluster->Ask(list.get());
  }
  return list;
}

List::List(HttpSession* session, Cluster* cluster, const ListRequest& request, ListHandler* handler)
    : Call(session, cluster, ObjectId{request.bucket, ""}), list_(request), handler_(handler) {
  Result<std::string> body = ListBody(request);
  refused_ = body.status();
  if (body.ok()) request_.body = std::move(body).value();
  request_.headers = {"accept: application/msgpack", "content-type: application/json"};
  uri_ = BucketUri(request.bucket);
}

void List::OnClusterKnown() {
  if (!refused_.ok()) return handler_->OnPage(Status(refused_), RetryHint{});
  if (stage_ == Stage::kPreparing) return SendPageRequest();
  Deliver();
}

void List::SendPageRequest() {
  stage_ = Stage::kListing;
  version_before_ = cluster().version();
  SendToProxy();
}

Flow List::OnSuccessData(const char* data, size_t size) {
  if (body_.size() + size > kMaxListBodySize) {
    refused_ = Status::Protocol("AIStore sent a list page of more than 64 MiB");
    return Flow::kStop;
  }
  body_.append(data, size);
  return Flow::kContinue;
}

void List::OnEnd(const Status& status, const RetryHint& hint) {
  if (!refused_.ok()) return handler_->OnPage(Status(refused_), RetryHint{});
  if (!status.ok()) return handler_->OnPage(status, hint);
  Result<ListReply> reply = ParseListPage(body_);
  if (!reply.ok()) return handler_->OnPage(reply.status(), ThroughTheProxy(Kind::kRetry));
  reply_ = std::move(reply).value();
  Narrow(list_, &reply_.page);
  stage_ = Stage::kChecking;
  cluster().Ask(this);
}

void List::Deliver() {
  if (!list_.allow_partial) {
    if (const Target* const target = cluster().AnyMissingTarget(); target != nullptr) {
      return Incomplete(StatusCode::kEndpoint,
                        "target " + target->id + " is missing from the cluster", RetryHint{});
    }
    if (reply_.rebalancing) {
      return Incomplete(StatusCode::kServer, "objects are being moved between targets",
                        ThroughTheProxy(Kind::kRetry));
    }
    // A target may have left and come back.
    if (cluster().version() != version_before_) {
      return Incomplete(StatusCode::kServer, "the cluster changed while it was listed",
                        ThroughTheProxy(Kind::kRetryNow));
    }
  }
  reply_.page.targets = cluster().target_count();
  handler_->OnPage(std::move(reply_.page), RetryHint{});
}

void List::Incomplete(StatusCode code, const std::string& why, const RetryHint& hint) {
  handler_->OnPage(
      Status(code, "The listing may be incomplete, because " + why + ": " + UrlOf(object()),
             StatusDetail{kListingIncomplete}),
      hint);
}

}  // namespace objectpipes::ais
