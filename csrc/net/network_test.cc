#include "net/network.h"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "net/remote_host.h"

namespace objectpipes {
namespace {

std::vector<SocketAddress> Addresses(const std::vector<std::string>& texts) {
  std::vector<SocketAddress> addresses;
  addresses.reserve(texts.size());
  for (const std::string& text : texts) addresses.push_back(*SocketAddress::Parse(text, 80));
  return addresses;
}

TEST(SocketAddress, ParsesLiteralsOnly) {
  const auto text = [](const char* literal) {
    return SocketAddress::Parse(literal, 80).value().ToString();
  };
  EXPECT_EQ(text("10.0.0.1"), "10.0.0.1:80");
  EXPECT_EQ(text("::1"), "[::1]:80");
  EXPECT_EQ(SocketAddress::Parse("fe80::1%7", 80)->scope, 7U);
  for (const char* name : {"", "localhost", "10.0.0", "10.0.0.256", "1.2.3.4.example", "[::1]"}) {
    EXPECT_FALSE(SocketAddress::Parse(name, 80)) << name;
  }
}

TEST(AddressBook, SpreadsConnectionsOverAllAddresses) {
  AddressBook book;
  const std::vector<SocketAddress> eight =
      Addresses({"10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5", "10.0.0.6", "10.0.0.7",
                 "10.0.0.8"});
  std::map<SocketAddress, int> first;
  for (int i = 0; i < 80; ++i) {
    const std::vector<SocketAddress> order = book.Order(eight);
    ASSERT_EQ(order.size(), 8U);
    ++first[order[0]];
  }
  EXPECT_EQ(first.size(), 8U);
  for (const auto& [address, times] : first) EXPECT_EQ(times, 10) << address.ToString();
}

TEST(AddressBook, TakesFamiliesInTurn) {
  AddressBook book;
  const std::vector<SocketAddress> mixed =
      Addresses({"10.0.0.1", "10.0.0.2", "10.0.0.3", "fd00::1", "fd00::2"});
  std::vector<bool> families;
  for (const SocketAddress& address : book.Order(mixed)) families.push_back(address.is_ipv6);
  EXPECT_EQ(families, (std::vector<bool>{true, false, true, false, false}));
  book.NoteWinner(mixed[0]);
  EXPECT_FALSE(book.Order(mixed)[0].is_ipv6) << "the family that works comes first";
}

TEST(AddressBook, TriesTheDeadLast) {
  AddressBook book;
  const std::vector<SocketAddress> three = Addresses({"10.0.0.1", "10.0.0.2", "fd00::1"});
  book.NoteDead(three[0]);
  book.NoteDead(three[2]);
  for (int i = 0; i < 6; ++i) EXPECT_EQ(book.Order(three)[0], three[1]);
  book.NoteAlive(three[2]);
  EXPECT_EQ(book.Order(three)[0], three[2]);
}

TEST(RemoteHost, IsReadOutOfAnOrigin) {
  const auto text = [](const char* origin) {
    const RemoteHost host = RemoteHost::Parse(origin).value();
    return (host.tls ? "tls " : "") + host.ToString();
  };
  EXPECT_EQ(text("http://store"), "store:80");
  EXPECT_EQ(text("https://store"), "tls store:443");
  EXPECT_EQ(text("https://store:9000"), "tls store:9000");
  EXPECT_EQ(text("http://[fd00::1]"), "[fd00::1]:80");
  EXPECT_EQ(text("http://[fe80::1%25eth0]:90"), "[fe80::1%eth0]:90");
  for (const char* origin : {"", "store", "ftp://store", "http://", "http://:80", "http://s:0",
                             "http://s:65536", "http://s:x", "http://[::1", "http://[::1]80"}) {
    EXPECT_FALSE(RemoteHost::Parse(origin).ok()) << origin;
  }
}

}  // namespace
}  // namespace objectpipes
