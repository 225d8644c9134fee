#include "s3/reply_head.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

namespace objectpipes {
namespace {

using Headers = std::map<std::string, std::string, std::less<>>;

Result<ReplyHead> Parse(int http_status, const Headers& headers) {
  return ParseReplyHead(http_status, [&headers](std::string_view name) -> std::string_view {
    const auto header = headers.find(name);
    return header == headers.end() ? std::string_view() : std::string_view(header->second);
  });
}

TEST(ReplyHead, TakesTheWholeObject) {
  const auto head = Parse(200, {{"content-length", "5"}, {"etag", "\"v1\""}});
  ASSERT_TRUE(head.ok());
  EXPECT_EQ(head.value().begin, 0u);
  EXPECT_EQ(head.value().length, 5);
  EXPECT_EQ(head.value().object_size, 5);
  EXPECT_EQ(head.value().version, "\"v1\"");
  EXPECT_TRUE(head.value().can_pin);
}

TEST(ReplyHead, TakesARange) {
  const auto head = Parse(206, {{"content-range", "bytes 10-14/100"}, {"content-length", "5"}});
  ASSERT_TRUE(head.ok());
  EXPECT_EQ(head.value().begin, 10u);
  EXPECT_EQ(head.value().length, 5);
  EXPECT_EQ(head.value().object_size, 100);
  EXPECT_TRUE(head.value().partial);
}

TEST(ReplyHead, LeavesOpenWhatTheServerDoesNotSay) {
  const auto chunked = Parse(200, {{"transfer-encoding", "chunked"}});
  ASSERT_TRUE(chunked.ok());
  EXPECT_EQ(chunked.value().length, -1);
  EXPECT_EQ(chunked.value().object_size, -1);
  EXPECT_FALSE(chunked.value().can_pin);

  const auto unknown_size = Parse(206, {{"content-range", "bytes 0-4/*"}});
  ASSERT_TRUE(unknown_size.ok());
  EXPECT_EQ(unknown_size.value().length, 5);
  EXPECT_EQ(unknown_size.value().object_size, -1);
}

TEST(ReplyHead, RefusesWhatIsMalformed) {
  for (const char* range : {"", "bytes", "bytes */100", "bytes 5-4/100", "bytes 0-4",
                            "items 0-4/100", "bytes -4/100", "bytes 0-/100", "bytes 0-4/4",
                            "bytes 0-4/x", "bytes 0-4/99999999999999999999", "bytes 0 - 4/100"}) {
    EXPECT_EQ(Parse(206, {{"content-range", range}}).status().code(), StatusCode::kProtocol)
        << range;
  }
  for (const char* length : {"-1", "5 ", "five", "9223372036854775808", "99999999999999999999"}) {
    EXPECT_EQ(Parse(200, {{"content-length", length}}).status().code(), StatusCode::kProtocol)
        << length;
  }
}

TEST(ReplyHead, RefusesALengthThatContradictsTheRange) {
  const auto head = Parse(206, {{"content-range", "bytes 0-4/100"}, {"content-length", "6"}});
  EXPECT_EQ(head.status().code(), StatusCode::kProtocol);
}

TEST(ReplyHead, TellsWhetherTheEndOfTheBodyShows) {
  const auto delimited = [](const Headers& headers) {
    return Parse(200, headers).value().delimited;
  };
  EXPECT_TRUE(delimited({{"content-length", "5"}}));
  EXPECT_TRUE(delimited({{"transfer-encoding", "chunked"}}));
  EXPECT_TRUE(delimited({{"content-length", "5"}, {"content-encoding", "gzip"}}));
  EXPECT_TRUE(delimited({{"transfer-encoding", "chunked"}, {"content-encoding", "aws-chunked"}}));
  EXPECT_FALSE(delimited({{"etag", "\"v1\""}}));
  EXPECT_FALSE(delimited({{"transfer-encoding", "chunked"}, {"content-encoding", "gzip"}}))
      << "the length is that of what somebody made of the object";
}

TEST(ReplyHead, PinsToNothingButAStrongETag) {
  for (const char* etag : {"W/\"v1\"", "*", "\"\"", "\"", "v1", "\"v1", "v1\"", "\"v\"1\"",
                           "\"v 1\"", "\"v1\", \"v2\"", "w/\"v1\"", "'v1'", "\"v\t1\""}) {
    const auto head = Parse(200, {{"content-length", "5"}, {"etag", etag}});
    ASSERT_TRUE(head.ok());
    EXPECT_EQ(head.value().version, "") << etag;
    EXPECT_FALSE(head.value().can_pin);
  }
  EXPECT_TRUE(Parse(200, {{"content-length", "5"}, {"etag", "\"*\""}}).value().can_pin);
  EXPECT_TRUE(Parse(200, {{"content-length", "5"}, {"etag", "\"d41-2\""}}).value().can_pin);
}

TEST(ReplyHead, TellsAnObjectFromAPage) {
  const auto is_object = [](std::string_view only) {
    return IsObject([only](std::string_view name) { return name == only ? "x" : ""; });
  };
  EXPECT_TRUE(is_object("etag"));
  EXPECT_TRUE(is_object("last-modified"));
  EXPECT_FALSE(is_object("content-type"));
}

TEST(ReplyHead, PrefersTheChecksumThatIsCheapest) {
  const auto head = Parse(200, {{"x-amz-checksum-sha1", "AAAAAAAAAAAAAAAAAAAAAAAAAAA="},
                                {"x-amz-checksum-crc32c", "yZRlqg=="}});
  ASSERT_TRUE(head.ok());
  EXPECT_EQ(head.value().checksum.type, ChecksumType::kCrc32c);
  EXPECT_EQ(head.value().checksum.scope, OfferedChecksum::Scope::kObject);
  EXPECT_EQ(head.value().checksum.digest, "\xC9\x94\x65\xAA");
}

TEST(ReplyHead, TakesTheChecksumOfAMultipartUpload) {
  const auto head = Parse(200, {{"x-amz-checksum-crc32", "yZRlqg==-3"}});
  ASSERT_TRUE(head.ok());
  EXPECT_EQ(head.value().checksum.scope, OfferedChecksum::Scope::kComposite);
  EXPECT_EQ(head.value().checksum.parts, 3u);
}

TEST(ReplyHead, IgnoresAChecksumThatIsNone) {
  for (const char* value : {"", "-3", "yZRlqg", "yZRlqg==-", "yZRlqg==-x", "yZRlqg==-3-3"}) {
    const auto head = Parse(200, {{"x-amz-checksum-crc32", value}, {"content-length", "5"}});
    ASSERT_TRUE(head.ok());
    EXPECT_EQ(head.value().checksum.type, ChecksumType::kNone) << value;
  }
}

TEST(ReplyHead, DoesNotCompareARangeWithTheChecksumOfTheWhole) {
  const auto head =
      Parse(206, {{"content-range", "bytes 0-4/100"}, {"x-amz-checksum-crc32", "yZRlqg=="}});
  ASSERT_TRUE(head.ok());
  EXPECT_EQ(head.value().checksum.type, ChecksumType::kNone);
}

}  // namespace
}  // namespace objectpipes
