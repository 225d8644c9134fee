// Whether a target is up, judged by how it answers.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "ais/cluster_map.h"
#include "base/status.h"
#include "transport/http/http_client.h"
#include "transport/transport.h"

namespace objectpipes::ais {

using Clock = std::function<int64_t()>;  // milliseconds

// A dead target refuses connections. One that was stopped, or whose machine is lost, stays silent,
// as a busy one does. In both cases the target is asked for its health, and the answer, or its
// absence, decides. I/O thread only.
class TargetHealth final : private HttpHandler {
 public:
  // The session outlives this.
  TargetHealth(HttpSession* session, const Target& target, Clock now_ms);

  // A request was sent to the target; it was answered, has failed, or was cancelled.
  void OnSent();
  void OnAnswered();
  void OnFailed();
  void OnCancelled() { --unanswered_; }

  // Call it several times a second while there are requests.
  void Poll(int64_t now_ms);

  bool is_down() const { return down_since_ms_ >= 0; }
  int64_t down_since_ms() const { return down_since_ms_; }
  // The status of a read while the target is down.
  const Status& outage() const { return outage_; }

 private:
  Flow OnHead(const HttpHead& head) override;
  Flow OnData(const char*, size_t) override { return Flow::kContinue; }
  void OnDone(const Status& status) override;

  void AskHealth(int64_t now_ms);

  HttpSession* const session_;
  const Clock now_ms_;
  const std::string url_;
  const Status outage_;
  int unanswered_ = 0;
  int64_t silent_since_ms_ = 0;  // while requests are unanswered
  bool doubtful_ = false;        // a request has failed
  int64_t down_since_ms_ = -1;   // -1: it is up, as far as we know

  int64_t asked_ms_ = 0;
  int64_t patience_ms_ = 500;  // it is down if it does not tell its health within this time
  int http_status_ = 0;
  std::unique_ptr<Exchange> question_;
};

}  // namespace objectpipes::ais
