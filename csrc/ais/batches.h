// Makes get-batches of reads that are asked for one by one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "ais/batch.h"
#include "ais/cluster.h"
#include "transport/http/http_client.h"
#include "transport/transport.h"

namespace objectpipes::ais {

// What is asked for while batches are under way makes the next one, as large as it got meanwhile.
// Objects of one target go together: it finds them all at home. I/O thread only.
class Batches final : public Batch::Owner {
 public:
  // Everything pointed at outlives this. `most`: objects of one batch.
  Batches(HttpSession* session, Cluster* cluster, Executor* executor, size_t most)
      : session_(session), cluster_(cluster), executor_(executor), most_(most) {}

  // Whether objects of this bucket may be read in batches now.
  bool MayAdd(const std::string& bucket, const Target& target);

  // The waiter is called later, unless it has taken itself off the ticket.
  void Add(const std::string& bucket, const Target& target, std::shared_ptr<BatchTicket> ticket);

 private:
  struct Group {
    Batch::Tickets waiting;
    std::vector<std::unique_ptr<Batch>> under_way;
    int64_t paused_until_ms = 0;
  };

  void OnNews() override { WorkSoon(); }
  void WorkSoon();
  void Work();
  void Work(const std::string& bucket, Group* group);
  bool MayStart(const Group& group) const;
  static void SendAway(const Batch::Tickets& tickets);
  void WatchSoon();

  HttpSession* const session_;
  Cluster* const cluster_;
  Executor* const executor_;
  const size_t most_;
  std::map<std::pair<std::string, std::string>, Group> groups_;  // by bucket and target
  bool work_planned_ = false;
  bool watching_ = false;
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // for what was posted
};

}  // namespace objectpipes::ais
