// An object, or a range of it, over one connection as long as one is enough, over several when it
// is not.
//
// It begins with a single request for everything. When that turns out slow for a single connection
// (a distant store gives each about 50-100 MB/s, loopback two thousand) while the I/O thread mostly
// waits, parts ahead of it are claimed by further requests, and the first one ends where the first
// claim begins. So a fast path pays nothing, and the choice needs no setting. A reply that offers a
// checksum of its own bytes is left whole: it can only be compared at its end.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "engine/range_fetch.h"

namespace objectpipes {

class SplitFetch final : public RangeFetch::Sink {
 public:
  class Sink {
   public:
    virtual Flow OnReply(const ReplyHead& head) = 0;
    virtual Space SpaceAt(const void* part, uint64_t offset) = 0;
    // Bytes of any part; in order within [part's begin, part's end). `part` tells the parts apart.
    virtual Flow OnBytes(const void* part, uint64_t offset, const char* data, size_t size) = 0;
    // As RangeFetch::Sink::TakeBack.
    virtual bool TakeBack(const void* part, uint64_t offset) = 0;
    // All bytes have been delivered, or one part failed for good. The last call; may destroy the
    // fetch.
    virtual void OnFetched(const Status& status) = 0;
    // Whether bytes up to `end` would be taken now. If not, Resume() is called once that may have
    // changed.
    virtual bool HasRoomFor(uint64_t end) = 0;

   protected:
    ~Sink() = default;
  };

  struct Options {
    int most_parts = 16;  // connections to use at the most
    bool verify = true;   // compare ranges whose checksum is offered
  };

  // Bytes [begin, end); end = kToTheEnd for "to its end". Everything pointed at outlives this.
  SplitFetch(Client* client, const ObjectId* object, Pin* pin, uint64_t begin, uint64_t end,
             const Options& options, Sink* sink);

  ~SplitFetch();

  void Start();
  void Resume();  // room has grown
  void set_deadline_ms(int64_t deadline_ms);
  int attempts() const;

 private:
  Flow OnReply(const ReplyHead& head) override;
  Space SpaceAt(RangeFetch* fetch, uint64_t offset) override {
    return sink_->SpaceAt(fetch, offset);
  }
  Flow OnBytes(RangeFetch* fetch, uint64_t offset, const char* data, size_t size) override;
  bool TakeBack(RangeFetch* fetch, uint64_t offset) override {
    return sink_->TakeBack(fetch, offset);
  }
  void OnFetched(RangeFetch* fetch, const Status& status) override;

  void Measure(uint64_t offset);
  void Split();
  void ClaimParts();
  void Abandon();
  RangeFetch* AddPart(uint64_t begin, uint64_t end);
  uint64_t end() const { return std::min(end_, static_cast<uint64_t>(pin_->size)); }

  Client* const client_;
  const ObjectId* const object_;
  Pin* const pin_;
  const uint64_t end_;
  const size_t most_parts_;
  const bool verify_;
  Sink* const sink_;

  std::vector<std::unique_ptr<RangeFetch>> parts_;  // under way; the first request among them
  RangeFetch* first_ = nullptr;  // the request that began with everything; null once done
  bool split_ = false;
  uint64_t claimed_ = kToTheEnd;  // [claimed_, end()) is nobody's yet; kToTheEnd: first_ has it all
  std::optional<EventLoop::TimerId> split_timer_;

  int64_t measured_from_ms_ = -1;  // begin of the current measurement of first_
  uint64_t measured_from_ = 0;     // its offset then
  int64_t idle_from_us_ = 0;       // how long the I/O thread had waited until then
  int64_t deadline_ms_ = -1;
  int finished_attempts_ = 0;
};

}  // namespace objectpipes
