#include "ais/reply_head.h"

#include <gtest/gtest.h>

#include <string>

namespace objectpipes::ais {
namespace {

// Replies as a live cluster gave them, shortened.
constexpr char kWhole[] =
    "HTTP/1.1 200 OK\r\nAis-Checksum-Type: xxhash2\r\nAis-Checksum-Value: ef46db3751d8e999\r\n"
    "Ais-Version: 3\r\nContent-Length: 10\r\n";
constexpr char kRange[] =
    "HTTP/1.1 206 Partial Content\r\nAis-Checksum-Type: xxhash2\r\n"
    "Ais-Checksum-Value: ef46db3751d8e999\r\nAis-Version: 3\r\nContent-Length: 4\r\n"
    "Content-Range: bytes 2-5/10\r\n";

Result<ReplyHead> Parse(const char* text, bool is_reply_to_head = false,
                        RangeChecksum range_checksum = RangeChecksum::kOfObject) {
  return ParseReplyHead(HttpHead::Parse(text).value(), is_reply_to_head, range_checksum);
}

TEST(AisReplyHead, Whole) {
  const auto head = Parse(kWhole);
  ASSERT_TRUE(head.ok());
  EXPECT_EQ(head.value().length, 10);
  EXPECT_EQ(head.value().object_size, 10);
  EXPECT_EQ(head.value().checksum.type, ChecksumType::kXxh64);
  EXPECT_EQ(head.value().checksum.scope, OfferedChecksum::Scope::kObject);
  EXPECT_FALSE(head.value().can_pin);
}

TEST(AisReplyHead, RangeBelongsToTheSameVersionAndHasTheChecksumOfTheObject) {
  const auto whole = Parse(kWhole);
  const auto range = Parse(kRange);
  ASSERT_TRUE(range.ok());
  EXPECT_EQ(range.value().begin, 2u);
  EXPECT_EQ(range.value().length, 4);
  EXPECT_EQ(range.value().object_size, 10);
  EXPECT_EQ(range.value().version, whole.value().version);
  EXPECT_EQ(range.value().checksum.scope, OfferedChecksum::Scope::kObject);
}

TEST(AisReplyHead, ChecksumOfARangeIdentifiesNothing) {
  const auto whole = Parse(kWhole, false, RangeChecksum::kOfRange);
  EXPECT_EQ(whole.value().checksum.scope, OfferedChecksum::Scope::kObject);
  const auto range = [](std::string_view of_object) {
    return ParseReplyHead(HttpHead::Parse(kRange).value(), false, RangeChecksum::kOfRange,
                          of_object)
        .value();
  };
  EXPECT_EQ(range("").checksum.scope, OfferedChecksum::Scope::kReply);
  EXPECT_NE(range("").version, whole.value().version);
  EXPECT_NE(range("0123456789abcdef").version, whole.value().version);
  EXPECT_EQ(range("ef46db3751d8e999").version, whole.value().version);
}

TEST(AisReplyHead, SameNumberOfAnObjectWrittenAnew) {
  const std::string other =
      "HTTP/1.1 200 OK\r\nAis-Checksum-Type: xxhash2\r\n"
      "Ais-Checksum-Value: 0123456789abcdef\r\nAis-Version: 3\r\n"
      "Content-Length: 10\r\n";
  EXPECT_NE(Parse(other.c_str()).value().version, Parse(kWhole).value().version);
}

TEST(AisReplyHead, ArchiveMemberHasNoVersion) {
  const auto head = Parse("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n");
  ASSERT_TRUE(head.ok());
  EXPECT_EQ(head.value().version, "");
  EXPECT_EQ(head.value().checksum.type, ChecksumType::kNone);
}

TEST(AisReplyHead, HeadOfAnEmptyObjectHasNoLength) {
  EXPECT_EQ(Parse("HTTP/1.1 200 OK\r\nAis-Version: 1\r\n", true).value().object_size, 0);
  EXPECT_EQ(Parse("HTTP/1.1 200 OK\r\nAis-Version: 1\r\n").value().object_size, -1);
}

TEST(AisReplyHead, Malformed) {
  EXPECT_FALSE(Parse("HTTP/1.1 200 OK\r\nContent-Length: ten\r\n").ok());
  EXPECT_FALSE(Parse("HTTP/1.1 206 Partial\r\nContent-Range: bytes 0--1/0\r\n").ok());
  EXPECT_FALSE(
      Parse("HTTP/1.1 206 Partial\r\nContent-Length: 3\r\nContent-Range: bytes 2-5/10\r\n").ok());
}

bool IsListed(const char* text, int64_t size, const char* checksum, const char* version,
              RangeChecksum range_checksum = RangeChecksum::kOfObject) {
  const HttpHead http = HttpHead::Parse(text).value();
  const ReplyHead head = ParseReplyHead(http, false, range_checksum).value();
  return IsAsListed(http, head, Listed{size, checksum, version});
}

TEST(AisReplyHead, IsComparedWithWhatWasListed) {
  EXPECT_TRUE(IsListed(kWhole, 10, "ef46db3751d8e999", "3"));
  EXPECT_TRUE(IsListed(kRange, 10, "ef46db3751d8e999", "3"));
  EXPECT_FALSE(IsListed(kWhole, 11, "ef46db3751d8e999", "3"));
  EXPECT_FALSE(IsListed(kWhole, 10, "ef46db3751d8e998", "3"));
  EXPECT_FALSE(IsListed(kWhole, 10, "ef46db3751d8e999", "4"));
}

TEST(AisReplyHead, WhatWasNotListedIsNotCompared) {
  EXPECT_TRUE(IsListed(kWhole, -1, "", ""));
  EXPECT_TRUE(IsListed(kWhole, 10, "", "3"));
}

TEST(AisReplyHead, TheChecksumOfARangeIsNotComparedWithThatOfTheObject) {
  EXPECT_TRUE(IsListed(kRange, 10, "0000000000000000", "3", RangeChecksum::kOfRange));
  EXPECT_FALSE(IsListed(kWhole, 10, "0000000000000000", "3", RangeChecksum::kOfRange));
}

}  // namespace
}  // namespace objectpipes::ais
