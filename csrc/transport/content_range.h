// The Content-Range of a 206, which every store sends alike.
#pragma once

#include <string_view>

#include "base/status.h"
#include "transport/transport.h"

namespace objectpipes {

// Sets begin, length and object_size as "bytes 0-99/1234" says (RFC 9110, 14.4); the size may be
// "*". kProtocol if it is malformed, or contradicts a length that is set already.
Status ApplyContentRange(std::string_view text, ReplyHead* head);

// A decimal number of bytes and nothing else; -1 if it is none.
int64_t ParseLength(std::string_view text);

}  // namespace objectpipes
