// HTTP/1.1 replies as text (RFC 9112): the head, and how long the body is. No I/O.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"

namespace objectpipes {

// Status line and header fields of a reply: views of a text that somebody else keeps.
class HttpHead {
 public:
  HttpHead() = default;
  // `block` is everything up to the empty line, which is left out. kProtocol if it is no HTTP/1.x
  // head.
  static Result<HttpHead> Parse(std::string_view block);

  int status() const { return status_; }
  bool is_http_1_0() const { return is_http_1_0_; }
  // The value of the first field of this name (any case), without white space around it; empty if
  // absent.
  std::string_view Get(std::string_view name) const;

 private:
  std::string_view fields_;
  int status_ = 0;
  bool is_http_1_0_ = false;
};

// How the end of a body is recognised.
struct BodyFraming {
  enum class Kind : uint8_t { kLength, kChunked, kUntilClose };
  Kind kind = Kind::kLength;
  uint64_t length = 0;     // kLength
  bool keep_alive = true;  // the connection can serve another request afterwards
};

// kProtocol if the head contradicts itself.
Result<BodyFraming> FramingOf(const HttpHead& head, bool is_reply_to_head);

// Takes the chunked coding apart.
class ChunkDecoder {
 public:
  enum class Outcome : uint8_t { kPiece, kNeedMore, kEnd, kMalformed };

  // Looks at `input` and consumes from its front. kPiece: `piece` holds body bytes, which are
  // consumed by Take(). kNeedMore: what is left of the input must be given again, with more behind
  // it.
  Outcome Next(std::string_view* input, std::string_view* piece);
  void Take(size_t size) { left_ -= size; }

 private:
  enum class State : uint8_t { kSize, kData, kDataEnd, kTrailer };
  State state_ = State::kSize;
  uint64_t left_ = 0;  // of this chunk
};

}  // namespace objectpipes
