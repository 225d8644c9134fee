#include "transport/content_range.h"

#include <gtest/gtest.h>

namespace objectpipes {
namespace {

TEST(ContentRange, Applies) {
  ReplyHead head;
  ASSERT_TRUE(ApplyContentRange("bytes 5-9/100", &head).ok());
  EXPECT_EQ(head.begin, 5u);
  EXPECT_EQ(head.length, 5);
  EXPECT_EQ(head.object_size, 100);
}

TEST(ContentRange, IsAskedFor) {
  EXPECT_EQ(RangeText(0, 1), "bytes=0-0");
  EXPECT_EQ(RangeText(5, 10), "bytes=5-9");
  EXPECT_EQ(RangeText(5, kToTheEnd), "bytes=5-");
}

TEST(ContentRange, UnknownSize) {
  ReplyHead head;
  ASSERT_TRUE(ApplyContentRange("bytes 5-9/*", &head).ok());
  EXPECT_EQ(head.object_size, -1);
}

TEST(ContentRange, Malformed) {
  for (const char* text :
       {"", "bytes", "bytes ", "bytes 5-9", "bytes 9-5/100", "bytes */100", "bytes 0--1/0",
        "items 5-9/100", "bytes 5-9/", "bytes -9/100", "bytes 5-99999999999999999999/*",
        "bytes 5-100/100", "bytes 0-9223372036854775807/*"}) {
    ReplyHead head;
    EXPECT_EQ(ApplyContentRange(text, &head).code(), StatusCode::kProtocol) << text;
  }
}

TEST(ContentRange, ContradictsTheLength) {
  ReplyHead head;
  head.length = 4;
  EXPECT_EQ(ApplyContentRange("bytes 5-9/100", &head).code(), StatusCode::kProtocol);
}

TEST(ContentRange, OfAWholeObjectIsAllOfIt) {
  ReplyHead head;
  head.length = 10;
  EXPECT_TRUE(CheckContentRangeOfWhole("", head).ok());
  EXPECT_TRUE(CheckContentRangeOfWhole("bytes 0-9/10", head).ok());
  for (const char* text : {"bytes 0-9/100", "bytes 5-14/15", "bytes 0-9/*", "bytes 0-8/9", "all"}) {
    EXPECT_EQ(CheckContentRangeOfWhole(text, head).code(), StatusCode::kProtocol) << text;
  }
}

}  // namespace
}  // namespace objectpipes
