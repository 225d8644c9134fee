// What a listing asks for (ListObjectsV2 or ListObjects, its older form) and what comes back.
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

// In which of them a page is asked for: the first page as told, later ones as the page before said.
// A server may answer V2 in the manner of V1, and then its next_token goes on in that.
ListVersion VersionOf(const ListRequest& request, ListVersion first_page);

// The query of the request for one page.
QueryParameters ListQuery(const ListRequest& request, ListVersion first_page = ListVersion::kV2);

// Whether the first page is to be asked for once more, in the older form: some servers know only
// that.
bool KnowsNoV2(const Status& failure, bool first_page, ListVersion asked);

// Adds what has arrived of a page to the rest. kProtocol if that is longer than any page of S3's.
Status AppendToPage(const char* data, size_t size, std::string* body);

// From the body of a reply to a request in the manner of `asked` that is not an error document.
// Keys are decoded if the server encoded them; keys and common prefixes are in one order. A page's
// next_token is the parameter that asks for the next page, as ListQuery() understands it.
//
// What else is said of an object (size, time, entity tag) is unknown where it is missing or
// unreadable. kProtocol when a key could be lost or changed: when the document is malformed, cut
// short or not in UTF-8, and when there should be a next page but no way to ask for it.
Result<ListPage> ParseListPage(std::string body, ListVersion asked = ListVersion::kV2);

}  // namespace objectpipes
