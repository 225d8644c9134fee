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

// A dead target refuses connections. One that was stopped, or whose machine is gone, takes requests
// and stays silent, which a busy one does, too. In both cases it is asked for its health, and what
// it says to that, or that it says nothing, decides. I/O thread only.
class TargetHealth final : private HttpHandler {
 public:
  // Outlived by the session.
  TargetHealth(HttpSession* session, const Target& target, Clock now_ms);

  // A request for the target was sent; it was answered, has failed, or was given up by us.
  void OnSent();
  void OnAnswered();
  void OnFailed();
  void OnCancelled() { --unanswered_; }

  // To be called several times a second while there are requests.
  void Poll(int64_t now_ms);

  bool is_down() const { return down_since_ms_ >= 0; }
  int64_t down_since_ms() const { return down_since_ms_; }
  // What it means to a read that it is down.
  const Status& outage() const { return outage_; }

 private:
  Flow OnHead(const HttpHead& head) override;
  Space OnSpace() override { return {}; }
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
  int64_t patience_ms_ = 500;  // without an answer to the question for longer: it is down
  int http_status_ = 0;
  std::unique_ptr<Exchange> question_;
};

}  // namespace objectpipes::ais
