// HTTP/1.1 replies as text (RFC 9112): the head, and how long the body is. No I/O.
//
// Strict: a reply that two parsers could read in different ways is kProtocol, because they might
// disagree where the body ends.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace objectpipes {

// The maximum size of a reply's head.
inline constexpr size_t kMaxHeadBytes = size_t{64} << 10;
inline constexpr int kMaxInterimReplies = 16;  // with status 1xx, before the final reply
inline constexpr size_t kMaxChunkLineBytes = size_t{4} << 10;  // a chunk's size and extensions
inline constexpr size_t kMaxTrailerBytes = size_t{16} << 10;
// How much of an error's body is read.
inline constexpr size_t kMaxErrorBodyBytes = size_t{64} << 10;

// The length of the head at the front of `text`, including the empty line. npos: the head is
// incomplete; call again with more text, from the present `text.size()` on. kProtocol if a line
// does not end with CR LF.
Result<size_t> FindHeadEnd(std::string_view text, size_t from);

// Status line and header fields of a reply: views of a text that the caller keeps.
class HttpHead {
 public:
  HttpHead() = default;
  // `block` is everything up to the empty line, without it. kProtocol if it is not an HTTP/1.x
  // head.
  static Result<HttpHead> Parse(std::string_view block);

  int status() const { return status_; }
  bool is_http_1_0() const { return is_http_1_0_; }
  // The value of the first field of this name (any case), without white space around it; empty if
  // absent.
  std::string_view Get(std::string_view name) const;
  size_t Count(std::string_view name) const;
  bool Has(std::string_view name) const { return Count(name) > 0; }
  // Whether one of the fields of this name lists `element` (any case).
  bool Lists(std::string_view name, std::string_view element) const;
  // kProtocol if one of these fields occurs more than once with different values.
  Status CheckUnique(std::initializer_list<std::string_view> names) const;

 private:
  struct Field {
    std::string_view name;
    std::string_view value;
  };

  std::vector<Field> fields_;
  int status_ = 0;
  bool is_http_1_0_ = false;
};

// How the end of a body is recognised.
struct BodyFraming {
  enum class Kind : uint8_t { kLength, kChunked, kUntilClose };
  Kind kind = Kind::kLength;
  uint64_t length = 0;     // kLength
  bool keep_alive = true;  // the connection can serve another request
};

// kProtocol if the head contradicts itself.
Result<BodyFraming> FramingOf(const HttpHead& head, bool is_reply_to_head);

// Decodes the chunked coding.
class ChunkDecoder {
 public:
  enum class Outcome : uint8_t { kPiece, kNeedMore, kEnd, kMalformed };

  // Consumes bytes from the front of `input`. kPiece: `piece` has bytes of the body; consume them
  // with Take(). kNeedMore: call again with the rest of the input and more after it.
  Outcome Next(std::string_view* input, std::string_view* piece);
  void Take(size_t size) { left_ -= size; }

 private:
  enum class State : uint8_t { kSize, kData, kDataEnd, kTrailer };
  bool ParseSize(std::string_view line);

  State state_ = State::kSize;
  uint64_t left_ = 0;  // of this chunk
  size_t trailer_bytes_ = 0;
};

}  // namespace objectpipes
