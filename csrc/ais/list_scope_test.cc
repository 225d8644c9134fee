#include "ais/list_scope.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace objectpipes::ais {
namespace {

using Text = std::string;

ListRequest Request(const Text& prefix, const Text& start_after = "",
                    bool archive_members = false) {
  ListRequest request;
  request.prefix = prefix;
  request.start_after = start_after;
  request.archive_members = archive_members;
  return request;
}

struct Case {
  ListRequest request;
  Text prefix;
  Text start_after;
};

void Expect(const std::vector<Case>& cases) {
  for (const Case& expected : cases) {
    const Text what = expected.request.prefix + " after " + expected.request.start_after;
    const ListScope scope = ScopeOf(expected.request);
    EXPECT_EQ(scope.prefix, expected.prefix) << what;
    EXPECT_EQ(scope.start_after, expected.start_after) << what;
  }
}

TEST(ListScope, IsTheDirectoryOfAPrefix) {
  Expect({{Request(""), "", ""},
          {Request("dir/"), "dir/", ""},
          {Request("dir/ab"), "dir/", "dir/a"},
          {Request("a"), "", ""},
          {Request("dir/\xE6\x97\xA5"), "dir/", "dir/"},
          {Request("dir/\x80\x80"), "dir/", "dir"}});
}

TEST(ListScope, BeginsWhereTheCallerDoesIfThatIsLater) {
  Expect({{Request("", "m"), "", "m"},
          {Request("dir/ab", "dir/abc"), "dir/", "dir/abc"},
          {Request("dir/ab", "a"), "dir/", "dir/a"}});
}

TEST(ListScope, BeginsInFrontOfAnArchive) {
  Expect({{Request("", "s.tar", true), "", "s.ta"},
          {Request("", "s.tar/m", true), "", "s.ta"},
          {Request("d/s.tar/m", "", true), "d/", "d/s.ta"},
          {Request("d/s.tar/", "d/s.tar/m", true), "d/", "d/s.ta"},
          {Request("", "d/s.tar.idx", true), "", "d/s.ta"},
          {Request("", "s.tar-1/m", true), "", "s.ta"},
          {Request("", "s.tar0", true), "", "s.tar0"},
          {Request("", "s.tar/m", false), "", "s.tar/m"},
          {Request("s.tar/m", "", false), "s.tar/", "s.tar/"}});
}

// What is left of a page with these names, and "more" if there are more pages.
std::vector<Text> Left(const ListRequest& request, const std::vector<Text>& names) {
  ListPage page;
  page.next_token = "more";
  for (const Text& name : names) {
    ListEntry entry;
    entry.key = {static_cast<uint32_t>(page.text.size()), static_cast<uint32_t>(name.size())};
    entry.is_prefix = name.back() == '/';
    page.text += name;
    page.entries.push_back(entry);
  }
  Narrow(request, &page);
  std::vector<Text> left;
  for (const ListEntry& entry : page.entries) left.emplace_back(page.view(entry.key));
  if (!page.next_token.empty()) left.push_back(page.next_token);
  return left;
}

using Names = std::vector<Text>;

TEST(NarrowedPage, HasNothingBeforeOrBehindThePrefix) {
  EXPECT_EQ(Left(Request("d/p1"), {"d/p", "d/p1", "d/p1/x", "d/p10", "d/p1z"}),
            Names({"d/p1", "d/p1/x", "d/p10", "d/p1z", "more"}));
  EXPECT_EQ(Left(Request("d/p1"), {"d/p1", "d/p2"}), Names({"d/p1"}));
  EXPECT_EQ(Left(Request("d/p1"), {"d/a", "d/b"}), Names({"more"}));
  EXPECT_EQ(Left(Request(""), {"a", "b"}), Names({"a", "b", "more"}));
}

TEST(NarrowedPage, BeginsBehindWhereItWasToldTo) {
  EXPECT_EQ(Left(Request("", "s.tar/m1", true), {"s.tar", "s.tar/m1", "s.tar/m2"}),
            Names({"s.tar/m2", "more"}));
  EXPECT_EQ(Left(Request("", "d/x"), {"d/", "e"}), Names({"d/", "e", "more"}))
      << "some of the directory comes behind";
}

}  // namespace
}  // namespace objectpipes::ais
