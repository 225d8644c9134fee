#include "ais/archive_list.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "testing/ais_cluster.h"

namespace objectpipes::ais {
namespace {

using Names = std::vector<std::string>;

class AisArchiveList : public AisTest {
 protected:
  static ListRequest WithMembers() {
    ListRequest request;
    request.archive_members = true;
    return request;
  }

  // The names of a page. What the next request says of it is in `request`.
  Names ListPage(ListRequest* request) {
    const auto lister = List(*request);
    EXPECT_TRUE(lister->page->ok()) << lister->page->status().message();
    if (!lister->page->ok()) return {};
    const objectpipes::ListPage& page = lister->page->value();
    request->token = page.next_token;
    request->tally = page.tally;
    Names names;
    for (const ListEntry& entry : page.entries) names.emplace_back(page.view(entry.key));
    return names;
  }
};

TEST_F(AisArchiveList, DeliversTheListingWithMembers) {
  member_pages_ = {PageOf({"a", "s.tar", "s.tar/1", "s.tar/2"})};
  proxy_replies_ = {PageOf({"a", "s.tar"})};
  ListRequest request = WithMembers();
  EXPECT_EQ(ListPage(&request), (Names{"a", "s.tar", "s.tar/1", "s.tar/2"}));
  EXPECT_EQ(request.token, "");
}

TEST_F(AisArchiveList, RefusesAListingThatLacksAnObject) {
  member_pages_ = {PageOf({"s.tar"})};
  proxy_replies_ = {PageOf({"a", "s.tar"})};
  const auto lister = List(WithMembers());
  ASSERT_FALSE(lister->page->ok());
  EXPECT_EQ(lister->page->status().code(), StatusCode::kServer);
  EXPECT_EQ(lister->page->status().detail().code, "UnreadableArchive");
  EXPECT_EQ(lister->page->status().message(),
            "The listing has 1 of 2 objects, because AIStore cannot read some of the archives");
  EXPECT_EQ(lister->hint.kind, Kind::kFatal);
}

// Members fill pages, so the listing with them has more.
TEST_F(AisArchiveList, CountsFromPageToPage) {
  member_pages_ = {PageOf({"a", "s.tar"}, "s.tar"), PageOf({"s.tar/1", "s.tar/2"}, "s.tar/2"),
                   PageOf({"z"})};
  proxy_replies_ = {PageOf({"a", "s.tar"}, "s.tar"), PageOf({"z"})};
  ListRequest request = WithMembers();
  EXPECT_EQ(ListPage(&request), (Names{"a", "s.tar"}));
  EXPECT_EQ(ListPage(&request), (Names{"s.tar/1", "s.tar/2"}));
  EXPECT_EQ(ListPage(&request), Names{"z"});
  EXPECT_EQ(request.token, "");
  EXPECT_EQ(request.tally.listed, 3U);
}

TEST_F(AisArchiveList, WaitsForTheListingWithoutMembers) {
  member_pages_ = {PageOf({"a"})};
  proxy_replies_ = {PageOf({"a"}, "a"), PageOf({"z"})};
  ListRequest request = WithMembers();
  EXPECT_EQ(ListPage(&request), Names{"a"});
  EXPECT_NE(request.token, "");
  EXPECT_EQ(List(request)->page->status().detail().code, "UnreadableArchive");
}

TEST_F(AisArchiveList, FailsWithEitherListing) {
  member_pages_ = {PageOf({"a"}), Error("500 Broken", "", "no page")};
  proxy_replies_ = {Error("500 Broken", "", "no page"), PageOf({"a"})};
  EXPECT_EQ(List(WithMembers())->page->status().code(), StatusCode::kServer);
  EXPECT_EQ(List(WithMembers())->page->status().code(), StatusCode::kServer);
}

TEST_F(AisArchiveList, ComparesNothingWhereAPartIsEnough) {
  member_pages_ = {PageOf({"s.tar", "s.tar/1"})};
  ListRequest request = WithMembers();
  request.allow_partial = true;
  EXPECT_EQ(ListPage(&request), (Names{"s.tar", "s.tar/1"}));
}

}  // namespace
}  // namespace objectpipes::ais
