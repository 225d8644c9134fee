// Where a redirect of S3 leads, and whether credentials may go there. Pure.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "transport/http/http_url.h"

namespace objectpipes {

// Where `location` leads from a request of `from` (RFC 3986, 5.2). A server that does not encode
// the name of the object again, as AIStore does not, means the path that it was asked for; its
// query begins behind it, with "&" if the name has a "?". kProtocol if it is no reference.
Result<HttpUrl> ResolveRedirect(const HttpUrl& from, std::string_view location);

// Whether a host belongs to whom the user named: the endpoint itself, the bucket's name in front of
// it, the endpoint of another region, or of any if both are AWS's own. `endpoint` may contain
// "{region}". All in lower case, without ports.
bool IsHostOf(std::string_view endpoint, std::string_view bucket, std::string_view host);

// Whether a reply may name it: it becomes part of a host's name and of a signature.
bool IsRegion(std::string_view text);

}  // namespace objectpipes
