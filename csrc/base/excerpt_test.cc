#include "base/excerpt.h"

#include <gtest/gtest.h>

#include <string>

namespace objectpipes {
namespace {

TEST(Excerpt, IsOneLine) {
  EXPECT_EQ(Excerpt(" a\r\n\tb  c\x01 \n"), "a b c");
  EXPECT_EQ(Excerpt(" \n"), "");
}

TEST(Excerpt, IsShort) {
  EXPECT_EQ(Excerpt(std::string(200, 'x')), std::string(200, 'x'));
  EXPECT_EQ(Excerpt(std::string(201, 'x')), std::string(200, 'x') + "...");
  EXPECT_EQ(Excerpt(std::string(200, 'x') + "\n"), std::string(200, 'x'));
}

TEST(ExcerptOfPage, IsItsTitle) {
  EXPECT_EQ(ExcerptOfPage("<html>\n<head><TITLE>502 Bad\nGateway</TITLE></head></html>"),
            "\"502 Bad Gateway\"");
  EXPECT_EQ(ExcerptOfPage("<title>cut"), "\"cut\"");
}

TEST(ExcerptOfPage, IsItsBeginningIfThereIsNoTitle) {
  EXPECT_EQ(ExcerptOfPage("404 page not found\n"), "\"404 page not found\"");
  EXPECT_EQ(ExcerptOfPage("<html>x"), "\"<html>x\"");
}

}  // namespace
}  // namespace objectpipes
