#include "transport/http/http_response.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>

namespace objectpipes {
namespace {

HttpHead Head(std::string_view block) {
  const Result<HttpHead> head = HttpHead::Parse(block);
  EXPECT_TRUE(head.ok()) << block;
  return head.ok() ? head.value() : HttpHead();
}

TEST(HttpHead, FindsFieldsByTheirNames) {
  const HttpHead head =
      Head("HTTP/1.1 206 Partial Content\r\nETag:  \"x\"\t\r\nempty:\r\nx-a: 1\r\nX-A: 2");
  EXPECT_EQ(head.status(), 206);
  EXPECT_EQ(head.Get("etag"), "\"x\"");
  EXPECT_EQ(head.Get("x-a"), "1") << "the first of several";
  EXPECT_EQ(head.Get("empty"), "");
  EXPECT_EQ(head.Get("tag"), "");
  EXPECT_EQ(head.Get("eta"), "");
  EXPECT_EQ(head.Get("http/1.1 206 partial content"), "");
}

TEST(HttpHead, AStatusLineIsEnough) {
  EXPECT_EQ(Head("HTTP/1.1 200").status(), 200);
  EXPECT_EQ(Head("HTTP/1.1 200 ").Get("etag"), "");
  EXPECT_TRUE(Head("HTTP/1.0 200 OK").is_http_1_0());
  EXPECT_FALSE(Head("HTTP/1.1 200 OK").is_http_1_0());
}

TEST(HttpHead, RefusesWhatIsNoReply) {
  for (const std::string_view block :
       {"", "HTTP", "HTTP/1.1", "HTTP/1.1 ", "HTTP/1.1 20", "HTTP/1.1  200", "HTTP/1.1 099 x",
        "HTTP/1.1 -20", "HTTP/2.0 200 OK", "http/1.1 200 OK", "220 mail.example ESMTP"}) {
    EXPECT_FALSE(HttpHead::Parse(block).ok()) << block;
  }
}

BodyFraming Framing(const std::string& fields, int status = 200, bool is_reply_to_head = false,
                    const std::string& version = "1.1") {
  const std::string block = "HTTP/" + version + " " + std::to_string(status) + " x\r\n" + fields;
  const Result<BodyFraming> framing = FramingOf(Head(block), is_reply_to_head);
  EXPECT_TRUE(framing.ok()) << block;
  return framing.ok() ? framing.value() : BodyFraming{};
}

using Kind = BodyFraming::Kind;

TEST(FramingOf, GoesByLengthOrChunksOrTheEndOfTheConnection) {
  const BodyFraming length = Framing("Content-Length: 12");
  EXPECT_EQ(length.kind, Kind::kLength);
  EXPECT_EQ(length.length, 12U);
  EXPECT_TRUE(length.keep_alive);
  EXPECT_EQ(Framing("transfer-encoding: Chunked").kind, Kind::kChunked);
  EXPECT_EQ(Framing("").kind, Kind::kUntilClose);
  EXPECT_FALSE(Framing("").keep_alive);
}

TEST(FramingOf, SomeRepliesHaveNoBodyWhateverTheySay) {
  EXPECT_EQ(Framing("content-length: 12", 204).length, 0U);
  EXPECT_EQ(Framing("content-length: 12", 304).length, 0U);
  EXPECT_EQ(Framing("content-length: 12", 200, true).length, 0U);
  EXPECT_EQ(Framing("transfer-encoding: chunked", 200, true).kind, Kind::kLength);
}

TEST(FramingOf, TellsWhetherTheConnectionStaysOpen) {
  EXPECT_FALSE(Framing("content-length: 1\r\nConnection: Close").keep_alive);
  EXPECT_FALSE(Framing("content-length: 1", 200, false, "1.0").keep_alive);
  EXPECT_TRUE(Framing("content-length: 1\r\nconnection: keep-alive", 200, false, "1.0").keep_alive);
  // Two readers may see two ends of such a body.
  EXPECT_FALSE(Framing("content-length: 1\r\ntransfer-encoding: chunked").keep_alive);
}

TEST(FramingOf, RefusesWhatItCannotFrame) {
  for (const std::string_view fields :
       {"content-length: -1", "content-length: x", "content-length: 1 2", "content-length: 1,1",
        "content-length: 99999999999999999999", "transfer-encoding: gzip",
        "transfer-encoding: gzip, chunked"}) {
    EXPECT_FALSE(FramingOf(Head("HTTP/1.1 200 OK\r\n" + std::string(fields)), false).ok())
        << fields;
  }
}

// What becomes of `text` when it arrives in pieces of `step` bytes.
struct Decoded {
  std::string body;
  ChunkDecoder::Outcome outcome;
  std::string rest;  // of the text
};

Decoded Decode(const std::string& text, size_t step, size_t most_taken = 1000) {
  ChunkDecoder decoder;
  Decoded decoded;
  std::string buffer;
  for (size_t fed = 0;;) {
    std::string_view input = buffer;
    std::string_view piece;
    decoded.outcome = decoder.Next(&input, &piece);
    buffer.erase(0, buffer.size() - input.size());
    if (decoded.outcome == ChunkDecoder::Outcome::kPiece) {
      const size_t taken = std::min(buffer.size(), std::min(most_taken, piece.size()));
      decoded.body.append(buffer, 0, taken);
      buffer.erase(0, taken);
      decoder.Take(taken);
      continue;
    }
    if (decoded.outcome != ChunkDecoder::Outcome::kNeedMore || fed == text.size()) break;
    const std::string more = text.substr(fed, step);
    buffer += more;
    fed += more.size();
    decoded.rest = text.substr(fed);
  }
  decoded.rest.insert(0, buffer);
  return decoded;
}

TEST(ChunkDecoder, TakesABodyApartHoweverItArrives) {
  const std::string text =
      "3\r\nabc\r\n00a;x=\"y\"\r\n0123456789\r\n1 \r\n\n\r\n0\r\nTrailer: x\r\n\r\nnext";
  for (size_t step = 1; step <= text.size(); ++step) {
    for (const size_t most_taken : {size_t{1}, size_t{4}, size_t{1000}}) {
      const Decoded decoded = Decode(text, step, most_taken);
      EXPECT_EQ(decoded.outcome, ChunkDecoder::Outcome::kEnd);
      EXPECT_EQ(decoded.body, "abc0123456789\n");
      EXPECT_EQ(decoded.rest, "next");
    }
  }
}

TEST(ChunkDecoder, AsksForMoreWhereverItIsCutOff) {
  const std::string text = "3\r\nabc\r\n0\r\n\r\n";
  for (size_t size = 0; size < text.size(); ++size) {
    EXPECT_EQ(Decode(text.substr(0, size), 1000).outcome, ChunkDecoder::Outcome::kNeedMore) << size;
  }
}

TEST(ChunkDecoder, RefusesWhatIsMalformed) {
  for (const char* text : {"\r\n", "x\r\n", "-1\r\n", " 3\r\nabc\r\n", "0x3\r\nabc\r\n",
                           "3\r\nabcd\r\n", "11111111111111111\r\n"}) {
    EXPECT_EQ(Decode(text, 1000).outcome, ChunkDecoder::Outcome::kMalformed) << text;
  }
  EXPECT_EQ(Decode(std::string(20'000, '0'), 1000).outcome, ChunkDecoder::Outcome::kMalformed)
      << "a line without an end";
}

}  // namespace
}  // namespace objectpipes
