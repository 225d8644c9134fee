#include "ais/list_page.h"

#include <gtest/gtest.h>

#include <string>

namespace objectpipes::ais {
namespace {

using std::string_literals::operator""s;

std::string Text(const std::string& text) {
  return "\xDA"s + static_cast<char>(text.size() >> 8) + static_cast<char>(text.size() & 0xFF) +
         text;
}

std::string Map(int pairs, const std::string& content) {
  return static_cast<char>(0x80 + pairs) + content;
}

std::string Page(const std::string& token, const std::string& entries) {
  return Map(4, Text("UUID") + Text("gb2PtUHX8") + Text("ContinuationToken") + Text(token) +
                    Text("Entries") + entries + Text("Flags") + "\0"s);
}

// Recorded from a cluster: two objects, and more to come.
const std::string kRecorded =
    "\x84\xA4UUID\xA9I8wKUIHu8\xB1"
    "ContinuationToken\xD9\x21train/shard-0000/img_00000001.jpg\xA7"
    "Entries\x92\x85\xA1n\xD9\x21train/shard-0000/img_00000000.jpg\xA2"
    "cs\xB0\x39\x32"
    "f0de5a88a3c094\xA1v\xA1\x31\xA1s\x64\xA1"
    "f\x40\x85\xA1n\xD9\x21train/shard-0000/img_00000001.jpg\xA2"
    "cs\xB0\x39\x32"
    "f0de5a88a3c094\xA1v\xA1\x31\xA1s\x64\xA1"
    "f\x40\xA5"
    "Flags\0"s;

ListPage ParsePage(const std::string& bytes) { return ParseListPage(bytes).value().page; }

TEST(AisListPage, ReadsWhatAClusterSends) {
  const ListPage page = ParsePage(kRecorded);
  ASSERT_EQ(page.entries.size(), 2U);
  const ListEntry& entry = page.entries[1];
  EXPECT_EQ(page.view(entry.key), "train/shard-0000/img_00000001.jpg");
  EXPECT_EQ(page.view(entry.checksum), "92f0de5a88a3c094");
  EXPECT_EQ(page.view(entry.version), "1");
  EXPECT_EQ(entry.size, 100);
  EXPECT_FALSE(entry.is_prefix);
  EXPECT_EQ(page.next_token, "I8wKUIHu8:train/shard-0000/img_00000001.jpg");
}

TEST(AisListPage, TellsMembersOfArchives) {
  const std::string archive = Map(1, Text("n") + Text("a.tar"));
  const std::string member = Map(2, Text("n") + Text("a.tar/x") + Text("f") + "\xCC\x80"s);
  const ListPage page = ParsePage(Page("", "\x92"s + archive + member));
  EXPECT_FALSE(page.entries[0].in_archive);
  EXPECT_TRUE(page.entries[1].in_archive);
}

TEST(AisListPage, KeepsNoMoreThanTheText) {
  const ListPage page = ParsePage(kRecorded);
  EXPECT_EQ(page.text.size(), 2 * (33U + 16U + 1U));
}

TEST(AisListPage, WhatIsLeftOutIsZeroOrEmpty) {
  const ListPage page = ParsePage(Page("", "\x91"s + Map(1, Text("n") + Text("a"))));
  ASSERT_EQ(page.entries.size(), 1U);
  EXPECT_EQ(page.entries[0].size, 0);
  EXPECT_EQ(page.view(page.entries[0].checksum), "");
  EXPECT_EQ(page.view(page.entries[0].version), "");
}

TEST(AisListPage, AnEmptyTokenIsTheEnd) { EXPECT_EQ(ParsePage(Page("", "\x90")).next_token, ""); }

TEST(AisListPage, AFullLastPageIsFollowedByAnEmptyOne) {
  const ListPage page = ParsePage(
      "\x84\xA4UUID\xA9V0wYUtHXH\xB1"
      "ContinuationToken\xA0\xA7"
      "Entries\x90\xA5"
      "Flags\0"s);
  EXPECT_TRUE(page.entries.empty());
  EXPECT_EQ(page.next_token, "");
}

TEST(AisListPage, TakesNamesByteForByte) {
  const std::string name = "a\0\xFF\n\"\xC3\xA9"s;
  const ListPage page = ParsePage(Page(name, "\x91"s + Map(1, Text("n") + Text(name))));
  EXPECT_EQ(page.view(page.entries.at(0).key), name);
  EXPECT_EQ(SplitListToken(page.next_token).name, name);
}

TEST(AisListPage, TellsDirectories) {
  const ListPage page =
      ParsePage(Page("", "\x91"s + Map(2, Text("n") + Text("dir/") + Text("f") + "\xCD\x01\x40")));
  EXPECT_TRUE(page.entries.at(0).is_prefix);
  EXPECT_EQ(page.entries.at(0).size, -1);
}

TEST(AisListPage, SaysThatTheClusterRebalances) {
  EXPECT_FALSE(ParseListPage(Page("", "\x90")).value().rebalancing);
  std::string bytes = Page("", "\x90");
  bytes.back() = 1;
  EXPECT_TRUE(ParseListPage(bytes).value().rebalancing);
}

TEST(AisListPage, SkipsWhatItDoesNotKnow) {
  const std::string entry =
      Map(3, Text("m") + "\x81\xA1k\xC0" + Text("n") + Text("a") + Text("t") + Text("t[T]:mp"));
  const std::string page =
      Map(4, Text("New") + "\x92\x01\xC3" + Text("Entries") + "\x91" + entry + Text("UUID") +
                 Text("u") + Text("ContinuationToken") + Text(""));
  EXPECT_EQ(ParsePage(page).entries.size(), 1U);
}

TEST(AisListPage, ReadsLargeSizes) {
  const std::string entry =
      Map(2, Text("n") + Text("a") + Text("s") + "\xD3\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF"s);
  EXPECT_EQ(ParsePage(Page("", "\x91" + entry)).entries.at(0).size, INT64_MAX);
}

TEST(AisListPage, RefusesEveryTruncation) {
  for (size_t size = 0; size < kRecorded.size(); ++size) {
    EXPECT_EQ(ParseListPage(kRecorded.substr(0, size)).status().code(), StatusCode::kProtocol);
  }
}

TEST(AisListPage, RefusesWhatIsNoPage) {
  const std::string name = Text("n") + Text("a");
  const std::string cases[] = {
      "{\"entries\":[]}",
      "\x80",
      "\x90",
      kRecorded + "\x01",
      Map(2, Text("UUID") + Text("u") + Text("Entries") + "\x90"),
      Map(2, Text("UUID") + Text("u") + Text("ContinuationToken") + Text("")),
      Map(2, Text("ContinuationToken") + Text("") + Text("Entries") + "\xC0"),
      Page("", "\x91\x80"),
      Page("", "\x91\x90"),
      Page("", "\x91" + Map(1, Text("n") + Text(""))),
      Page("", "\x91" + Map(1, Text("n") + "\x05")),
      Page("", "\x91" + Map(2, name + Text("s") + Text("5"))),
      Page("", "\x91" + Map(2, name + Text("s") + "\xFF")),
      Page("", "\x91" + Map(2, name + Text("f") + "\xC3")),
      Page("", "\x91" + Map(1, "\x01\x02")),
      Page("", "\xDD\xFF\xFF\xFF\xFF"),
  };
  for (const std::string& bytes : cases) {
    EXPECT_EQ(ParseListPage(bytes).status().code(), StatusCode::kProtocol)
        << testing::PrintToString(bytes);
  }
}

// The last of two tokens may be empty, which would end the listing too early.
TEST(AisListPage, RefusesFieldsThatAreRepeated) {
  const std::string name = Text("n") + Text("a");
  const std::string token = Text("ContinuationToken");
  const std::string entries = Text("Entries") + "\x90";
  const std::string cases[] = {
      Page("", "\x91" + Map(2, name + name)),
      Page("", "\x91" + Map(2, name + Text("n") + Text("b"))),
      Page("", "\x91" + Map(3, name + Text("s") + "\x01" + Text("s") + "\x02")),
      Page("", "\x91" + Map(3, name + Text("v") + Text("1") + Text("v") + Text("2"))),
      Page("", "\x91" + Map(3, name + Text("cs") + Text("1") + Text("cs") + Text("2"))),
      Page("", "\x91" + Map(3, name + Text("f") + "\x01" + Text("f") + "\x02")),
      Map(3, token + Text("a") + token + Text("") + entries),
      Map(3, token + Text("") + entries + entries),
      Map(4, token + Text("") + entries + Text("UUID") + Text("a") + Text("UUID") + Text("b")),
  };
  for (const std::string& bytes : cases) {
    EXPECT_EQ(ParseListPage(bytes).status().code(), StatusCode::kProtocol)
        << testing::PrintToString(bytes);
  }
  const std::string unknown = Text("x") + "\x01" + Text("x") + "\x02";
  EXPECT_EQ(ParsePage(Page("", "\x91" + Map(3, name + unknown))).entries.size(), 1U);
}

// Such a page of 64 MiB would take a gigabyte.
TEST(AisListPage, RefusesMillionsOfTinyEntries) {
  const std::string entry = "\x81\xA1n\xA1k";
  const auto page = [&entry](uint32_t count) {
    std::string entries = "\xDD";
    for (const int shift : {24, 16, 8, 0}) entries += static_cast<char>(count >> shift);
    for (uint32_t i = 0; i < count; ++i) entries += entry;
    return Page("", entries);
  };
  EXPECT_EQ(ParsePage(page(100'000)).entries.size(), 100'000U);
  EXPECT_EQ(ParseListPage(page(2'000'001)).status().code(), StatusCode::kProtocol);
}

TEST(ListToken, IsTakenApartAsItWasJoined) {
  for (const std::string& name : {"a"s, "a:b"s, ":"s, "\n"s}) {
    for (const std::string& job : {"gb2PtUHX8"s, ""s}) {
      const std::string joined = JoinListToken({job, name});
      const ListToken token = SplitListToken(joined);
      EXPECT_EQ(token.job, job);
      EXPECT_EQ(token.name, name);
    }
  }
  EXPECT_EQ(JoinListToken({"gb2PtUHX8", ""}), "") << "complete";
  EXPECT_EQ(SplitListToken("").name, "");
}

}  // namespace
}  // namespace objectpipes::ais
