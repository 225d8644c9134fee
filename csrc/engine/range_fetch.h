// One byte range of one version of an object, fetched with as many exchanges as that takes.
//
// This keeps the promise "never a wrong byte". A reply is used only if it continues exactly where
// the last one ended, belongs to the pinned version, and is as long as it, the listing and earlier
// replies say. If it offers a checksum of its own bytes, they are compared with it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "engine/client.h"
#include "engine/retry_loop.h"
#include "engine/verifier.h"
#include "transport/transport.h"

namespace objectpipes {

// What an earlier read of the object, which was given up, learned about it. A reply of the same
// version must agree.
struct SeenVersion {
  std::string version;  // empty: nothing is known
  int64_t size = -1;
};

// What is known about the version being read. All fetches of one object share it, and the first
// reply fills it.
struct Pin {
  bool known = false;
  std::string version;   // empty: the server names none, so bytes of two replies cannot be joined
  bool can_pin = false;  // the server honours if_match
  int64_t size = -1;     // of the object; -1: unknown (a chunked reply, and not listed)
  bool suspect = false;  // bytes that came by the default route were wrong
  SeenVersion seen;
};

class RangeFetch final : private GetHandler {
 public:
  class Handler {
   public:
    // A reply was accepted, and its bytes follow. kStop ends the fetch.
    virtual Flow OnReply(const ReplyHead& head) = 0;
    // Memory for the bytes from `offset` on; see GetHandler::OnSpace.
    virtual Space SpaceAt(RangeFetch* fetch, uint64_t offset) = 0;
    // The next bytes, in order, none twice. kPause: they come again after Resume(). kStop ends the
    // fetch.
    virtual Flow OnBytes(RangeFetch* fetch, uint64_t offset, const char* data, size_t size) = 0;
    // The bytes delivered from `offset` on may be wrong. True: none of them was used; they come
    // again. False: it is too late, and the fetch fails.
    virtual bool TakeBack(RangeFetch* fetch, uint64_t offset) = 0;
    // The last call; may destroy the fetch.
    virtual void OnFetched(RangeFetch* fetch, const Status& status) = 0;

   protected:
    ~Handler() = default;
  };

  // Fetches bytes [begin, end) of the object; kToTheEnd means to its end. `verify`: compare replies
  // that offer a checksum of their own bytes. Everything pointed at outlives this.
  RangeFetch(Client* client, const ObjectId* object, Pin* pin, uint64_t begin, uint64_t end,
             bool verify, Handler* handler);

  void Start();
  void Resume();

  // Leaves the bytes from `end` on to another fetch. Precondition: offset() < end.
  void Truncate(uint64_t end) { end_ = end; }

  void set_deadline_ms(int64_t deadline_ms) { retry_.set_deadline_ms(deadline_ms); }

  uint64_t offset() const { return offset_; }  // the next byte to arrive
  // Whether the current reply is compared with a checksum of its own bytes at its end.
  bool comparing() const { return verifier_.active(); }
  int attempts() const { return retry_.attempts(); }

 private:
  void OnConnected() override;
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
  int64_t SeenSize(const ReplyHead& head) const;
  int64_t KnownSize(const ReplyHead& head) const;
  void AdoptReply(const ReplyHead& head);
  Status Verify(const char* data, size_t size);
  Status Conclude(const Status& status);
  void OnContradicted();
  void OnDamaged();
  void Finish(const Status& status);
  uint64_t progress() const { return offset_ - reply_began_; }  // bytes of this exchange
  bool complete() const { return offset_ >= end_; }

  Client* const client_;
  const CountedNow in_flight_;
  const ObjectId* const object_;
  Pin* const pin_;
  const uint64_t begin_;
  uint64_t end_;
  const bool verify_;
  Handler* const handler_;

  RetryLoop retry_;
  std::unique_ptr<Exchange> exchange_;
  Status refused_;            // why the current reply is not used
  uint64_t offset_;           // of the next byte wanted
  uint64_t skip_ = 0;         // bytes of this reply before offset_, if the server ignored our range
  uint64_t reply_end_ = 0;    // where this reply's body must end; kToTheEnd: unknown
  uint64_t reply_began_ = 0;  // offset_ at the start of this exchange
  uint64_t asked_end_ = 0;    // end_ then
  Verifier verifier_;         // of this reply
  uint64_t verified_ = 0;     // the offset in the object up to which bytes were given to it
  int rereads_ = 0;           // of damaged replies
  int short_replies_ = 0;
  int64_t sent_us_ = 0;
};

}  // namespace objectpipes
