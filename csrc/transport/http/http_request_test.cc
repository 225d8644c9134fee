#include "transport/http/http_request.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace objectpipes {
namespace {

Result<std::string> Text(const HttpRequest& request, std::string_view proxy = "") {
  return RequestText(request, "test", HttpProxy::Parse(proxy).value());
}

HttpRequest RequestOf(std::string_view url) {
  HttpRequest request;
  request.url = url;
  return request;
}

TEST(HttpRequest, IsSentAsItIs) {
  HttpRequest request = RequestOf("http://h:1/b//a/../%41?x=%2F&y");
  request.headers = {"range: bytes=0-9", "x-amz-meta: \xC3\xA4 a\tb: c"};
  EXPECT_EQ(Text(request).value(),
            "GET /b//a/../%41?x=%2F&y HTTP/1.1\r\nhost: h:1\r\nuser-agent: test\r\n"
            "range: bytes=0-9\r\nx-amz-meta: \xC3\xA4 a\tb: c\r\n\r\n");
  request = RequestOf("https://h");
  request.method = HttpRequest::Method::kHead;
  EXPECT_EQ(Text(request).value(), "HEAD / HTTP/1.1\r\nhost: h\r\nuser-agent: test\r\n\r\n");
  request = RequestOf("http://h?x=/");
  request.body = "{\r\n}";
  EXPECT_EQ(Text(request).value(),
            "GET /?x=/ HTTP/1.1\r\nhost: h\r\nuser-agent: test\r\ncontent-length: 4\r\n\r\n{\r\n}");
}

TEST(HttpRequest, AProxyIsToldTheWholeUrl) {
  EXPECT_EQ(Text(RequestOf("http://h/k"), "http://p:1").value(),
            "GET http://h/k HTTP/1.1\r\nhost: h\r\nuser-agent: test\r\n\r\n");
}

TEST(HttpRequest, NothingInTheUrlEndsTheLine) {
  for (int c = 0; c < 256; ++c) {
    const std::string byte(1, static_cast<char>(c));
    const bool fits = c > ' ' && c < 0x7F;
    for (const std::string& url : {"http://h/a" + byte + "b", "http://h" + byte + "b/",
                                   "http://h/?a" + byte, byte + "http://h/"}) {
      const Result<std::string> text = Text(RequestOf(url));
      EXPECT_EQ(text.ok(), fits) << c;
      if (fits || text.ok()) continue;
      EXPECT_EQ(text.status().code(), StatusCode::kInvalidArgument);
    }
  }
  for (const char* const url : {"", "h", "/path", "http://"}) {
    EXPECT_FALSE(Text(RequestOf(url)).ok()) << url;
  }
}

TEST(HttpRequest, NothingInAFieldEndsTheLine) {
  for (int c = 0; c < 256; ++c) {
    const std::string byte(1, static_cast<char>(c));
    const bool fits = (c >= ' ' && c != 0x7F) || c == '\t';
    for (const std::string& value : {"a" + byte + "b", byte, "a" + byte}) {
      HttpRequest request = RequestOf("http://h/");
      request.headers = {"x-amz-security-token: " + value};
      const Result<std::string> text = Text(request);
      EXPECT_EQ(text.ok(), fits) << c;
      if (text.ok()) continue;
      EXPECT_EQ(text.status().code(), StatusCode::kConfig);
      EXPECT_NE(text.status().message().find("x-amz-security-token"), std::string::npos);
    }
  }
  for (const char* const header : {"", ": y", "x : y", "x\n: y", "x\r\ny: z", " x: y"}) {
    HttpRequest request = RequestOf("http://h/");
    request.headers = {header};
    EXPECT_EQ(Text(request).status().code(), StatusCode::kConfig) << header;
  }
  EXPECT_FALSE(RequestText(RequestOf("http://h/"), "a\nb", HttpProxy()).ok());
}

}  // namespace
}  // namespace objectpipes
