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
        "HTTP/1.1 -20", "HTTP/1.1 2000 x", "HTTP/1.1 200OK", "HTTP/1.1\t200 OK", "HTTP/1.2 200 OK",
        "HTTP/11 200 OK", "HTTP/0.9 200 OK", "HTTP/2.0 200 OK", "http/1.1 200 OK",
        "220 mail.example ESMTP"}) {
    EXPECT_FALSE(HttpHead::Parse(block).ok()) << block;
  }
}

TEST(HttpHead, RefusesFieldsThatTwoReadersTakeForDifferentOnes) {
  for (const std::string_view fields :
       {std::string_view("a: 1\ncontent-length: 2"), std::string_view("a: 1\rcontent-length: 2"),
        std::string_view("a: 1\0b", 7), std::string_view("a\0: 1", 6),
        std::string_view("a: 1\r\n content-length: 2"), std::string_view("a: 1\r\n\tb: 2"),
        std::string_view(" a: 1"), std::string_view("content-length : 2"),
        std::string_view("content-length\t: 2"), std::string_view("no colon"),
        std::string_view(": no name"), std::string_view("a b: 1"), std::string_view("a(b): 1"),
        std::string_view("\xC3\xA4: 1"), std::string_view("a: 1\r"),
        std::string_view("a: 1\r\n\r\nb: 2")}) {
    const std::string block = "HTTP/1.1 200 OK\r\n" + std::string(fields);
    const Result<HttpHead> head = HttpHead::Parse(block);
    ASSERT_FALSE(head.ok()) << fields;
    EXPECT_EQ(head.status().code(), StatusCode::kProtocol);
  }
  EXPECT_FALSE(HttpHead::Parse("HTTP/1.1 200 O\nK").ok());
  EXPECT_FALSE(HttpHead::Parse("HTTP/1.1 200 O\rK\r\na: 1").ok());
}

TEST(HttpHead, KeepsValuesAsTheyAre) {
  const HttpHead head = Head("HTTP/1.1 200 OK\r\na:1 \xC3\xA4: x\r\nb:\r\nC-1_~!: \t 2\t");
  EXPECT_EQ(head.Get("a"), "1 \xC3\xA4: x");
  EXPECT_TRUE(head.Has("b"));
  EXPECT_EQ(head.Get("c-1_~!"), "2");
  EXPECT_FALSE(head.Has("d"));
}

TEST(HttpHead, ListsElementsOfAllFieldsOfAName) {
  const HttpHead head = Head("HTTP/1.1 200 OK\r\nConnection: a , Close\r\nconnection: ,b");
  for (const std::string_view element : {"a", "close", "b"}) {
    EXPECT_TRUE(head.Lists("connection", element)) << element;
  }
  EXPECT_FALSE(head.Lists("connection", "a , Close"));
  EXPECT_FALSE(head.Lists("connection", "clos"));
  EXPECT_FALSE(head.Lists("upgrade", "a"));
}

TEST(HttpHead, FindsFieldsThatContradictEachOther) {
  const HttpHead head = Head("HTTP/1.1 200 OK\r\na: 1\r\nb: 1\r\nA: 2\r\nb:  1");
  EXPECT_EQ(head.CheckUnique({"b", "a"}).code(), StatusCode::kProtocol);
  EXPECT_TRUE(head.CheckUnique({"b", "c"}).ok()) << "the same twice is no contradiction";
}

