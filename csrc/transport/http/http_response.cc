#include "transport/http/http_response.h"

#include <algorithm>
#include <optional>
#include <string>

#include "base/ascii.h"
#include "base/excerpt.h"

namespace objectpipes {
namespace {

constexpr std::string_view kLineEnd = "\r\n";
constexpr size_t kUsualFields = 24;

// Whether a line has a character that some parsers take for the end of the line or the text.
bool HoldsLineEnd(std::string_view line) {
  for (const char end : {'\r', '\n', '\0'}) {
    if (line.find(end) != std::string_view::npos) return true;
  }
  return false;
}

std::string_view Trim(std::string_view text) {
  constexpr std::string_view kSpace = " \t";
  const size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

// The length of the name before the colon of a header field or a trailer; npos if the line is not
// valid. Parsers differ about a line that begins with white space (a continuation or not) and about
// white space before the colon (part of the name or not), so both are refused.
size_t FindColon(std::string_view line) {
  const size_t colon = line.find(':');
  const bool valid =
      colon != std::string_view::npos && IsToken(line.substr(0, colon)) && !HoldsLineEnd(line);
  return valid ? colon : std::string_view::npos;
}

using Outcome = ChunkDecoder::Outcome;

// Reads the next line, without its end. kPiece: the line is complete.
Outcome NextLine(std::string_view* input, size_t max_bytes, std::string_view* line) {
  const size_t end = input->find('\n');
  if (std::min(end, input->size()) > max_bytes) return Outcome::kMalformed;
  if (end == std::string_view::npos) return Outcome::kNeedMore;
  if (end == 0 || (*input)[end - 1] != '\r') return Outcome::kMalformed;
  *line = input->substr(0, end - 1);
  input->remove_prefix(end + 1);
  return HoldsLineEnd(*line) ? Outcome::kMalformed : Outcome::kPiece;
}

bool IsStatusLine(std::string_view line) {
  const std::string_view version = line.substr(0, 8);
  if (version != "HTTP/1.1" && version != "HTTP/1.0") return false;
  const std::string_view rest = line.substr(version.size());
  return rest.size() >= 4 && rest[0] == ' ' && rest[1] >= '1' && rest[1] <= '9' &&
         IsDigit(rest[2]) && IsDigit(rest[3]) && (rest.size() == 4 || rest[4] == ' ') &&
         !HoldsLineEnd(line);
}

}  // namespace

Result<size_t> FindHeadEnd(std::string_view text, size_t from) {
  while (true) {
    const size_t end = text.find('\n', from);
    if (end == std::string_view::npos) return end;
    if (end == 0 || text[end - 1] != '\r') {
      return Status::Protocol("a line of the reply's head ends in a bare line feed");
    }
    if (end >= 3 && text.substr(end - 3, 2) == kLineEnd) return end + 1;
    from = end + 1;
  }
}

Result<HttpHead> HttpHead::Parse(std::string_view block) {
  const auto next_line = [&block] {
    const size_t end = std::min(block.find(kLineEnd), block.size());
    const std::string_view line = block.substr(0, end);
    block.remove_prefix(std::min(end + kLineEnd.size(), block.size()));
    return line;
  };
  HttpHead head;
  const std::string_view status_line = next_line();
  if (!IsStatusLine(status_line)) {
    return Status::Protocol("the reply is not HTTP/1.1: it begins with " + Excerpt(status_line));
  }
  head.is_http_1_0_ = status_line[7] == '0';
  head.status_ = ParseInteger<int>(status_line.substr(9, 3)).value_or(0);
  head.fields_.reserve(kUsualFields);
  while (!block.empty()) {
    const std::string_view line = next_line();
    const size_t colon = FindColon(line);
    if (colon == std::string_view::npos) {
      return Status::Protocol("the reply's head has a malformed line: " + Excerpt(line));
    }
    head.fields_.push_back({line.substr(0, colon), Trim(line.substr(colon + 1))});
  }
  return head;
}

std::string_view HttpHead::Get(std::string_view name) const {
  for (const Field& field : fields_) {
    if (EqualsIgnoringCase(field.name, name)) return field.value;
  }
  return {};
}

size_t HttpHead::Count(std::string_view name) const {
  return static_cast<size_t>(
      std::count_if(fields_.begin(), fields_.end(),
                    [name](const Field& field) { return EqualsIgnoringCase(field.name, name); }));
}

bool HttpHead::Lists(std::string_view name, std::string_view element) const {
  for (const Field& field : fields_) {
    if (!EqualsIgnoringCase(field.name, name)) continue;
    for (std::string_view rest = field.value; !rest.empty();) {
      const size_t comma = std::min(rest.find(','), rest.size());
      if (EqualsIgnoringCase(Trim(rest.substr(0, comma)), element)) return true;
      rest.remove_prefix(std::min(comma + 1, rest.size()));
    }
  }
  return false;
}

Status HttpHead::CheckUnique(std::initializer_list<std::string_view> names) const {
  for (const std::string_view name : names) {
    const Field* first = nullptr;
    for (const Field& field : fields_) {
      if (!EqualsIgnoringCase(field.name, name)) continue;
      if (first == nullptr) first = &field;
      if (field.value != first->value) {
        return Status::Protocol("the reply contradicts itself: " + std::string(name) + " is " +
                                Excerpt(first->value) + ", and " + Excerpt(field.value));
      }
    }
  }
  return Status::Ok();
}

Result<BodyFraming> FramingOf(const HttpHead& head, bool is_reply_to_head) {
  OBJECTPIPES_RETURN_IF_ERROR(
      head.CheckUnique({"content-length", "content-range", "etag", "last-modified", "location"}));
  BodyFraming framing;
  framing.keep_alive = !head.Lists("connection", "close") &&
                       (!head.is_http_1_0() || head.Lists("connection", "keep-alive"));
  const bool has_length = head.Has("content-length");
  if (head.Has("transfer-encoding")) {
    // With both, or in HTTP/1.0, which has no codings, some parsers use the coding and others the
    // length. That permits response smuggling (RFC 9112, 6.1 and 6.3).
    if (has_length) {
      return Status::Protocol("the reply has both a Transfer-Encoding and a Content-Length");
    }
    if (head.is_http_1_0()) return Status::Protocol("a reply of HTTP/1.0 has a Transfer-Encoding");
    const std::string_view coding = head.Get("transfer-encoding");
    if (head.Count("transfer-encoding") > 1 || !EqualsIgnoringCase(coding, "chunked")) {
      return Status::Protocol("the reply has a transfer coding we did not ask for: " +
                              Excerpt(coding));
    }
    framing.kind = BodyFraming::Kind::kChunked;
  } else if (has_length) {
    const std::string_view text = head.Get("content-length");
    const std::optional<uint64_t> length = ParseInteger<uint64_t>(text);
    if (!length) return Status::Protocol("malformed Content-Length: " + Excerpt(text));
    framing.length = *length;
  } else {
    framing.kind = BodyFraming::Kind::kUntilClose;
  }
  if (is_reply_to_head || head.status() == 204 || head.status() == 304) {
    framing.kind = BodyFraming::Kind::kLength;
    framing.length = 0;
  }
  framing.keep_alive = framing.keep_alive && framing.kind != BodyFraming::Kind::kUntilClose;
  return framing;
}

// Extensions are ignored (RFC 9112, 7.1.1). Some servers pad the size with spaces.
bool ChunkDecoder::ParseSize(std::string_view line) {
  const auto size = ParseInteger<uint64_t>(Trim(line.substr(0, line.find(';'))), /*base=*/16);
  const bool padded_in_front = !line.empty() && (line.front() == ' ' || line.front() == '\t');
  left_ = size.value_or(0);
  return size.has_value() && !padded_in_front;
}

ChunkDecoder::Outcome ChunkDecoder::Next(std::string_view* input, std::string_view* piece) {
  while (true) {
    std::string_view line;
    switch (state_) {
      case State::kSize: {
        const Outcome outcome = NextLine(input, kMaxChunkLineBytes, &line);
        if (outcome != Outcome::kPiece) return outcome;
        if (!ParseSize(line)) return Outcome::kMalformed;
        state_ = left_ == 0 ? State::kTrailer : State::kData;
        break;
      }
      case State::kData:
        if (left_ == 0) {
          state_ = State::kDataEnd;
          break;
        }
        if (input->empty()) return Outcome::kNeedMore;
        *piece = input->substr(0, static_cast<size_t>(std::min<uint64_t>(left_, input->size())));
        return Outcome::kPiece;
      case State::kDataEnd: {
        const size_t seen = std::min(input->size(), kLineEnd.size());
        if (input->substr(0, seen) != kLineEnd.substr(0, seen)) return Outcome::kMalformed;
        if (seen < kLineEnd.size()) return Outcome::kNeedMore;
        input->remove_prefix(kLineEnd.size());
        state_ = State::kSize;
        break;
      }
      case State::kTrailer: {
        const size_t max_bytes = kMaxTrailerBytes - trailer_bytes_ + kLineEnd.size();
        const Outcome outcome = NextLine(input, max_bytes, &line);
        if (outcome != Outcome::kPiece) return outcome;
        if (line.empty()) return Outcome::kEnd;
        if (FindColon(line) == std::string_view::npos) return Outcome::kMalformed;
        trailer_bytes_ += line.size() + kLineEnd.size();
        if (trailer_bytes_ > kMaxTrailerBytes) return Outcome::kMalformed;
        break;
      }
    }
  }
}

}  // namespace objectpipes
