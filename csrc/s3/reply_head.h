// What the head of a successful reply to a read says about the bytes that follow.
#pragma once

#include <functional>
#include <string_view>

#include "base/result.h"
#include "transport/transport.h"

namespace objectpipes {

// The value of a header field, empty if the reply has none. Names are in lower case.
using HeaderLookup = std::function<std::string_view(std::string_view name)>;

// S3 gives every object an ETag and a time. A reply with neither is not an object, whatever its
// status: it is an error that came too late for an error status, or the page of a proxy.
bool IsObject(const HeaderLookup& header);

// `http_status` is 200 or 206. kProtocol if fields are malformed or contradict each other.
Result<ReplyHead> ParseReplyHead(int http_status, const HeaderLookup& header);

}  // namespace objectpipes
