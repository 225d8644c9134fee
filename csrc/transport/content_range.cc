#include "transport/content_range.h"

#include <algorithm>
#include <limits>

#include "base/ascii.h"
#include "base/excerpt.h"

namespace objectpipes {

int64_t ParseLength(std::string_view text) {
  return std::max<int64_t>(ParseInteger<int64_t>(text).value_or(-1), -1);
}

// An object that is stored with an encoding has a length. Without a length, a proxy may have
// encoded the body, which then is not the object. "aws-chunked" is a leftover of an upload.
bool IsDelimited(std::string_view content_length, std::string_view transfer_encoding,
                 std::string_view content_encoding) {
  if (!content_length.empty()) return true;
  const bool encoded = !content_encoding.empty() &&
                       !EqualsIgnoringCase(content_encoding, "identity") &&
                       !EqualsIgnoringCase(content_encoding, "aws-chunked");
  return !transfer_encoding.empty() && !encoded;
}

std::string RangeText(uint64_t begin, uint64_t end) {
  return "bytes=" + std::to_string(begin) + "-" + (end == kToTheEnd ? "" : std::to_string(end - 1));
}

Status ApplyContentRange(std::string_view text, ReplyHead* head) {
  constexpr std::string_view kUnit = "bytes ";
  const bool in_bytes = text.substr(0, kUnit.size()) == kUnit;
  const std::string_view range = in_bytes ? text.substr(kUnit.size()) : std::string_view();
  const size_t dash = range.find('-');
  const size_t slash = range.find('/');
  if (dash == std::string_view::npos || slash == std::string_view::npos || slash < dash) {
    return Status::Protocol("malformed Content-Range: " + Excerpt(text));
  }
  const int64_t first = ParseLength(range.substr(0, dash));
  const int64_t last = ParseLength(range.substr(dash + 1, slash - dash - 1));
  const std::string_view size_text = range.substr(slash + 1);
  const int64_t size = ParseLength(size_text);
  // At 2^63 - 1, the end of the range would not fit into int64_t.
  const bool in_order = first >= 0 && last >= first && last < std::numeric_limits<int64_t>::max();
  const bool in_object = size < 0 ? size_text == "*" : last < size;
  if (!in_order || !in_object) {
    return Status::Protocol("malformed Content-Range: " + Excerpt(text));
  }
  const int64_t length = last - first + 1;
  if (head->length >= 0 && head->length != length) {
    return Status::Protocol("Content-Range and Content-Length contradict each other");
  }
  head->partial = true;
  head->begin = static_cast<uint64_t>(first);
  head->length = length;
  if (size >= 0) head->object_size = size;
  return Status::Ok();
}

Status CheckContentRangeOfWhole(std::string_view text, const ReplyHead& head) {
  if (text.empty()) return Status::Ok();
  ReplyHead told = head;
  OBJECTPIPES_RETURN_IF_ERROR(ApplyContentRange(text, &told));
  if (told.begin == 0 && told.length == told.object_size) return Status::Ok();
  return Status::Protocol("the reply claims to be the whole object, and has a Content-Range of " +
                          Excerpt(text));
}

}  // namespace objectpipes
