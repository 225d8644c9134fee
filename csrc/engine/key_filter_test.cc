#include "engine/key_filter.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace objectpipes {
namespace {

struct MaskCase {
  const char* mask;
  const char* text;
  bool matches;
};

TEST(MatchesMask, ByATable) {
  const MaskCase cases[] = {
      {"", "", true},
      {"", "a", false},
      {"*", "", true},
      {"*", "s3://b/a/b.jpg", true},
      {"**", "", true},
      {"a", "a", true},
      {"a", "b", false},
      {"a", "aa", false},
      {"*.jpg", "s3://b/x/y.jpg", true},
      {"*.jpg", "s3://b/x/y.jpg.txt", false},
      {"*.jpg", ".jpg", true},
      {"s3://b/*/y", "s3://b/x/z/y", true},
      {"a*a", "a", false},
      {"a*a", "aa", true},
      {"*ab*ab", "abab", true},
      {"*ab*ab", "ab", false},
      {"*aab", "aaaab", true},
      {"a?c", "abc", false},  // other patterns are no affair of this function
      {"a?c", "a?c", true},
      {"[a]", "a", false},
      {"*\xc3\xa9", "caf\xc3\xa9", true},
  };
  for (const MaskCase& c : cases) {
    EXPECT_EQ(MatchesMask(c.mask, c.text), c.matches) << c.mask << " on " << c.text;
  }
}

bool MatchesByDefinition(std::string_view mask, std::string_view text) {
  if (mask.empty()) return text.empty();
  if (mask[0] != '*') {
    return !text.empty() && mask[0] == text[0] &&
           MatchesByDefinition(mask.substr(1), text.substr(1));
  }
  return MatchesByDefinition(mask.substr(1), text) ||
         (!text.empty() && MatchesByDefinition(mask, text.substr(1)));
}

TEST(MatchesMask, AgreesWithItsDefinition) {
  std::minstd_rand random(1);
  const auto pick = [&random](std::string_view letters, size_t longest) {
    std::string text(random() % (longest + 1), ' ');
    for (char& c : text) c = letters[random() % letters.size()];
    return text;
  };
  int matches = 0;
  for (int i = 0; i < 50'000; ++i) {
    const std::string mask = pick("ab*", 6);
    const std::string text = pick("ab", 8);
    const bool expected = MatchesByDefinition(mask, text);
    matches += expected ? 1 : 0;
    ASSERT_EQ(MatchesMask(mask, text), expected) << mask << " on " << text;
  }
  EXPECT_GT(matches, 5'000);
  EXPECT_LT(matches, 45'000);
}

TEST(MatchesMask, IsQuickWhereBacktrackingIsNot) {
  const std::string text(10'000, 'a');
  EXPECT_FALSE(MatchesMask("*a*a*a*a*a*a*a*a*a*a*b", text));
}

ListEntry Entry(int64_t size, double mtime) {
  ListEntry entry;
  entry.size = size;
  entry.mtime = mtime;
  return entry;
}

TEST(KeyFilter, LetsEverythingButFoldersThroughByDefault) {
  const KeyFilter filter;
  EXPECT_TRUE(filter.Passes("s3://b/a", Entry(0, 0)));
  EXPECT_TRUE(filter.Passes("s3://b/a", Entry(-1, kUnknownTime)));
  EXPECT_TRUE(filter.Passes("s3://b/a", Entry(0, -62'135'596'800)));  // Go's time without a value
  EXPECT_FALSE(filter.Passes("s3://b/a/", Entry(0, 0)));
}

TEST(KeyFilter, FoldersAreWhatAListingWithADelimiterAsksFor) {
  ListEntry folder;
  folder.is_prefix = true;
  EXPECT_TRUE(KeyFilter{}.Passes("s3://b/a/", folder));
}

TEST(KeyFilter, OneMaskOfSeveralIsEnough) {
  KeyFilter filter;
  filter.masks = {"*.jpg", "*.png"};
  EXPECT_TRUE(filter.Passes("s3://b/a.jpg", Entry(1, 1)));
  EXPECT_TRUE(filter.Passes("s3://b/a.png", Entry(1, 1)));
  EXPECT_FALSE(filter.Passes("s3://b/a.gif", Entry(1, 1)));
}

TEST(KeyFilter, BoundsOfSizeAreInclusiveAndOfAgeExclusive) {
  KeyFilter filter;
  filter.min_size = 10;
  filter.max_size = 20;
  filter.modified_after = 100;
  EXPECT_TRUE(filter.Passes("s3://b/a", Entry(10, 101)));
  EXPECT_TRUE(filter.Passes("s3://b/a", Entry(20, 101)));
  EXPECT_FALSE(filter.Passes("s3://b/a", Entry(9, 101)));
  EXPECT_FALSE(filter.Passes("s3://b/a", Entry(21, 101)));
  EXPECT_FALSE(filter.Passes("s3://b/a", Entry(10, 100)));
}

TEST(KeyFilter, WhatIsNotKnownIsNoReasonToDrop) {
  KeyFilter filter;
  filter.min_size = 10;
  filter.modified_after = 100;
  EXPECT_TRUE(filter.Passes("s3://b/a", Entry(-1, kUnknownTime)));
}

}  // namespace
}  // namespace objectpipes
