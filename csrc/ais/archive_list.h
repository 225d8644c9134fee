// One page of a listing with the members of archives, held against a listing without them.
//
// A target that meets an archive it cannot read silently leaves out everything behind it. So two
// listings run side by side, and at the end both must have named the same number of objects.
#pragma once

#include <memory>
#include <optional>

#include "ais/cluster.h"
#include "transport/http/http_client.h"
#include "transport/transport.h"

namespace objectpipes::ais {

class ArchiveList final : public Exchange {
 public:
  // Session, cluster and handler outlive the exchange.
  ArchiveList(HttpSession* session, Cluster* cluster, const ListRequest& request,
              ListHandler* handler);
  ~ArchiveList() override;

  void Resume() override {}  // neither listing pauses

 private:
  // One of the two listings.
  struct Side final : public ListHandler {
    explicit Side(ArchiveList* in_list) : list(in_list) {}
    void OnPage(Result<ListPage> result, const RetryHint& hint) override;

    ArchiveList* const list;
    std::unique_ptr<Exchange> exchange;  // null: this listing had come to its end before
    std::optional<ListPage> page;
  };

  void Start(HttpSession* session, Cluster* cluster, ListRequest request);
  void OnSide(Side* side, Result<ListPage> result, const RetryHint& hint);
  void Deliver();

  ListHandler* const handler_;
  const ObjectTally tally_;  // of the pages before
  Side members_{this};
  Side objects_{this};
};

}  // namespace objectpipes::ais
