#include "transport/http/no_proxy.h"

#include <gtest/gtest.h>

namespace objectpipes {
namespace {

bool Bypasses(const char* no_proxy, const char* origin) {
  return BypassesProxy(no_proxy, RemoteHost::Parse(origin).value());
}

TEST(NoProxy, NamesMeanAllHostsBelowThem) {
  EXPECT_FALSE(Bypasses("", "http://a"));
  EXPECT_TRUE(Bypasses("*", "http://a"));
  EXPECT_TRUE(Bypasses("b, *", "http://10.0.0.1"));
  EXPECT_TRUE(Bypasses("x,,\ty  a", "http://a:9000"));
  EXPECT_TRUE(Bypasses("A.Example", "https://a.eXAMPLE"));
  for (const char* entry : {"example.com", ".example.com", "example.com.", "EXAMPLE.com"}) {
    EXPECT_TRUE(Bypasses(entry, "http://example.com")) << entry;
    EXPECT_TRUE(Bypasses(entry, "http://s3.example.com.:80")) << entry;
    EXPECT_FALSE(Bypasses(entry, "http://notexample.com")) << entry;
    EXPECT_FALSE(Bypasses(entry, "http://com")) << entry;
  }
  EXPECT_FALSE(Bypasses("s3.example.com", "http://example.com"));
  EXPECT_FALSE(Bypasses("*.a", "http://b.a"));
  EXPECT_FALSE(Bypasses(".", "http://a"));
  EXPECT_FALSE(Bypasses(",, ,", "http://a"));
}

TEST(NoProxy, PortsNarrowAnEntry) {
  EXPECT_TRUE(Bypasses("a:9000", "http://a:9000"));
  EXPECT_FALSE(Bypasses("a:9000", "http://a"));
  EXPECT_TRUE(Bypasses("a:443", "https://a"));
  EXPECT_TRUE(Bypasses("127.0.0.1:9000", "http://127.0.0.1:9000"));
  EXPECT_FALSE(Bypasses("127.0.0.1:9001", "http://127.0.0.1:9000"));
  EXPECT_TRUE(Bypasses("[::1]:9000", "http://[::1]:9000"));
  EXPECT_FALSE(Bypasses("[::1]:1", "http://[::1]:9000"));
  EXPECT_FALSE(Bypasses("a:99999999999", "http://a"));
}

TEST(NoProxy, AddressesAndNetworks) {
  EXPECT_TRUE(Bypasses("10.0.0.0/8", "http://10.255.0.1"));
  EXPECT_TRUE(Bypasses("10.1.2.3/8", "http://10.9.9.9"));
  EXPECT_FALSE(Bypasses("10.0.0.0/8", "http://11.0.0.1"));
  EXPECT_TRUE(Bypasses("192.168.4.0/23", "http://192.168.5.255"));
  EXPECT_FALSE(Bypasses("192.168.4.0/23", "http://192.168.6.0"));
  EXPECT_TRUE(Bypasses("0.0.0.0/0", "http://8.8.8.8"));
  EXPECT_TRUE(Bypasses("10.0.0.1/32", "http://10.0.0.1"));
  for (const char* entry : {"10.0.0.0/33", "10.0.0.0/", "10.0.0.0/x", "10.0.0.0/-1", "0.0", "/8"}) {
    EXPECT_FALSE(Bypasses(entry, "http://10.0.0.0")) << entry;
  }
  EXPECT_FALSE(Bypasses("10.0.0.0/8", "http://a"));
  EXPECT_FALSE(Bypasses("10.0.0.0/8", "http://[::1]"));
  for (const char* entry : {"::1", "[::1]", "0:0:0:0:0:0:0:1", "::/0", "::1/128", "[::]/64"}) {
    EXPECT_TRUE(Bypasses(entry, "http://[::1]:9000")) << entry;
    EXPECT_FALSE(Bypasses(entry, "http://127.0.0.1")) << entry;
  }
  EXPECT_TRUE(Bypasses("fd00::/8", "http://[fd12::1]"));
  EXPECT_FALSE(Bypasses("fd00::/8", "http://[fe80::1]"));
}

}  // namespace
}  // namespace objectpipes
