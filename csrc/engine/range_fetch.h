// One byte range of one version of an object, fetched with as many exchanges as that takes.
//
// This is where the promise "never a wrong byte" is kept: every reply must continue exactly where
// the last one ended, belong to the pinned version, and be as long as it, the listing and earlier
// replies say, or it is not used. One that offers a checksum of its own bytes is compared with it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "engine/client.h"
#include "engine/retry_loop.h"
#include "engine/verifier.h"
#include "transport/transport.h"

namespace objectpipes {

// What is known of the version being read; shared by all fetches of one object. The first reply
// fills it.
struct Pin {
  bool known = false;
  std::string version;   // empty: the server gives none, so nothing can be joined from two replies
  bool can_pin = false;  // the server honours if_match
  int64_t size = -1;     // of the object; -1: unknown (chunked, and not listed)
  bool suspect = false;  // what came by the default route was not right
};

class RangeFetch final : private GetHandler {
 public:
  class Sink {
   public:
    // A reply that fits is about to deliver. kStop abandons the fetch.
    virtual Flow OnReply(const ReplyHead& head) = 0;
    // Where the bytes from `offset` on may be received; see GetHandler::OnSpace.
    virtual Space SpaceAt(RangeFetch* fetch, uint64_t offset) = 0;
    // The next bytes, in order, none twice. kPause: offered again after Resume(). kStop abandons
    // the fetch.
    virtual Flow OnBytes(RangeFetch* fetch, uint64_t offset, const char* data, size_t size) = 0;
    // Bytes from `offset` on, up to the last delivered, may be wrong. True: none of them has been
    // used, and they will come again. False: that is too late, and the fetch fails.
    virtual bool TakeBack(RangeFetch* fetch, uint64_t offset) = 0;
    // The last call; may destroy the fetch.
    virtual void OnFetched(RangeFetch* fetch, const Status& status) = 0;

   protected:
    ~Sink() = default;
  };

  // Bytes [begin, end) of the object; end = kToTheEnd for "to its end". `verify`: compare replies
  // that offer a checksum of their own. Everything pointed at outlives this.
  RangeFetch(Client* client, const ObjectId* object, Pin* pin, uint64_t begin, uint64_t end,
             bool verify, Sink* sink);

  void Start();
  void Resume();

  // Gives the bytes from `end` on to somebody else. Precondition: offset() < end.
  void Truncate(uint64_t end) { end_ = end; }

  void set_deadline_ms(int64_t deadline_ms) { retry_.set_deadline_ms(deadline_ms); }

  uint64_t offset() const { return offset_; }  // the next byte to arrive
  uint64_t end() const { return end_; }
  // Whether the reply under way is compared with a checksum of its own, if it is read to its end.
  bool comparing() const { return verifier_.active(); }
  int attempts() const { return retry_.attempts(); }

 private:
  Flow OnHead(const ReplyHead& head) override;
  Space OnSpace() override;
  Flow OnData(const char* data, size_t size) override;
  void OnDone(const Status& status, const RetryHint& hint) override;

  void StartExchange();
  Status CannotJoin() const;
  Status CheckReply(const ReplyHead& head) const;
  Status CheckRange(const ReplyHead& head) const;
  Status CheckVersion(const ReplyHead& head) const;
  Status CheckEnd(const ReplyHead& head) const;
  int64_t KnownSize(const ReplyHead& head) const;
  void AdoptReply(const ReplyHead& head);
  Status Verify(const char* data, size_t size);
  Status Conclude(const Status& status);
  void OnContradicted();
  void OnDamaged();
  void Finish(const Status& status);
  bool complete() const { return offset_ >= end_; }

  Client* const client_;
  const CountedNow in_flight_;
  const ObjectId* const object_;
  Pin* const pin_;
  const uint64_t begin_;
  uint64_t end_;
  const bool verify_;
  Sink* const sink_;

  RetryLoop retry_;
  std::unique_ptr<Exchange> exchange_;
  Status refused_;     // why the current reply is not used
  uint64_t offset_;    // of the next byte wanted
  uint64_t skip_ = 0;  // bytes of this reply in front of offset_ (the server ignored our range)
  uint64_t reply_end_ = 0;    // where this reply's body must end; kToTheEnd: unknown
  uint64_t reply_began_ = 0;  // offset_ at the start of this exchange
  uint64_t asked_end_ = 0;    // end_ then
  Verifier verifier_;         // of this reply
  uint64_t verified_ = 0;     // where in the object the bytes given to it end
  int rereads_ = 0;           // of damaged replies
  int short_replies_ = 0;
  int64_t started_us_ = 0;
};

}  // namespace objectpipes
