#include "transport/http/http_proxy.h"

#include <gtest/gtest.h>

namespace objectpipes {
namespace {

TEST(HttpProxy, ForwardsWhatIsNotEncrypted) {
  for (const char* url : {"http://proxy:3128", "proxy:3128", "https://proxy", "me:pw@proxy"}) {
    EXPECT_TRUE(HttpProxy(url).Forwards("http://store:9000")) << url;
    EXPECT_FALSE(HttpProxy(url).Forwards("https://store:9000")) << url;
  }
  for (const char* url : {"", "socks5://proxy", "socks5h://proxy:1080"}) {
    EXPECT_FALSE(HttpProxy(url).Forwards("http://store:9000")) << url;
  }
}

TEST(HttpProxy, MayBeReachedByTls) {
  EXPECT_TRUE(HttpProxy("https://proxy").tls());
  EXPECT_FALSE(HttpProxy("http://proxy").tls());
  EXPECT_FALSE(HttpProxy("proxy").tls());
  EXPECT_FALSE(HttpProxy("").tls());
}

TEST(HttpProxy, AuthorizesTheUserOfItsUrl) {
  EXPECT_EQ(HttpProxy("http://me:pass%20w%3Ard@proxy").authorization(), "Basic bWU6cGFzcyB3OnJk");
  EXPECT_EQ(HttpProxy("me@proxy:3128").authorization(), "Basic bWU6");
  EXPECT_EQ(HttpProxy("http://me:p@ss@proxy").authorization(), "Basic bWU6cEBzcw==");
  EXPECT_EQ(HttpProxy("http://proxy").authorization(), "");
  EXPECT_EQ(HttpProxy("http://me:%zz@proxy").authorization(), "");
}

}  // namespace
}  // namespace objectpipes
