#include "ais/target_health.h"

#include <algorithm>
#include <string_view>
#include <utility>

namespace objectpipes::ais {
namespace {

constexpr std::string_view kHealthUri = "/v1/health?readiness=true";
constexpr int64_t kSilenceMs = 1000;  // ask when reads have had no answer for this long
constexpr int64_t kMaxPatienceMs = 5000;
constexpr int64_t kBetweenAsksMs = 500;

}  // namespace

TargetHealth::TargetHealth(HttpSession* session, const Target& target, Clock now_ms)
    : session_(session),
      now_ms_(std::move(now_ms)),
      url_(target.url),
      outage_(StatusCode::kEndpoint, "Target " + target.id + " (" + target.url + ") is down") {}

void TargetHealth::OnSent() {
  if (unanswered_++ == 0) silent_since_ms_ = now_ms_();
}

void TargetHealth::OnAnswered() {
  --unanswered_;
  silent_since_ms_ = now_ms_();
}

void TargetHealth::OnFailed() {
  --unanswered_;
  doubtful_ = true;
}

void TargetHealth::Poll(int64_t now_ms) {
  if (question_ != nullptr) {
    if (!is_down() && now_ms >= asked_ms_ + patience_ms_) down_since_ms_ = now_ms;
    return;
  }
  const bool silent = unanswered_ > 0 && now_ms >= silent_since_ms_ + kSilenceMs;
  if (!silent && !doubtful_ && !is_down()) return;
  if (now_ms >= asked_ms_ + kBetweenAsksMs) AskHealth(now_ms);
}

void TargetHealth::AskHealth(int64_t now_ms) {
  doubtful_ = false;
  asked_ms_ = now_ms;
  http_status_ = 0;
  HttpRequest request;
  request.url = url_ + std::string(kHealthUri);
  // Over an idle connection that something on the way has dropped, a healthy target is silent.
  session_->CloseIdle(std::string(request.origin()));
  question_ = session_->Start(request, this);
}

Flow TargetHealth::OnHead(const HttpHead& head) {
  http_status_ = head.status();
  return Flow::kContinue;
}

void TargetHealth::OnDone(const Status&) {
  question_.reset();
  // A target that refuses to tell its health is up, too.
  const bool up = http_status_ != 0 && http_status_ < 500;
  if (up) {
    const int64_t now_ms = now_ms_();
    // Otherwise a slow target would be declared down again and again, and none of its objects read.
    patience_ms_ = std::max(patience_ms_, std::min(2 * (now_ms - asked_ms_), kMaxPatienceMs));
    down_since_ms_ = -1;
    silent_since_ms_ = now_ms;
  } else if (!is_down()) {
    down_since_ms_ = now_ms_();
  }
}

}  // namespace objectpipes::ais
