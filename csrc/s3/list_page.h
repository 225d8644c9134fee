// The requests of a listing (ListObjectsV2, or the older ListObjects) and their replies.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/result.h"
#include "base/uri.h"
#include "transport/list_page.h"
#include "transport/transport.h"

namespace objectpipes {

// ListObjects and ListObjectsV2.
enum class ListVersion : uint8_t { kV1, kV2 };

// The version of the request for a page: `first_page` for the first, and for later ones the version
// of the page before. A server may answer a V2 request with a V1 page; next_token then continues in
// V1.
ListVersion VersionOf(const ListRequest& request, ListVersion first_page);

// The query of the request for one page.
QueryParameters ListQuery(const ListRequest& request, ListVersion first_page = ListVersion::kV2);

// Whether to ask for the first page again in V1: some servers know only that.
bool KnowsNoV2(const Status& failure, bool first_page, ListVersion asked);

// Appends a piece of a page to what has arrived. kProtocol if that is longer than any page of S3.
Status AppendToPage(const char* data, size_t size, std::string* body);

// Parses the reply to a request of version `asked`, which must not be an error document. Keys are
// decoded if the server encoded them, and sorted together with common prefixes. next_token is the
// parameter that asks for the next page, for ListQuery().
//
// An object's size, time or entity tag is unknown if it is missing or unreadable. kProtocol if a
// key could be lost or changed: if the document is malformed, cut off or not in UTF-8, or if there
// should be a next page but no way to ask for it.
Result<ListPage> ParseListPage(std::string body, ListVersion asked = ListVersion::kV2);

}  // namespace objectpipes
