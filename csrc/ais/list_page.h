// One page of a listing, as AIStore sends it in MessagePack.
//
// AIStore also sends JSON. With size, checksum and version of 10,000 names, a page in MessagePack
// is 40 % smaller, arrives 15 to 40 % sooner (3 targets, load and client on one machine) and is
// parsed in a quarter of the time.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "transport/list_page.h"

namespace objectpipes::ais {

// Where a listing continues: AIStore's own token, which is the last name of the page before, and
// the job that holds the state of the listing. The name is enough, but without the job AIStore
// walks the bucket again for each page. If the job has ended, AIStore begins another.
struct ListToken {
  std::string_view job;
  std::string_view name;  // empty: the listing is complete
};

// ListPage::next_token joins both; it is empty if the name is.
std::string JoinListToken(const ListToken& token);
ListToken SplitListToken(std::string_view token);

struct ListReply {
  ListPage page;
  bool rebalancing = false;  // objects are being moved between targets: the page may lack some
};

// kProtocol if it is malformed or incomplete.
Result<ListReply> ParseListPage(std::string_view message_pack);

}  // namespace objectpipes::ais
