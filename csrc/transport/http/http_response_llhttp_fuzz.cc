// libFuzzer: what our parser takes for a reply, llhttp takes for the same reply: the same body,
// from the same bytes, or both refuse it. Built only where llhttp is found (CONTRIBUTING.md).
#include <llhttp.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/ascii.h"
#include "transport/http/http_response.h"

namespace objectpipes {
namespace {

struct Verdict {
  bool refused = false;
  bool complete = false;  // without waiting for the end of the connection
  std::string body;
  size_t end = 0;  // where the reply ends; if it is complete

  static Verdict Refused() {
    Verdict verdict;
    verdict.refused = true;
    return verdict;
  }
};

// As a connection does it.
Verdict Ours(std::string_view text) {
  Verdict verdict;
  const size_t size = text.size();
  BodyFraming framing;
  while (true) {
    const Result<size_t> end = FindHeadEnd(text, 0);
    if (!end.ok()) return Verdict::Refused();
    if (end.value() == std::string_view::npos) return Verdict::Refused();  // or not, with more
    const Result<HttpHead> head = HttpHead::Parse(text.substr(0, end.value() - 4));
    if (!head.ok() || head.value().status() == 101) return Verdict::Refused();
    text.remove_prefix(end.value());
    if (head.value().status() < 200) continue;
    const Result<BodyFraming> found = FramingOf(head.value(), false);
    if (!found.ok()) return Verdict::Refused();
    framing = found.value();
    break;
  }
  if (framing.kind != BodyFraming::Kind::kChunked) {
    const bool to_the_end = framing.kind == BodyFraming::Kind::kUntilClose;
    const auto taken = static_cast<size_t>(
        to_the_end ? text.size() : std::min<uint64_t>(framing.length, text.size()));
    verdict.body = text.substr(0, taken);
    verdict.complete = !to_the_end && taken == framing.length;
    verdict.end = size - text.size() + taken;
    return verdict;
  }
  ChunkDecoder decoder;
  while (true) {
    std::string_view piece;
    switch (decoder.Next(&text, &piece)) {
      case ChunkDecoder::Outcome::kMalformed:
        return Verdict::Refused();
      case ChunkDecoder::Outcome::kNeedMore:
        return verdict;
      case ChunkDecoder::Outcome::kEnd:
        verdict.complete = true;
        verdict.end = size - text.size();
        return verdict;
      case ChunkDecoder::Outcome::kPiece:
        verdict.body.append(piece);
        text.remove_prefix(piece.size());
        decoder.Take(piece.size());
        break;
    }
  }
}

struct Oracle {
  llhttp_t parser;
  llhttp_settings_t settings;
  Verdict verdict;
};

int OnBody(llhttp_t* parser, const char* data, size_t size) {
  static_cast<Oracle*>(parser->data)->verdict.body.append(data, size);
  return 0;
}

int OnMessageComplete(llhttp_t* parser) {
  return parser->status_code < 200 ? 0 : static_cast<int>(HPE_PAUSED);
}

// Whether llhttp refuses it for what means nothing to us: we look neither into extensions of chunks
// nor into trailers, and a length may be told twice.
bool IsPedantic(const Oracle& oracle, llhttp_errno_t error) {
  const std::string_view reason = llhttp_get_error_reason(&oracle.parser);
  return error == HPE_UNEXPECTED_CONTENT_LENGTH || (oracle.parser.flags & F_TRAILING) != 0 ||
         reason.find("chunk ext") != std::string_view::npos;
}

void Compare(std::string_view text) {
  const Verdict ours = Ours(text);
  if (ours.refused) return;  // we may be stricter
  Oracle oracle;
  llhttp_settings_init(&oracle.settings);
  oracle.settings.on_body = OnBody;
  oracle.settings.on_message_complete = OnMessageComplete;
  llhttp_init(&oracle.parser, HTTP_RESPONSE, &oracle.settings);
  llhttp_set_lenient_spaces_after_chunk_size(&oracle.parser, 1);  // padding
  oracle.parser.data = &oracle;
  const llhttp_errno_t error = llhttp_execute(&oracle.parser, text.data(), text.size());
  if (error == HPE_PAUSED) {
    if (!ours.complete || ours.body != oracle.verdict.body) abort();
    if (llhttp_get_error_pos(&oracle.parser) != text.data() + ours.end) abort();
  } else if (error == HPE_OK) {
    if (ours.complete || ours.body != oracle.verdict.body) abort();
  } else if (ours.complete && !IsPedantic(oracle, error)) {
    abort();  // llhttp may report errors of an incomplete reply earlier
  }
}

}  // namespace
}  // namespace objectpipes

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  // Control characters that end no line are part of a value to us (RFC 9110, 5.5).
  const bool odd = std::any_of(text.begin(), text.end(), [](char c) {
    return objectpipes::IsControl(c) && c != '\r' && c != '\n' && c != '\t';
  });
  if (!odd) objectpipes::Compare(text);
  return 0;
}
