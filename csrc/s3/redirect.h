// Where a redirect of S3 leads, and whether credentials may go there. Pure.
#pragma once

#include <string_view>

#include "base/result.h"
#include "transport/http/http_url.h"

namespace objectpipes {

// Where `location` leads from a request for `from` (RFC 3986, 5.2). AIStore does not encode the
// object's name again in a Location: then the path is that of `from`, and the query begins after
// the name, with "&" if the name has a "?". kProtocol if `location` is not a reference.
Result<HttpUrl> ResolveRedirect(const HttpUrl& from, std::string_view location);

// Whether a host belongs to the user's endpoint: it is the endpoint itself, the bucket's name in
// front of it, or the same endpoint of another region; at AWS, any of AWS's own. `endpoint` may
// contain "{region}". All in lower case, without ports.
bool IsHostOf(std::string_view endpoint, std::string_view bucket, std::string_view host);

// Whether the text can be the name of a region: it becomes part of a host name and of a signature.
bool IsRegion(std::string_view text);

}  // namespace objectpipes
