// One get-batch: many objects as one TAR, put together by one of the targets.
//
// Its reply proves little. A stream that was cut ends as a whole one does, a member's name is not
// that of what was asked for, and there are no checksums. So what counts is the order of members
// and how many there are, and who waits for one compares it with what was listed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ais/cluster.h"
#include "ais/requests.h"
#include "ais/tar_stream.h"
#include "transport/http/http_client.h"

namespace objectpipes::ais {

// One object of a batch, shared by who waits for it and the batch.
struct BatchTicket {
  class Waiter {
   public:
    // The object, which may be another one than was listed.
    virtual void OnBatched(const std::string& body) = 0;
    // It does not come this way.
    virtual void OnNotBatched() = 0;

   protected:
    ~Waiter() = default;
  };

  std::string key;
  std::string archpath;      // the member of the object that is wanted; empty: the object itself
  int64_t size = 0;          // bytes, as listed
  Waiter* waiter = nullptr;  // null: nobody waits any more
};

// I/O thread only.
class Batch final : private HttpHandler, private TarHandler {
 public:
  using Tickets = std::vector<std::shared_ptr<BatchTicket>>;

  class Owner {
   public:
    // There are members to hand over, or the batch has ended.
    virtual void OnNews() = 0;

   protected:
    ~Owner() = default;
  };

  static constexpr uint64_t kLargestMember = uint64_t{1} << 20;

  // Everything pointed at outlives this.
  Batch(HttpSession* session, Cluster* cluster, const std::string& bucket, Tickets tickets,
        Owner* owner);

  void Start();
  // Ends a batch in which nothing has happened for too long.
  void Look(int64_t now_ms);
  // Calls the waiters of all that has come, or that will not come any more. Not inside of a
  // handler.
  void HandOver();

  // Whether no waiter is left. What AIStore does after the last member takes 100 ms more, for which
  // nobody need wait.
  bool handed_over() const { return next_ == tickets_.size(); }
  bool ended() const { return http_ == nullptr; }
  // Whether members are missing for no known reason.
  bool failed() const { return failed_; }

 private:
  Flow OnHead(const HttpHead& head) override;
  Space OnSpace() override { return {}; }
  Flow OnData(const char* data, size_t size) override;
  void OnDone(const Status& status) override;
  Status OnMember(const TarMember& member) override;
  Status OnMemberData(std::string_view data) override;
  Status OnMemberEnd() override;

  std::vector<BatchEntry> Entries() const;
  void Send(std::string url);
  void Fail();

  struct Arrived {
    bool usable = false;
    std::string body;
  };

  HttpSession* const session_;
  Cluster* const cluster_;
  const Tickets tickets_;
  Owner* const owner_;
  HttpRequest request_;
  std::string uri_;

  TarStream tar_;
  std::vector<Arrived> arrived_;  // in the order of the tickets
  bool in_member_ = false;        // the last of them is not whole yet
  size_t next_ = 0;               // ticket to be handed over
  size_t missing_ = 0;            // objects that do not exist, says AIStore
  int http_status_ = 0;
  std::string location_;
  bool redirected_ = false;
  bool failed_ = false;
  int64_t progress_ms_ = 0;

  std::unique_ptr<Exchange> http_;  // last: cancelled first
};

}  // namespace objectpipes::ais
