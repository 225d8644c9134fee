#include "s3/s3_list.h"

#include <gtest/gtest.h>

#include <string>

#include "testing/s3_transport_test.h"

namespace objectpipes {
namespace {

using S3ListTest = S3TransportTest;
using Kind = RetryHint::Kind;

TEST_F(S3ListTest, ListsAPage) {
  replies_ = {
      Reply("<?xml version=\"1.0\"?><ListBucketResult><EncodingType>url</EncodingType>"
            "<IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken>"
            "<Contents><Key>p/a</Key><Size>3</Size></Contents></ListBucketResult>")};
  const auto lister = List();
  ASSERT_TRUE(lister->page->ok());
  const ListPage& page = lister->page->value();
  ASSERT_EQ(page.entries.size(), 1U);
  EXPECT_EQ(page.view(page.entries[0].key), "p/a");
  EXPECT_EQ(page.next_token, "continuation-token=t");
  EXPECT_EQ(SentLine(0), "GET /bucket?encoding-type=url&list-type=2&prefix=p%2F HTTP/1.1");
}

TEST_F(S3ListTest, AnErrorInsideASuccessIsAFailure) {
  replies_ = {Reply("<?xml version=\"1.0\"?><Error><Code>InternalError</Code></Error>"),
              Reply("<html>not a listing</html>")};
  const auto error = List();
  EXPECT_EQ(error->page->status().code(), StatusCode::kServer);
  EXPECT_EQ(error->hint.kind, Kind::kRetry);
  EXPECT_FALSE(List()->page->ok());
}

TEST_F(S3ListTest, APageWithoutEndIsFetchedOnce) {
  replies_ = {Reply(std::string((size_t{64} << 20) + 1, ' '))};
  const auto lister = List();
  EXPECT_EQ(lister->page->status().code(), StatusCode::kProtocol);
  EXPECT_EQ(lister->hint.kind, Kind::kFatal);
}

TEST_F(S3ListTest, ListsInTheOlderFormFromTheFirstPageOn) {
  options_.list_version = ListVersion::kV1;
  replies_ = {
      Reply("<ListBucketResult><IsTruncated>true</IsTruncated><KeyCount>1</KeyCount>"
            "<Contents><Key>p/k</Key></Contents></ListBucketResult>")};
  const auto lister = List();
  EXPECT_EQ(SentLine(0), "GET /bucket?encoding-type=url&prefix=p%2F HTTP/1.1");
  EXPECT_EQ(lister->page->value().next_token, "marker=p/k");
}

}  // namespace
}  // namespace objectpipes
