// An object store in memory whose replies go wrong by script: what the engine's tests read from.
//
// It holds the engine to the rules of transport.h: no exchange is started or destroyed inside a
// handler's OnHead or OnData, space once given is not refused, and none is left behind.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/event_loop.h"
#include "transport/transport.h"

namespace objectpipes {

struct FakeObject {
  explicit FakeObject(std::string bytes) : body(std::move(bytes)) {}

  std::string body;
  std::string version = "v1";  // empty: the store names none
  bool can_pin = true;
  OfferedChecksum checksum;  // offered with replies that hold the whole object
  ChecksumType range_checksum = ChecksumType::kNone;  // of their own bytes, with other replies
  std::vector<uint64_t> parts;  // bytes of each, of a multipart upload; empty: it does not tell
};

// How one attempt goes, as far as it is not a plain good reply.
struct Attempt {
  std::optional<FakeObject> replaced_by;  // before anything else
  Status failure;                         // instead of a reply
  RetryHint hint;                         // with the failure
  bool ignore_range = false;              // a reply with the whole object
  uint64_t most = kToTheEnd;              // bytes the reply has at the most
  std::function<void(ReplyHead*)> edit_head;
  uint64_t cut_at = kToTheEnd;    // bytes of the body after which the connection breaks
  uint64_t stall_at = kToTheEnd;  // or after which nothing comes any more
  uint64_t flip_at = kToTheEnd;   // offset in the object of a damaged byte
  int64_t rest_ms = 0;            // between the first piece of the body and the second
};

Attempt Fails(StatusCode code, RetryHint::Kind kind);
Attempt BreaksAt(uint64_t bytes);
Attempt StallsAt(uint64_t bytes);
Attempt SendsAtMost(uint64_t bytes);
Attempt Flips(uint64_t offset);
Attempt IgnoresRange();
Attempt IsChunked();  // says neither how long the reply nor how long the object is
Attempt Replaces(FakeObject object);
Attempt SeemsSlow();  // so that a connection alone does not do

class FakeTransport final : public Transport {
 public:
  explicit FakeTransport(EventLoop* loop) : loop_(loop) {}
  ~FakeTransport() override;

  // Any thread.
  void Put(const std::string& key, FakeObject object);
  void Put(const std::string& key, std::string body) { Put(key, FakeObject{std::move(body)}); }
  void PutPage(const std::string& token, ListPage page);
  // How the next attempts at this key go ("" for listings); after them all goes well.
  void Script(const std::string& key, std::vector<Attempt> attempts);
  // Bodies come in pieces of this size, with this delay before each; 0: as fast as the loop turns.
  void Pace(size_t piece, int64_t delay_ms);
  void AskForSpace(bool ask) {
    ask_for_space_ = ask;
  }  // before bytes are delivered, as our HTTP client does

  // Whether versions are entity tags, as S3's are. Before anything is read.
  bool has_etags = false;

  // The node that has the keys with this first letter is down; 0: all are up. I/O thread.
  void SetDown(char first_letter) { down_ = first_letter; }

  void LackConnections(bool lacks) { lacks_connections_ = lacks; }

  std::vector<GetRequest> gets() const;
  std::vector<ListRequest> lists() const;
  int live() const { return live_; }      // exchanges that exist
  int moving() const { return moving_; }  // of them, neither paused, stalled nor at their end
  int max_live() const { return max_live_; }
  uint64_t bytes_taken() const { return bytes_taken_; }  // of all bodies, by handlers

  // "fake://bucket/key"
  Result<ObjectId> ParseUrl(std::string_view url) const override;
  std::string_view ETagOf(std::string_view version) const override {
    return has_etags ? version : std::string_view();
  }
  std::unique_ptr<Exchange> StartGet(const GetRequest& request, GetHandler* handler) override;
  std::unique_ptr<Exchange> StartList(const ListRequest& request, ListHandler* handler) override;
  const Status* FindOutage(const ObjectId& object) override;
  bool lacks_connections() const override { return lacks_connections_; }

 private:
  class Call;
  class Get;
  class List;

  Attempt NextAttempt(const std::string& key);  // mutex_ held

  EventLoop* const loop_;
  std::atomic<bool> ask_for_space_{true};
  std::atomic<bool> lacks_connections_{false};
  std::atomic<int> live_{0};
  std::atomic<int> moving_{0};
  std::atomic<int> max_live_{0};
  std::atomic<uint64_t> bytes_taken_{0};
  bool in_handler_ = false;  // I/O thread only
  char down_ = 0;            //
  const Status outage_ = Status(StatusCode::kEndpoint, "the node is down");

  mutable std::mutex mutex_;  // guards what follows
  std::map<std::string, std::shared_ptr<const FakeObject>> objects_;
  std::map<std::string, ListPage> pages_;
  std::map<std::string, std::deque<Attempt>> scripts_;
  std::vector<GetRequest> gets_;
  std::vector<ListRequest> lists_;
  size_t piece_ = size_t{64} << 10;
  int64_t delay_ms_ = 0;
};

}  // namespace objectpipes
