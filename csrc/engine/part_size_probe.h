// Asks how long the parts of a multipart upload are (S3: HEAD with partNumber=1).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "engine/client.h"

namespace objectpipes {

class PartSizeProbe final : private GetHandler {
 public:
  // `done` gets the size in bytes, 0 if it cannot be learned, and may destroy the probe. One
  // attempt only: the worst outcome is a read that is not compared with a composite checksum.
  PartSizeProbe(Client* client, const ObjectId& object, const std::string& version,
                std::function<void(uint64_t)> done)
      : loop_(client->loop), done_(std::move(done)) {
    GetRequest request;
    request.object = object;
    request.head_only = true;
    request.part_number = 1;
    request.if_match = version;
    // Not now: probes are made inside of handlers, where no exchange may be started.
    timer_ = loop_->After(0, [this, client, request] {
      timer_.reset();
      exchange_ = client->transport->StartGet(request, this);
    });
  }
  ~PartSizeProbe() {
    if (timer_.has_value()) loop_->Cancel(*timer_);
  }
  PartSizeProbe(const PartSizeProbe&) = delete;
  PartSizeProbe& operator=(const PartSizeProbe&) = delete;

 private:
  Flow OnHead(const ReplyHead& head) override {
    if (head.length > 0) part_size_ = static_cast<uint64_t>(head.length);
    return Flow::kContinue;
  }
  Flow OnData(const char*, size_t) override { return Flow::kContinue; }
  void OnDone(const Status& status, const RetryHint&) override {
    const auto done = done_;
    done(status.ok() ? part_size_ : 0);
  }

  EventLoop* const loop_;
  const std::function<void(uint64_t)> done_;
  uint64_t part_size_ = 0;
  std::optional<EventLoop::TimerId> timer_;
  std::unique_ptr<Exchange> exchange_;
};

}  // namespace objectpipes
