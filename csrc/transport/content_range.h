// The Content-Range of a 206, which all stores send in the same way.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/status.h"
#include "transport/transport.h"

namespace objectpipes {

// The value of a Range header: "bytes=0-99", or "bytes=100-" for kToTheEnd.
std::string RangeText(uint64_t begin, uint64_t end);

// Sets partial, begin, length and object_size from "bytes 0-99/1234" (RFC 9110, 14.4); the size may
// be "*". kProtocol if the text is malformed, or contradicts a length that is already set.
Status ApplyContentRange(std::string_view text, ReplyHead* head);

// kProtocol if a reply that has the whole object has a Content-Range of anything else. RFC 9110
// gives the field no meaning there, so other readers may take the body for a part.
Status CheckContentRangeOfWhole(std::string_view text, const ReplyHead& head);

// ReplyHead::delimited of a reply with these header fields; "" for a field that it does not have.
bool IsDelimited(std::string_view content_length, std::string_view transfer_encoding,
                 std::string_view content_encoding);

// A decimal number of bytes; -1 if the text is anything else.
int64_t ParseLength(std::string_view text);

}  // namespace objectpipes
