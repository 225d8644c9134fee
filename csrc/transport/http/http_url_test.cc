#include "transport/http/http_url.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>

namespace objectpipes {
namespace {

std::string Parsed(std::string_view text) {
  const Result<HttpUrl> url = ParseHttpUrl(text);
  EXPECT_TRUE(url.ok()) << text;
  return url.ok() ? url.value().text() : "";
}

TEST(HttpUrl, IsTakenApart) {
  const HttpUrl url = ParseHttpUrl("HTTPS://Store.Example:8443/a%20b?x=1&y#part").value();
  EXPECT_EQ(url.scheme, "https");
  EXPECT_TRUE(url.is_tls());
  EXPECT_EQ(url.host, "store.example");
  EXPECT_EQ(url.authority, "store.example:8443");
  EXPECT_EQ(url.path, "/a%20b");
  EXPECT_EQ(url.query, "x=1&y");
  EXPECT_EQ(url.origin(), "https://store.example:8443");
}

TEST(HttpUrl, NamesAServerByItsHostAndPort) {
  EXPECT_EQ(HostAndPortOf("http://h/a:b?c"), "h:80");
  EXPECT_EQ(HostAndPortOf("HTTPS://s3.{region}.example?x"), "s3.{region}.example:443");
  EXPECT_EQ(HostAndPortOf("https://[::1]:8443"), "[::1]:8443");
  for (const char* const text : {"", "h:80", "ftp://h", "http://", "http://user:word@h"}) {
    EXPECT_EQ(HostAndPortOf(text), "") << text;
  }
}

TEST(HttpUrl, LeavesOutWhatGoesWithoutSaying) {
  EXPECT_EQ(Parsed("http://h:80"), "http://h/");
  EXPECT_EQ(Parsed("https://h:443/"), "https://h/");
  EXPECT_EQ(Parsed("http://h:443/"), "http://h:443/");
  EXPECT_EQ(Parsed("http://h:/x"), "http://h/x");
  EXPECT_EQ(Parsed("http://h?q"), "http://h/?q");
  EXPECT_EQ(Parsed("http://h#f"), "http://h/");
  EXPECT_EQ(Parsed("http://[::1]:8080/x"), "http://[::1]:8080/x");
}

TEST(HttpUrl, EncodesWhatDoesNotBelongThere) {
  EXPECT_EQ(Parsed("http://h/a b/\xC3\xA4\"?x=<1>"), "http://h/a%20b/%C3%A4%22?x=%3C1%3E");
  EXPECT_EQ(Parsed("http://h/%zz%20+"), "http://h/%zz%20+") << "what is encoded stays so";
}

TEST(HttpUrl, RefusesWhatIsNone) {
  using namespace std::string_view_literals;
  for (const std::string_view text : {""sv,
                                      "h"sv,
                                      "/path"sv,
                                      "//h/"sv,
                                      "http:"sv,
                                      "http:/h"sv,
                                      "http:h/"sv,
                                      "http://"sv,
                                      "http:///x"sv,
                                      "http://:80/"sv,
                                      "http://?x"sv,
                                      "ftp://h/"sv,
                                      "file:///etc/passwd"sv,
                                      "javascript:x"sv,
                                      "http://user@h/"sv,
                                      "http://user:pass@h/"sv,
                                      "http://h:0/"sv,
                                      "http://h:65536/"sv,
                                      "http://h:x/"sv,
                                      "http://h:-1/"sv,
                                      "http://h:1:2/"sv,
                                      "http://h h/"sv,
                                      "http://h\\x/"sv,
                                      "http://[::1/"sv,
                                      "http://[::1]x/"sv,
                                      "http://[x]/"sv,
                                      "http://h%41/"sv,
                                      "http://\xC3\xA4/"sv,
                                      "http://h/a\r\nb"sv,
                                      "http://h/a\nb"sv,
                                      "http://h/a\tb"sv,
                                      "http://h/a\0b"sv,
                                      "http://h\r\n/"sv,
                                      "http://h/\x7F"sv,
                                      " http://h/"sv,
                                      "1http://h/"sv}) {
    const Result<HttpUrl> url = ParseHttpUrl(text);
    ASSERT_FALSE(url.ok()) << text;
    EXPECT_EQ(url.status().code(), StatusCode::kProtocol);
  }
}

// RFC 3986, 5.4, with schemes of ours, and without fragments.
TEST(HttpUrl, ResolvesReferences) {
  const HttpUrl base = ParseHttpUrl("http://a/b/c/d;p?q").value();
  for (const auto& [reference, expected] :
       std::initializer_list<std::pair<const char*, const char*>>{
           {"https://x/y", "https://x/y"},
           {"g", "http://a/b/c/g"},
           {"./g", "http://a/b/c/g"},
           {"g/", "http://a/b/c/g/"},
           {"/g", "http://a/g"},
           {"//g", "http://g/"},
           {"//g:9/h?i", "http://g:9/h?i"},
           {"?y", "http://a/b/c/d;p?y"},
           {"g?y", "http://a/b/c/g?y"},
           {"#s", "http://a/b/c/d;p?q"},
           {"g#s", "http://a/b/c/g"},
           {"g?y#s", "http://a/b/c/g?y"},
           {";x", "http://a/b/c/;x"},
           {"g;x?y#s", "http://a/b/c/g;x?y"},
           {"", "http://a/b/c/d;p?q"},
           {".", "http://a/b/c/"},
           {"./", "http://a/b/c/"},
           {"..", "http://a/b/"},
           {"../", "http://a/b/"},
           {"../g", "http://a/b/g"},
           {"../..", "http://a/"},
           {"../../g", "http://a/g"},
           {"../../../g", "http://a/g"},
           {"../../../../g", "http://a/g"},
           {"/./g", "http://a/g"},
           {"/../g", "http://a/g"},
           {"g.", "http://a/b/c/g."},
           {"..g", "http://a/b/c/..g"},
           {"./../g", "http://a/b/g"},
           {"./g/.", "http://a/b/c/g/"},
           {"g/./h", "http://a/b/c/g/h"},
           {"g/../h", "http://a/b/c/h"},
           {"g;x=1/../y", "http://a/b/c/y"},
           {"g?y/../x", "http://a/b/c/g?y/../x"},
           {"/a//b/../c", "http://a/a//c"},
           {"g:h/i", nullptr},
           {"http:g", nullptr},
           {"mailto:x@y", nullptr},
           {"/a\nb", nullptr},
           {"//user@h/", nullptr}}) {
    const Result<HttpUrl> url = ResolveReference(base, reference);
    ASSERT_EQ(url.ok(), expected != nullptr) << reference;
    if (expected == nullptr) continue;
    EXPECT_EQ(url.value().text(), expected) << reference;
  }
}

TEST(HttpUrl, FindsTheirPaths) {
  for (const auto& [reference, path] :
       std::initializer_list<std::pair<const char*, const char*>>{{"http://h:1/p?q", "/p?q"},
                                                                  {"//h/p", "/p"},
                                                                  {"/p", "/p"},
                                                                  {"p", "p"},
                                                                  {"?q", "?q"},
                                                                  {"http://h", ""},
                                                                  {"http://h?q", "?q"}}) {
    EXPECT_EQ(std::string_view(reference).substr(FindPath(reference)), path);
  }
}

}  // namespace
}  // namespace objectpipes
