// libFuzzer: any bytes are a reply whose body is found, the same one however it is cut into pieces,
// or kProtocol.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "transport/http/http_response.h"

namespace objectpipes {
namespace {

struct Decoded {
  ChunkDecoder::Outcome outcome = ChunkDecoder::Outcome::kNeedMore;
  std::string body;
  size_t consumed = 0;
};

// As a connection does that receives `step` bytes at a time.
Decoded Decode(std::string_view coded, size_t step) {
  Decoded decoded;
  ChunkDecoder decoder;
  size_t received = std::min(step, coded.size());
  while (true) {
    std::string_view input = coded.substr(decoded.consumed, received - decoded.consumed);
    std::string_view piece;
    decoded.outcome = decoder.Next(&input, &piece);
    decoded.consumed = received - input.size();
    if (decoded.outcome == ChunkDecoder::Outcome::kPiece) {
      if (piece.empty() || piece.data() != input.data() || piece.size() > input.size()) abort();
      decoded.body.append(piece);
      decoded.consumed += piece.size();
      decoder.Take(piece.size());
    } else if (decoded.outcome != ChunkDecoder::Outcome::kNeedMore || received == coded.size()) {
      return decoded;
    } else {
      received = std::min(received + step, coded.size());
    }
  }
}

void CheckChunks(std::string_view coded) {
  const Decoded whole = Decode(coded, std::max<size_t>(coded.size(), 1));
  if (whole.body.size() > coded.size()) abort();
  const Decoded cut = Decode(coded, 1);
  if (cut.outcome != whole.outcome || cut.body != whole.body) abort();
  if (whole.outcome == ChunkDecoder::Outcome::kEnd && cut.consumed != whole.consumed) abort();
}

void CheckHead(std::string_view block) {
  const Result<HttpHead> head = HttpHead::Parse(block);
  if (!head.ok()) {
    if (head.status().code() != StatusCode::kProtocol) abort();
    return;
  }
  if (head.value().status() < 100 || head.value().status() > 999) abort();
  for (const std::string_view name : {"etag", "content-length", "x", ""}) {
    const std::string_view value = head.value().Get(name);
    if (value.find('\n') != std::string_view::npos) abort();
    if (!value.empty() && (value.front() == ' ' || value.back() == ' ')) abort();
  }
  for (const bool is_reply_to_head : {false, true}) {
    const Result<BodyFraming> framing = FramingOf(head.value(), is_reply_to_head);
    if (!framing.ok()) {
      if (framing.status().code() != StatusCode::kProtocol) abort();
    } else if (framing.value().kind == BodyFraming::Kind::kUntilClose &&
               framing.value().keep_alive) {
      abort();
    }
  }
}

}  // namespace
}  // namespace objectpipes

// The head, and behind the empty line that ends it a body in chunks.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const size_t end = text.find("\r\n\r\n");
  objectpipes::CheckHead(text.substr(0, end));
  objectpipes::CheckChunks(end == std::string_view::npos ? text : text.substr(end + 4));
  return 0;
}
