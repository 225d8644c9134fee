#include "s3/open_session.h"

#include <utility>

#include "base/utc_time.h"

namespace objectpipes {
namespace {

constexpr int64_t kBetweenRenewalsSeconds = 5;

}  // namespace

std::unique_ptr<Exchange> OpenSession::Start(S3Context* context, const std::string& bucket_name) {
  return std::unique_ptr<Exchange>(new OpenSession(context, bucket_name));
}

OpenSession::OpenSession(S3Context* context, const std::string& bucket_name)
    : S3Call(context, bucket_name, "") {
  AddHeader("x-amz-create-session-mode", "ReadOnly");
  Begin(HttpRequest::Method::kGet, kCreateSessionQuery, /*with_session=*/false);
}

Flow OpenSession::OnSuccess(const HttpHead& head) {
  server_time_ = ParseTime(head.Get("date"));
  return Flow::kContinue;
}

Flow OpenSession::OnSuccessData(const char* data, size_t size) {
  if (body_.size() + size > kMaxErrorBodyBytes) return Flow::kStop;
  body_.append(data, size);
  return Flow::kContinue;
}

void OpenSession::OnEnd(const Status& status, const RetryHint& hint) {
  S3Session* const session = &*bucket()->session;
  const std::unique_ptr<Exchange> self = std::move(session->opening);  // until this returns
  Status outcome = status;
  RetryHint what_next = hint;
  if (status.ok()) {
    Result<ExpressSession> opened = ParseExpressSession(body_);
    if (opened.ok()) {
      Adopt(std::move(opened).value());
    } else {
      outcome = opened.status();
      what_next.kind = RetryHint::Kind::kRetry;
    }
  }
  if (!outcome.ok()) session->retry_at = context()->Now() + kBetweenRenewalsSeconds;
  // One by one, because a call may end others. Handlers that come in between ask again.
  while (!session->waiting.empty() && session->opening == nullptr) {
    SessionHandler* const handler = session->waiting.front();
    session->waiting.erase(session->waiting.begin());
    handler->OnSession(outcome, what_next);
  }
}

// The server says by its own clock when the keys end. From now on they are valid for as long as
// they were from the server's time on.
void OpenSession::Adopt(ExpressSession opened) {
  S3Session* const session = &*bucket()->session;
  const int64_t now = context()->Now();
  const auto since = server_time_.has_value() ? static_cast<int64_t>(*server_time_) : now;
  session->expires = now + opened.expires - since;
  session->token = std::exchange(opened.credentials.session_token, "");
  session->signer.emplace(std::move(opened.credentials), bucket()->address->region,
                          bucket()->address->service);
}

}  // namespace objectpipes
