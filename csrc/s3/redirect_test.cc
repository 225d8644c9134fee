#include "s3/redirect.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace objectpipes {
namespace {

std::string Resolved(std::string_view from, std::string_view location) {
  const Result<HttpUrl> to = ResolveRedirect(ParseHttpUrl(from).value(), location);
  return to.ok() ? to.value().text() : "";
}

TEST(Redirect, LeadsWhereItsReferenceDoes) {
  const char from[] = "http://h:1/b/a%20k?x=1";
  EXPECT_EQ(Resolved(from, "http://g:2/b/a%20k?y"), "http://g:2/b/a%20k?y");
  EXPECT_EQ(Resolved(from, "/other"), "http://h:1/other");
  EXPECT_EQ(Resolved(from, "other"), "http://h:1/b/other");
  EXPECT_EQ(Resolved(from, "../c/./k"), "http://h:1/c/k");
  EXPECT_EQ(Resolved(from, "//g/x"), "http://g/x");
  EXPECT_EQ(Resolved(from, "?y"), "http://h:1/b/a%20k?y");
  EXPECT_EQ(Resolved(from, "ftp://g/x"), "");
  EXPECT_EQ(Resolved(from, "/x\r\ny"), "");
}

// As aisnode writes it: the name in the middle is not encoded.
TEST(Redirect, MeansThePathItWasAskedFor) {
  for (const auto& [path, name] : std::initializer_list<std::pair<const char*, const char*>>{
           {"/s3/b/k", "/s3/b/k"},
           {"/s3/b/a%20k", "/s3/b/a k"},
           {"/s3/b/a%2520k", "/s3/b/a%20k"},
           {"/s3/b/100%25", "/s3/b/100%"},
           {"/s3/b/what%3Fx%3D1", "/s3/b/what?x=1"},
           {"/s3/b/%3F%3F", "/s3/b/?\?"},
           {"/s3/b/a%23b", "/s3/b/a#b"},
           {"/s3/b/a/../b", "/s3/b/a/../b"},
           {"/s3/b/a//b", "/s3/b/a//b"},
           {"/s3/b/%C3%A4%26pid%3D1", "/s3/b/\xC3\xA4&pid=1"},
           {"/s3/b/a%01b",
            "/s3/b/a\x01"
            "b"}}) {
    const std::string from = std::string("http://h:1") + path;
    for (const char* const begin : {"?", "&"}) {
      EXPECT_EQ(Resolved(from, "http://h:2" + std::string(name) + begin + "pid=p1&utm=u"),
                "http://h:2" + std::string(path) + "?pid=p1&utm=u");
    }
    EXPECT_EQ(Resolved(from, name), from);
  }
  EXPECT_EQ(Resolved("http://h/b/k", "http://h/b/k2?pid=p"), "http://h/b/k2?pid=p");
  EXPECT_EQ(Resolved("http://h/b/a%20k", "http://h/b/a%20k?pid=p"), "http://h/b/a%20k?pid=p");
  EXPECT_EQ(Resolved("http://h/b/k", "http://h/b/k?pid=\r\n"), "");
}

TEST(Redirect, TrustsTheEndpointAndNobodyElse) {
  EXPECT_TRUE(IsHostOf("store.example", "b", "store.example"));
  EXPECT_TRUE(IsHostOf("store.example", "b", "b.store.example"));
  EXPECT_TRUE(IsHostOf("127.0.0.1", "b", "127.0.0.1"));
  for (const char* const host :
       {"evil.example", "c.store.example", "store.example.evil", "evilstore.example",
        "bstore.example", "b.b.store.example", "127.0.0.1", "", "."}) {
    EXPECT_FALSE(IsHostOf("store.example", "b", host)) << host;
  }
}

TEST(Redirect, TrustsEndpointsOfOtherRegions) {
  EXPECT_TRUE(IsHostOf("{region}.store.example", "b", "eu-1.store.example"));
  EXPECT_TRUE(IsHostOf("{region}.store.example", "b", "b.eu-1.store.example"));
  EXPECT_FALSE(IsHostOf("{region}.store.example", "b", "c.eu-1.store.example"));
  EXPECT_FALSE(IsHostOf("{region}.store.example", "b", ".store.example"));
  EXPECT_FALSE(IsHostOf("{region}.store.example", "b", "store.example"));
}

TEST(Redirect, KnowsWhichHostsOfAwsAreS3) {
  for (const char* const endpoint :
       {"s3.{region}.amazonaws.com", "s3.amazonaws.com", "s3.dualstack.{region}.amazonaws.com",
        "s3.eu-west-1.amazonaws.com"}) {
    for (const char* const host :
         {"s3.amazonaws.com", "s3.us-west-2.amazonaws.com", "s3-us-west-2.amazonaws.com",
          "s3.dualstack.us-west-2.amazonaws.com", "s3-fips.us-west-2.amazonaws.com",
          "b.s3.us-west-2.amazonaws.com", "b.s3-us-west-2.amazonaws.com",
          "s3.cn-north-1.amazonaws.com.cn"}) {
      EXPECT_TRUE(IsHostOf(endpoint, "b", host)) << host;
    }
    for (const char* const host :
         {"evil.s3.us-west-2.amazonaws.com", "s3-evil.us-west-2.elb.amazonaws.com",
          "b.s3.us-west-2.elb.amazonaws.com", "ec2-1-2-3-4.compute-1.amazonaws.com",
          "s3.amazonaws.com.evil", "s3.us-west-2.evilamazonaws.com", "amazonaws.com"}) {
      EXPECT_FALSE(IsHostOf(endpoint, "b", host)) << host;
    }
  }
  EXPECT_FALSE(IsHostOf("store.example", "b", "s3.amazonaws.com"));
}

TEST(Redirect, ARegionIsAName) {
  for (const char* const region : {"us-east-1", "RegionOne", "default", "a_b"}) {
    EXPECT_TRUE(IsRegion(region)) << region;
  }
  for (const std::string& region :
       {std::string(), std::string("a.b"), std::string("a/b"), std::string("a@b"),
        std::string("a b"), std::string("a\r\nb"), std::string("a\0b", 3), std::string(65, 'a')}) {
    EXPECT_FALSE(IsRegion(region)) << region;
  }
}

}  // namespace
}  // namespace objectpipes
