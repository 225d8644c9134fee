#include "ais/archive_list.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "ais/list.h"

namespace objectpipes::ais {
namespace {

// Our own error code: AIStore has none for this.
constexpr char kUnreadableArchive[] = "UnreadableArchive";

// Between the tokens of both listings. A token is a name, and no name has this byte.
constexpr char kSeparator = '\0';

uint64_t CountObjects(const ListPage& page) {
  return static_cast<uint64_t>(
      std::count_if(page.entries.begin(), page.entries.end(),
                    [](const ListEntry& entry) { return !entry.in_archive; }));
}

}  // namespace

ArchiveList::ArchiveList(HttpSession* session, Cluster* cluster, const ListRequest& request,
                         ListHandler* handler)
    : handler_(handler), tally_(request.tally) {
  Start(session, cluster, request);
}

ArchiveList::~ArchiveList() = default;

void ArchiveList::Start(HttpSession* session, Cluster* cluster, ListRequest request) {
  const std::string token = std::move(request.token);
  const size_t separator = std::min(token.find(kSeparator), token.size());
  const auto start = [&](Side* side, std::string own_token) {
    if (own_token.empty() && !token.empty()) return;
    request.token = std::move(own_token);
    side->exchange = List::Start(session, cluster, request, side);
  };
  start(&members_, token.substr(0, separator));
  request.archive_members = false;
  start(&objects_, token.empty() ? "" : token.substr(separator + 1));
}

void ArchiveList::Side::OnPage(Result<ListPage> result, const RetryHint& hint) {
  list->OnSide(this, std::move(result), hint);
}

void ArchiveList::OnSide(Side* side, Result<ListPage> result, const RetryHint& hint) {
  Side* const other = side == &members_ ? &objects_ : &members_;
  if (!result.ok()) {
    other->exchange.reset();
    return handler_->OnPage(std::move(result), hint);
  }
  side->page = std::move(result).value();
  if (other->exchange == nullptr || other->page.has_value()) Deliver();
}

void ArchiveList::Deliver() {
  const ListPage objects = std::move(objects_.page).value_or(ListPage());
  ListPage page = std::move(members_.page).value_or(ListPage());
  page.tally.listed = tally_.listed + CountObjects(page);
  page.tally.stored = tally_.stored + CountObjects(objects);
  const bool complete = page.next_token.empty() && objects.next_token.empty();
  if (!complete) {
    page.next_token.append(1, kSeparator).append(objects.next_token);
  } else if (page.tally.listed != page.tally.stored) {
    return handler_->OnPage(Status(StatusCode::kServer,
                                   "The listing has " + std::to_string(page.tally.listed) + " of " +
                                       std::to_string(page.tally.stored) +
                                       " objects, because AIStore cannot read some of the archives",
                                   StatusDetail{kUnreadableArchive}),
                            RetryHint{});
  }
  handler_->OnPage(std::move(page), RetryHint{});
}

}  // namespace objectpipes::ais
