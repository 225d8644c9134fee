// Which part of a bucket to list so that no name is missing.
#pragma once

#include <string>

#include "transport/list_page.h"
#include "transport/transport.h"

namespace objectpipes::ais {

// AIStore silently leaves names out. With the prefix "a/b", a disk that has a directory "a/b" lists
// only what is inside. After an archive to start after, it lists none of the members. So the whole
// directory is listed, from a name before the first that is wanted.
struct ListScope {
  std::string prefix;  // empty, or ends in '/'
  std::string start_after;
};

ListScope ScopeOf(const ListRequest& request);

// Keeps the wanted entries of a page of that scope. If the page goes beyond the last of them, the
// listing is complete.
void Narrow(const ListRequest& request, ListPage* page);

}  // namespace objectpipes::ais