TEST(FindHeadEnd, GoesByLinesThatEndAsTheyMust) {
  const std::string head = "HTTP/1.1 200 OK\r\na: 1\r\n\r\n";
  const std::string text = head + "body\n\r\n\r\n";
  for (size_t size = 0; size <= text.size(); ++size) {
    for (size_t from = 0; from <= std::min(size, head.size() - 1); ++from) {
      const Result<size_t> end = FindHeadEnd(std::string_view(text).substr(0, size), from);
      ASSERT_TRUE(end.ok());
      EXPECT_EQ(end.value(), size < head.size() ? std::string_view::npos : head.size());
    }
  }
  for (const std::string_view bad : {"\n", "HTTP/1.1 200 OK\n", "HTTP/1.1 200 OK\r\na: 1\n\r\n"}) {
    EXPECT_FALSE(FindHeadEnd(bad, 0).ok()) << bad;
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
  EXPECT_FALSE(Framing("content-length: 1\r\nConnection: keep-alive, close").keep_alive);
  EXPECT_FALSE(Framing("content-length: 1\r\nconnection: x\r\nconnection: close").keep_alive);
  EXPECT_FALSE(Framing("connection: keep-alive").keep_alive) << "its end is that of the connection";
}

TEST(FramingOf, RefusesWhatItCannotFrame) {
  for (const std::string_view fields : {"content-length: -1",
                                        "content-length: +1",
                                        "content-length: x",
                                        "content-length: 1 2",
                                        "content-length: 0x1",
                                        "content-length: 1.0",
                                        "content-length:",
                                        "content-length: 1,1",
                                        "content-length: 99999999999999999999",
                                        "content-length: 1\r\ncontent-length: 2",
                                        "content-length: 1\r\nContent-Length: 01",
                                        "transfer-encoding: gzip",
                                        "transfer-encoding:",
                                        "transfer-encoding: gzip, chunked",
                                        "transfer-encoding: chunked, chunked",
                                        "transfer-encoding: xchunked",
                                        "transfer-encoding: identity",
                                        "transfer-encoding: chunked\r\ntransfer-encoding: chunked",
                                        "content-length: 1\r\ntransfer-encoding: chunked",
                                        "transfer-encoding: chunked\r\ncontent-length: 1",
                                        "transfer-encoding: \r\ncontent-length: 1",
                                        "etag: \"a\"\r\netag: \"b\"",
                                        "content-range: bytes 0-1/2\r\ncontent-range: bytes 0-1/3",
                                        "last-modified: a\r\nlast-modified: b",
                                        "location: /a\r\nlocation: /b"}) {
    for (const bool is_reply_to_head : {false, true}) {
      const std::string block = "HTTP/1.1 200 OK\r\n" + std::string(fields);
      const Result<BodyFraming> framing = FramingOf(Head(block), is_reply_to_head);
      ASSERT_FALSE(framing.ok()) << fields;
      EXPECT_EQ(framing.status().code(), StatusCode::kProtocol);
    }
  }
  const std::string old = "HTTP/1.0 200 OK\r\ntransfer-encoding: chunked";
  EXPECT_FALSE(FramingOf(Head(old), false).ok()) << "HTTP/1.0 has no codings";
}

TEST(FramingOf, TakesALengthThatIsToldTwice) {
  EXPECT_EQ(Framing("content-length: 12\r\nContent-Length: 12").length, 12U);
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
  for (const char* text : {"\r\n",
                           "x\r\n",
                           "-1\r\n",
                           "+3\r\nabc\r\n",
                           " 3\r\nabc\r\n",
                           "\t3\r\nabc\r\n",
                           "0x3\r\nabc\r\n",
                           "3 3\r\nabc\r\n",
                           ";x\r\n",
                           "3\nabc\r\n",
                           "3\r\nabc\n",
                           "3\r\nabc\r\r\n",
                           "3\r\nabcd\r\n",
                           "3\r\nab\r\n",
                           "3;a\rb\r\n",
                           "3;a\nb\r\n",
                           "11111111111111111\r\n",
                           "0\r\n\n",
                           "0\r\nno colon\r\n\r\n",
                           "0\r\na : 1\r\n\r\n",
                           "0\r\na: 1\r\n b\r\n\r\n",
                           "0\r\na: 1\nb: 2\r\n\r\n",
                           "0\r\na: 1\rb: 2\r\n\r\n"}) {
    for (const size_t step : {size_t{1}, size_t{1000}}) {
      EXPECT_EQ(Decode(text, step).outcome, ChunkDecoder::Outcome::kMalformed) << text;
    }
  }
  EXPECT_EQ(Decode(std::string("3;a\0b\r\nabc\r\n", 13), 1000).outcome,
            ChunkDecoder::Outcome::kMalformed);
}

TEST(ChunkDecoder, LimitsWhatIsNoBody) {
  const auto decode = [](const std::string& text) { return Decode(text, 10'000).outcome; };
  const auto chunk = [](size_t line) {
    return "1;" + std::string(line - 3, 'x') + "\r\na\r\n0\r\n\r\n";  // CR counts, LF does not
  };
  EXPECT_EQ(decode(chunk(kMaxChunkLineBytes)), ChunkDecoder::Outcome::kEnd);
  EXPECT_EQ(decode(chunk(kMaxChunkLineBytes + 1)), ChunkDecoder::Outcome::kMalformed);
  EXPECT_EQ(decode(std::string(kMaxChunkLineBytes + 1, '0')), ChunkDecoder::Outcome::kMalformed);

  std::string trailers;
  for (; trailers.size() + 64 <= kMaxTrailerBytes; trailers += "\r\n") {
    trailers += "a: " + std::string(59, 'x');
  }
  EXPECT_EQ(decode("0\r\n" + trailers + "\r\n"), ChunkDecoder::Outcome::kEnd);
  EXPECT_EQ(decode("0\r\n" + trailers + "a: 1\r\n\r\n"), ChunkDecoder::Outcome::kMalformed);
}

}  // namespace
}  // namespace objectpipes
