// Which part of a bucket to list so that nothing is left out.
#pragma once

#include <string>

#include "transport/list_page.h"
#include "transport/transport.h"

namespace objectpipes::ais {

// AIStore leaves names out without a word: with the prefix "a/b" where a directory "a/b" exists, it
// lists on that disk nothing but what is inside; and behind an archive that it starts after, none
// of the members. So the whole directory is listed from a name before the first that is wanted.
struct ListScope {
  std::string prefix;  // empty, or ends in '/'
  std::string start_after;
};

ListScope ScopeOf(const ListRequest& request);

// Of a page of that, leaves what is wanted. Behind the last of it, the listing is complete.
void Narrow(const ListRequest& request, ListPage* page);

}  // namespace objectpipes::ais
