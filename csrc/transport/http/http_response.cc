#include "transport/http/http_response.h"

#include <algorithm>
#include <charconv>
#include <string>

#include "base/excerpt.h"

namespace objectpipes {
namespace {

constexpr std::string_view kLineEnd = "\r\n";
constexpr size_t kLongestLine = 8192;  // of a chunk's size and of a trailer

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool EqualIgnoringCase(std::string_view a, std::string_view b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(),
                                            [](char x, char y) { return Lower(x) == Lower(y); });
}

std::string_view Trim(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r";
  const size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

}  // namespace

Result<HttpHead> HttpHead::Parse(std::string_view block) {
  const std::string_view line = block.substr(0, block.find('\n'));
  HttpHead head;
  const bool known = line.substr(0, 7) == "HTTP/1." && line.size() >= 12 && line[8] == ' ';
  const auto [end, error] = known ? std::from_chars(line.data() + 9, line.data() + 12, head.status_)
                                  : std::from_chars_result{nullptr, std::errc::invalid_argument};
  if (error != std::errc() || end != line.data() + 12 || head.status_ < 100) {
    return Status::Protocol("the reply is not HTTP/1.1: it begins with " + Excerpt(line));
  }
  head.is_http_1_0_ = line[7] == '0';
  head.fields_ = block.substr(std::min(line.size() + 1, block.size()));
  return head;
}

std::string_view HttpHead::Get(std::string_view name) const {
  std::string_view rest = fields_;
  while (!rest.empty()) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    if (end > name.size() && rest[name.size()] == ':' &&
        EqualIgnoringCase(rest.substr(0, name.size()), name)) {
      return Trim(rest.substr(name.size() + 1, end - name.size() - 1));
    }
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return {};
}

Result<BodyFraming> FramingOf(const HttpHead& head, bool is_reply_to_head) {
  BodyFraming framing;
  const std::string_view connection = head.Get("connection");
  framing.keep_alive = head.is_http_1_0() ? EqualIgnoringCase(connection, "keep-alive")
                                          : !EqualIgnoringCase(connection, "close");
  if (is_reply_to_head || head.status() == 204 || head.status() == 304) return framing;

  const std::string_view coding = head.Get("transfer-encoding");
  const std::string_view length = head.Get("content-length");
  if (!coding.empty()) {
    if (!EqualIgnoringCase(coding, "chunked")) {
      return Status::Protocol("the reply has a transfer coding we did not ask for: " +
                              Excerpt(coding));
    }
    framing.kind = BodyFraming::Kind::kChunked;
    // Both at once is how requests are smuggled; the coding counts (RFC 9112, 6.3), and then no
    // reuse.
    framing.keep_alive = framing.keep_alive && length.empty();
    return framing;
  }
  if (length.empty()) {
    framing.kind = BodyFraming::Kind::kUntilClose;
    framing.keep_alive = false;
    return framing;
  }
  const auto [end, error] =
      std::from_chars(length.data(), length.data() + length.size(), framing.length);
  if (error != std::errc() || end != length.data() + length.size()) {
    return Status::Protocol("malformed Content-Length: " + Excerpt(length));
  }
  return framing;
}

ChunkDecoder::Outcome ChunkDecoder::Next(std::string_view* input, std::string_view* piece) {
  while (true) {
    if (state_ == State::kData) {
      if (left_ == 0) {
        state_ = State::kDataEnd;
        continue;
      }
      if (input->empty()) return Outcome::kNeedMore;
      *piece = input->substr(0, static_cast<size_t>(std::min<uint64_t>(left_, input->size())));
      return Outcome::kPiece;
    }
    const size_t end = input->find(kLineEnd);
    if (end == std::string_view::npos) {
      return input->size() > kLongestLine ? Outcome::kMalformed : Outcome::kNeedMore;
    }
    const std::string_view line = input->substr(0, end);
    input->remove_prefix(end + kLineEnd.size());
    switch (state_) {
      case State::kSize: {
        const auto [stop, error] =
            std::from_chars(line.data(), line.data() + line.size(), left_, 16);
        const bool extended = stop != line.data() + line.size() && *stop != ';' && *stop != ' ';
        if (error != std::errc() || extended) return Outcome::kMalformed;
        state_ = left_ == 0 ? State::kTrailer : State::kData;
        break;
      }
      case State::kDataEnd:
        if (!line.empty()) return Outcome::kMalformed;
        state_ = State::kSize;
        break;
      case State::kTrailer:
        if (line.empty()) return Outcome::kEnd;
        break;
      case State::kData:
        break;
    }
  }
}

}  // namespace objectpipes
