#include "ais/bucket_facts.h"

#include <algorithm>

#include "ais/requests.h"

namespace objectpipes::ais {

void BucketFacts::Ask(HttpSession* session, Cluster* cluster, const std::string& bucket,
                      Handler* handler) {
  handlers_.push_back(handler);
  if (question_ != nullptr) return;
  session_ = session;
  cluster_ = cluster;
  uri_ = BucketUri(bucket);
  Send();
}

void BucketFacts::Send() {
  gateway_ = cluster_->gateway();
  HttpRequest request;
  request.method = HttpRequest::Method::kHead;
  request.url = gateway_ + uri_;
  cluster_->AddToken(&request);
  http_status_ = 0;
  question_ = session_->Start(request, this);
}

void BucketFacts::Forget(Handler* handler) {
  handlers_.erase(std::remove(handlers_.begin(), handlers_.end(), handler), handlers_.end());
}

Flow BucketFacts::OnHead(const HttpHead& head) {
  http_status_ = head.status();
  const Result<BucketProps> props = ParseBucketProps(head.Get(kBucketPropsHeader));
  if (props.ok()) props_ = props.value();
  return Flow::kContinue;
}

void BucketFacts::OnDone(const Status&) {
  question_.reset();
  if (http_status_ == 0 && cluster_->GatewayFailed(gateway_)) return Send();
  // After any other status, the next answer may differ.
  known_ = http_status_ == 200 || http_status_ == 403 || http_status_ == 404;
  while (!handlers_.empty()) {  // one by one, because a handler may end others
    Handler* const handler = handlers_.front();
    handlers_.erase(handlers_.begin());
    handler->OnBucketKnown();
  }
}

}  // namespace objectpipes::ais
