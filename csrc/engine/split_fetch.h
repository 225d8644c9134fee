// An object, or a range of it: over one connection while that is enough, otherwise over several.
//
// It begins with one request for everything. If that is slow (a distant store gives each connection
// about 50-100 MB/s, loopback two thousand) while the I/O thread mostly waits, further requests
// claim parts ahead of it, and the first one ends where the first claim begins. So a fast path
// costs nothing extra, and there is nothing to configure. A reply that offers a checksum of its own
// bytes is never split: it can only be compared at its end.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

#include "engine/range_fetch.h"

namespace objectpipes {

class SplitFetch final : public RangeFetch::Handler {
 public:
  class Handler {
   public:
    virtual Flow OnReply(const ReplyHead& head) = 0;
    virtual Space SpaceAt(const void* part, uint64_t offset) = 0;
    // Bytes of any part, in order within the part. `part` identifies it.
    virtual Flow OnBytes(const void* part, uint64_t offset, const char* data, size_t size) = 0;
    // As RangeFetch::Handler::TakeBack.
    virtual bool TakeBack(const void* part, uint64_t offset) = 0;
    // All bytes were delivered, or one part failed for good. The last call; may destroy the fetch.
    virtual void OnFetched(const Status& status) = 0;
    // Whether bytes up to `end` would be taken now. If not, the handler calls Resume() when that
    // may have changed.
    virtual bool HasRoomFor(uint64_t end) = 0;

   protected:
    ~Handler() = default;
  };

  static constexpr int kMaxParts = 16;  // connections for one object

  struct Options {
    int max_parts = kMaxParts;
    bool verify = true;  // compare ranges for which a checksum is offered
  };

  // Fetches bytes [begin, end); kToTheEnd means to its end. Everything pointed at outlives this.
  SplitFetch(Client* client, const ObjectId* object, Pin* pin, uint64_t begin, uint64_t end,
             const Options& options, Handler* handler);

  void Start();
  void Resume();  // room has grown
  void set_deadline_ms(int64_t deadline_ms);
  int attempts() const;

 private:
  Flow OnReply(const ReplyHead& head) override;
  Space SpaceAt(RangeFetch* fetch, uint64_t offset) override {
    return handler_->SpaceAt(fetch, offset);
  }
  Flow OnBytes(RangeFetch* fetch, uint64_t offset, const char* data, size_t size) override;
  bool TakeBack(RangeFetch* fetch, uint64_t offset) override {
    return handler_->TakeBack(fetch, offset);
  }
  void OnFetched(RangeFetch* fetch, const Status& status) override;

  void Measure(uint64_t offset);
  void ClaimParts();
  void Abandon();
  RangeFetch* AddPart(uint64_t begin, uint64_t end);
  uint64_t end() const { return std::min(end_, static_cast<uint64_t>(pin_->size)); }

  Client* const client_;
  const ObjectId* const object_;
  Pin* const pin_;
  const uint64_t end_;
  const size_t max_parts_;
  const bool verify_;
  Handler* const handler_;

  std::vector<std::unique_ptr<RangeFetch>> parts_;  // in flight, including the first request
  RangeFetch* first_ = nullptr;                     // the request for everything; null once done
  bool split_ = false;
  uint64_t claimed_ = kToTheEnd;  // not claimed yet from here on; kToTheEnd: first_ has it all
  EventLoop::Timer split_timer_;

  int64_t measured_from_ms_ = -1;  // begin of the current measurement of first_
  uint64_t measured_from_ = 0;     // its offset then
  int64_t idle_from_us_ = 0;       // how long the I/O thread had waited until then
  int64_t deadline_ms_ = -1;
  int finished_attempts_ = 0;
};

}  // namespace objectpipes
