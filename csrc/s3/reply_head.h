// What the header of a successful reply to a read says about the bytes that follow.
#pragma once

#include <functional>
#include <string_view>

#include "base/result.h"
#include "transport/transport.h"

namespace objectpipes {

// The value of a header field, empty where the reply has none. Names are asked for in lower case.
using HeaderLookup = std::function<std::string_view(std::string_view name)>;

// S3 gives every object an ETag and a time. What has neither is no object, whatever its status: an
// error that came too late for a status of its own, or the page of somebody in between.
bool IsObject(const HeaderLookup& header);

// `http_status` is 200 or 206. kProtocol when fields are malformed or contradict each other.
Result<ReplyHead> ParseReplyHead(int http_status, const HeaderLookup& header);

}  // namespace objectpipes
