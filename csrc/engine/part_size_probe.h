// Asks how long the parts of a multipart upload are (S3: HEAD with partNumber).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/client.h"
#include "engine/retry_loop.h"

namespace objectpipes {

class PartSizeProbe final : private GetHandler {
 public:
  // The size of each part in bytes; none if this server does not tell. Fails only with what would
  // fail the read as well: otherwise the checksum would not be compared.
  using Done = std::function<void(const Result<std::vector<uint64_t>>& sizes)>;

  // Asks for the parts 1 to `last`, one after the other.
  struct Parts {
    uint32_t last = 1;
    bool only_even = false;  // stop once one differs from the first (the last part may be shorter)
  };

  // Asks about this version (empty: any). `done` may destroy the probe. The object outlives the
  // probe.
  PartSizeProbe(Client* client, const ObjectId* object, std::string version, Parts parts,
                int64_t deadline_ms, Done done);

  void set_deadline_ms(int64_t deadline_ms) { retry_.set_deadline_ms(deadline_ms); }

 private:
  Flow OnHead(const ReplyHead& head) override;
  Flow OnData(const char*, size_t) override { return Flow::kContinue; }
  void OnDone(const Status& status, const RetryHint& hint) override;

  bool HasAskedEnough() const;
  void StartExchange();
  void Finish(const Result<std::vector<uint64_t>>& sizes);

  Client* const client_;
  const ObjectId* const object_;
  const std::string version_;
  const Parts parts_;
  const Done done_;
  RetryLoop retry_;
  std::vector<uint64_t> sizes_;
  int64_t reported_size_ = -1;  // by the current reply
  EventLoop::Timer start_timer_;
  std::unique_ptr<Exchange> exchange_;
};

}  // namespace objectpipes
