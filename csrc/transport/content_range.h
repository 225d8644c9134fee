// The Content-Range of a 206, which every store sends alike.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/status.h"
#include "transport/transport.h"

namespace objectpipes {

// "bytes=0-99" of a Range field; without its end for kToTheEnd.
std::string RangeText(uint64_t begin, uint64_t end);

// Sets partial, begin, length and object_size as "bytes 0-99/1234" says (RFC 9110, 14.4); the size
// may be
// "*". kProtocol if it is malformed, or contradicts a length that is set already.
Status ApplyContentRange(std::string_view text, ReplyHead* head);

// ReplyHead::delimited of a reply with these fields; "" for one it does not have.
bool IsDelimited(std::string_view content_length, std::string_view transfer_encoding,
                 std::string_view content_encoding);

// A decimal number of bytes and nothing else; -1 if it is none.
int64_t ParseLength(std::string_view text);

}  // namespace objectpipes
