// What the head of a successful reply to a read says about the bytes that follow.
#pragma once

#include <string_view>

#include "base/result.h"
#include "transport/http/http_response.h"
#include "transport/transport.h"

namespace objectpipes::ais {

// What the checksum in the reply to a ranged request covers. It depends on the bucket
// (bucket_props.h).
enum class RangeChecksum : uint8_t { kOfObject, kOfRange };

// The status of `http` is 200 or 206. kProtocol if fields are malformed or contradict each other.
//
// When an object is deleted and written again, its version numbers start over. So the triple of
// number, checksum and size identifies a version.
//
// `of_object` is the checksum of the object in hexadecimal, for a reply whose own checksum covers a
// range.
Result<ReplyHead> ParseReplyHead(const HttpHead& http, bool is_reply_to_head,
                                 RangeChecksum range_checksum, std::string_view of_object = {});

// Whether the reply is of the version that was listed, as far as both name it.
bool IsAsListed(const HttpHead& http, const ReplyHead& head, const Listed& listed);

}  // namespace objectpipes::ais
