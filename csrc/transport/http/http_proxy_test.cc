#include "transport/http/http_proxy.h"

#include <gtest/gtest.h>

namespace objectpipes {
namespace {

TEST(HttpProxy, ForwardsWhatIsNotEncrypted) {
  for (const char* url : {"http://proxy:3128", "proxy:3128", "https://proxy", "me:pw@proxy"}) {
    const HttpProxy proxy = HttpProxy::Parse(url).value();
    EXPECT_TRUE(proxy.Forwards("http://store:9000")) << url;
    EXPECT_FALSE(proxy.Forwards("https://store:9000")) << url;
  }
  EXPECT_FALSE(HttpProxy::Parse("").value().Forwards("http://store:9000"));
  EXPECT_FALSE(HttpProxy().Forwards("http://store:9000"));
}

TEST(HttpProxy, HasHostAndPort) {
  const auto reached = [](const char* url) {
    const RemoteHost remote = HttpProxy::Parse(url).value().remote().value();
    return (remote.tls ? "tls " : "") + remote.ToString();
  };
  EXPECT_EQ(reached("proxy"), "proxy:80");
  EXPECT_EQ(reached("http://proxy/"), "proxy:80");
  EXPECT_EQ(reached("https://me:pw@proxy"), "tls proxy:443");
  EXPECT_EQ(reached("https://[::1]:3128/x"), "tls [::1]:3128");
}

TEST(HttpProxy, AuthorizesTheUserOfItsUrl) {
  const auto authorization = [](const char* url) {
    return HttpProxy::Parse(url).value().authorization();
  };
  EXPECT_EQ(authorization("http://me:pass%20w%3Ard@proxy"), "Basic bWU6cGFzcyB3OnJk");
  EXPECT_EQ(authorization("me@proxy:3128"), "Basic bWU6");
  EXPECT_EQ(authorization("http://me:p@ss@proxy"), "Basic bWU6cEBzcw==");
  EXPECT_EQ(authorization("http://proxy"), "");
}

TEST(HttpProxy, RefusesWhatItCannotSpeakTo) {
  for (const char* url : {"socks5://proxy", "http://", "http://me:%zz@proxy", "proxy:port",
                          "http://proxy:0", "http://proxy:99999", "http://[::1"}) {
    EXPECT_EQ(HttpProxy::Parse(url).status().code(), StatusCode::kConfig) << url;
  }
  const Status status = HttpProxy::Parse("http://me:secret@proxy:port").status();
  EXPECT_EQ(status.message().find("secret"), std::string::npos);
}

}  // namespace
}  // namespace objectpipes
