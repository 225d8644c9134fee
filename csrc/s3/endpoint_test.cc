#include "s3/endpoint.h"

#include <gtest/gtest.h>

#include <string>

#include "base/uri.h"

namespace objectpipes {
namespace {

Endpoint Parse(const char* url, Addressing addressing = Addressing::kPath) {
  return ParseEndpoint(url, addressing).value();
}

TEST(ParseEndpoint, TakesTheUrlApart) {
  const Endpoint endpoint = Parse("HTTPS://Minio.Example:9000/S3/");
  EXPECT_EQ(endpoint.scheme, "https");
  EXPECT_EQ(endpoint.host, "minio.example");
  EXPECT_EQ(endpoint.port, 9000);
  EXPECT_EQ(endpoint.base_path, "/S3");
}

TEST(ParseEndpoint, ForgetsThePortThatTheSchemeImplies) {
  EXPECT_EQ(Parse("http://h:80").port, 0);
  EXPECT_EQ(Parse("https://h:443/").port, 0);
  EXPECT_EQ(Parse("https://h:80").port, 80);
}

TEST(ParseEndpoint, ReadsIpv6Addresses) {
  EXPECT_EQ(Parse("http://[::1]").host, "[::1]");
  EXPECT_EQ(Parse("http://[::1]").port, 0);
  EXPECT_EQ(Parse("http://[::1]:9000").host, "[::1]");
  EXPECT_EQ(Parse("http://[::1]:9000").port, 9000);
}

TEST(ParseEndpoint, WritesTheBasePathAsItWillBeSigned) {
  EXPECT_EQ(Parse("http://h/a%2bb!//").base_path, "/a%2Bb%21");
  EXPECT_EQ(Parse("http://h/").base_path, "");
}

TEST(ParseEndpoint, IpAddressesHaveNoSubdomains) {
  for (const char* url : {"http://127.0.0.1:9000", "http://[::1]"}) {
    EXPECT_EQ(Parse(url, Addressing::kVirtual).addressing, Addressing::kPath) << url;
  }
  for (const char* url : {"http://localhost", "http://minio1", "http://127.0.0.example."}) {
    EXPECT_EQ(Parse(url, Addressing::kVirtual).addressing, Addressing::kVirtual) << url;
  }
}

TEST(ParseEndpoint, RefusesWhatIsNoEndpoint) {
  for (const char* url : {"",
                          "host",
                          "host:9000",
                          "s3://bucket",
                          "http:/h",
                          "http://",
                          "http:///path",
                          "http://:80",
                          "http://h:",
                          "http://h:0",
                          "http://h:65536",
                          "http://h:80x",
                          "http://h:-1",
                          "http://a b",
                          "http://h?x",
                          "http://h/p?x",
                          "http://h/#f",
                          "http://[::1",
                          "http://::1",
                          "http://[]",
                          "http://[::1]x",
                          "http://h/%zz",
                          "http://h\n",
                          "http://[::1]]:80"}) {
    EXPECT_EQ(ParseEndpoint(url, Addressing::kPath).status().code(), StatusCode::kConfig) << url;
  }
}

TEST(ParseEndpoint, DoesNotRepeatAPassword) {
  const Status status = ParseEndpoint("http://user:secret@host", Addressing::kPath).status();
  EXPECT_EQ(status.code(), StatusCode::kConfig);
  EXPECT_EQ(status.message().find("secret"), std::string::npos);
}

TEST(MakeRequestTarget, PathStyle) {
  const Endpoint endpoint = Parse("http://127.0.0.1:9000");
  const RequestTarget object = MakeRequestTarget(endpoint, "bucket", "a/b c", "");
  EXPECT_EQ(object.url, "http://127.0.0.1:9000/bucket/a/b%20c");
  EXPECT_EQ(object.host, "127.0.0.1:9000");
  EXPECT_EQ(object.path, "/bucket/a/b%20c");

  const RequestTarget bucket = MakeRequestTarget(endpoint, "bucket", "", "list-type=2");
  EXPECT_EQ(bucket.url, "http://127.0.0.1:9000/bucket?list-type=2");
  EXPECT_EQ(bucket.path, "/bucket");
}

TEST(MakeRequestTarget, VirtualStyle) {
  const Endpoint endpoint = Parse("https://s3.example", Addressing::kVirtual);
  const RequestTarget object = MakeRequestTarget(endpoint, "bucket", "k", "versionId=1");
  EXPECT_EQ(object.url, "https://bucket.s3.example/k?versionId=1");
  EXPECT_EQ(object.host, "bucket.s3.example");
  EXPECT_EQ(object.path, "/k");
  EXPECT_EQ(MakeRequestTarget(endpoint, "bucket", "", "").url, "https://bucket.s3.example/");
}

TEST(MakeRequestTarget, BucketsThatAreNoDnsLabelKeepPathStyle) {
  const Endpoint endpoint = Parse("https://h", Addressing::kVirtual);
  for (const std::string bucket : {"with.dot", "Upper", "under_score", "ab", "-abc", "abc-"}) {
    EXPECT_EQ(MakeRequestTarget(endpoint, bucket, "k", "").url, "https://h/" + bucket + "/k");
  }
  const std::string longest(63, 'b');
  EXPECT_EQ(MakeRequestTarget(endpoint, longest, "k", "").url, "https://" + longest + ".h/k");
  EXPECT_EQ(MakeRequestTarget(endpoint, longest + "b", "k", "").path, "/" + longest + "b/k");
  EXPECT_EQ(MakeRequestTarget(endpoint, "a/b?c", "k", "").url, "https://h/a%2Fb%3Fc/k");
}

TEST(MakeRequestTarget, BasePathComesFirst) {
  EXPECT_EQ(MakeRequestTarget(Parse("http://h/s3"), "bkt", "k", "").url, "http://h/s3/bkt/k");
  EXPECT_EQ(MakeRequestTarget(Parse("http://h/s3", Addressing::kVirtual), "bkt", "k", "").url,
            "http://bkt.h/s3/k");
}

TEST(MakeRequestTarget, NeverNormalisesTheKey) {
  const Endpoint endpoint = Parse("http://h");
  for (const std::string key :
       {"a//b", "/a", "//", "a/../b", "..", ".", "./a", "a/.", "a/", "a/./"}) {
    EXPECT_EQ(MakeRequestTarget(endpoint, "bkt", key, "").path, "/bkt/" + key);
  }
}

TEST(MakeRequestTarget, CarriesAnyKeyOfAnyBytes) {
  std::string key;
  for (int i = 0; i < 1024; ++i) key.push_back(static_cast<char>(i % 256));
  const RequestTarget target = MakeRequestTarget(Parse("http://h"), "bkt", key, "");
  EXPECT_EQ(UriDecode(target.path).value(), "/bkt/" + key);
  EXPECT_EQ(target.url, "http://h" + target.path);
}

}  // namespace
}  // namespace objectpipes
