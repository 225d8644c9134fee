#include "ais/cluster_map.h"

#include <gtest/gtest.h>

#include <string>

#include "ais/json.h"

namespace objectpipes::ais {
namespace {

std::string Node(const std::string& port, const std::string& id, const std::string& flags,
                 const std::string& digest) {
  const auto net = [](const std::string& p) {
    return R"({"node_ip_addr":"127.0.0.1","daemon_port":")" + p +
           R"(","direct_url":"http://127.0.0.1:)" + p + "\"}";
  };
  return R"({"public_net":)" + net(port) + R"(,"intra_data_net":)" + net("9" + port) +
         R"(,"intra_control_net":)" + net("9" + port) + R"(,"daemon_type":"any","daemon_id":")" +
         id + R"(","flags":)" + flags + R"(,"id_digest":)" + digest + "}";
}

// The shape of `GET /v1/daemon?what=smap`, two proxies and three targets, one of them in
// maintenance.
std::string SampleMap() {
  const std::string primary = Node("1080", "p1", "2", "7");
  return R"({"ext":null,"pmap":{"p0":)" + Node("1081", "p0", "2", "8") + R"(,"p1":)" + primary +
         R"(},"proxy_si":)" + primary + R"(,"tmap":{)" + R"("TgtNode2":)" +
         Node("2082", "TgtNode2", "0", "17997606205306305568") + R"(,"TgtNode1":)" +
         Node("2081", "TgtNode1", "0", "13386960519113534127") + R"(,"TgtNode3":)" +
         Node("2083", "TgtNode3", "4", "15500086222612124736") +
         R"(},"uuid":"Z7wbgcOPg","creation_time":"2026-01-02 03:04:05","version":"12"})";
}

std::string Replace(std::string text, const std::string& from, const std::string& to) {
  const size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

TEST(ParseClusterMap, ReadsWhatPlacementNeeds) {
  const ClusterMap map = ParseClusterMap(SampleMap()).value();
  EXPECT_EQ(map.version, 12);
  EXPECT_EQ(map.uuid, "Z7wbgcOPg");
  ASSERT_EQ(map.targets.size(), 3U);
  EXPECT_EQ(map.targets[0].id, "TgtNode1");
  EXPECT_EQ(map.targets[0].url, "http://127.0.0.1:2081");
  EXPECT_TRUE(map.targets[0].holds_objects);
}

TEST(ParseClusterMap, KeepsEveryBitOfADigest) {
  const ClusterMap map = ParseClusterMap(SampleMap()).value();
  EXPECT_EQ(map.targets[0].digest, 13386960519113534127U);
  EXPECT_EQ(map.targets[1].digest, 17997606205306305568U);
}

TEST(ParseClusterMap, TellsWhichTargetsHoldNoObjects) {
  const struct {
    const char* flags;
    bool holds_objects;
  } kCases[] = {{"0", true}, {"3", true}, {"4", false}, {"8", false}, {"12", false}, {"16", true}};
  for (const auto& [flags, holds_objects] : kCases) {
    const std::string text =
        Replace(SampleMap(), R"("flags":4)", R"("flags":)" + std::string(flags));
    EXPECT_EQ(ParseClusterMap(text).value().targets[2].holds_objects, holds_objects) << flags;
  }
}

TEST(ParseClusterMap, ThePrimaryIsTheFirstProxy) {
  const ClusterMap map = ParseClusterMap(SampleMap()).value();
  ASSERT_EQ(map.proxy_urls.size(), 2U);
  EXPECT_EQ(map.proxy_urls[0], "http://127.0.0.1:1080");
  EXPECT_EQ(map.proxy_urls[1], "http://127.0.0.1:1081");
}

TEST(ParseClusterMap, AClusterWithoutTargetsIsAMap) {
  const std::string text = SampleMap();
  const size_t begin = text.find(R"("tmap":{)") + 8;
  const std::string empty = text.substr(0, begin) + text.substr(text.find(R"(},"uuid")"));
  EXPECT_TRUE(ParseClusterMap(empty).value().targets.empty());
}

TEST(ParseClusterMap, RefusesWhatIsNoMap) {
  const std::string map = SampleMap();
  const std::string cases[] = {
      "",
      "null",
      "[]",
      "{}",
      "<html>",
      map.substr(0, map.size() - 1),
      map + "x",
      Replace(map, R"("version":"12")", R"("version":12)"),
      Replace(map, R"("version":"12")", R"("version":"12x")"),
      Replace(map, R"("version":"12")", R"("version":"")"),
      Replace(map, R"("version":"12")", R"("version":"99999999999999999999")"),
      Replace(map, R"("uuid":)", R"("uid":)"),
      Replace(map, R"("proxy_si":)", R"("proxy":)"),
      Replace(map, R"("pmap":)", R"("p":)"),
      Replace(map, R"("tmap":)", R"("t":)"),
      Replace(map, R"("tmap":{)", R"("tmap":{"x":null,)"),
      Replace(map, "17997606205306305568", "179976062053063055680"),
      Replace(map, "17997606205306305568", "-1"),
      Replace(map, "17997606205306305568", "1.5"),
      Replace(map, "17997606205306305568", "\"1\""),
      Replace(map, R"("flags":4)", R"("flags":"4")"),
      Replace(map, R"("direct_url":"http://127.0.0.1:2082")", R"("direct_url":"")"),
      Replace(map, R"("direct_url":"http://127.0.0.1:2082")", R"("direct_url":7)"),
      Replace(map, R"("direct_url":"http://127.0.0.1:1081")", R"("direct_url":"file:///x")"),
      Replace(map, R"("direct_url":"http://127.0.0.1:1081")", R"("direct_url":"http://h/x y")"),
      Replace(map, R"("direct_url":"http://127.0.0.1:1081")", R"("direct_url":"http://u:p@h")"),
      Replace(map, R"("direct_url":"http://127.0.0.1:1081")", R"("direct_url":"http://h/?x")"),
      Replace(map, R"("direct_url":"http://127.0.0.1:1081")",
              R"("direct_url":"http://h/x HTTP/1.1\r\nhost: a\r\n\r\nPUT /secret")"),
      Replace(map, R"("direct_url":"http://127.0.0.1:2082")", R"("direct_url":"http://h\u0000/")"),
      std::string(100000, '['),
  };
  for (const std::string& text : cases) {
    EXPECT_EQ(ParseClusterMap(text).status().code(), StatusCode::kProtocol) << text.substr(0, 2000);
  }
}

// Each would take a hundred times its size in memory.
TEST(ClusterMap, RefusesWhatIsDeepOrHasVeryManyValues) {
  const std::string deep = R"({"version":"3","a":)" + std::string(1'000'000, '[');
  EXPECT_EQ(ParseClusterMap(deep).status().code(), StatusCode::kProtocol);
  std::string deep_but_closed = std::string(1000, '[') + std::string(1000, ']');
  EXPECT_FALSE(IsModestJson(deep_but_closed));
  std::string many = "[0";
  for (int i = 0; i < 300'000; ++i) many += ",0";
  EXPECT_FALSE(IsModestJson(many + "]"));
  std::string names = "{\"a\":0";
  for (int i = 0; i < 100'000; ++i) names += ",\"a\":{}";
  EXPECT_FALSE(IsModestJson(names + "}"));
  EXPECT_TRUE(IsModestJson(R"({"a":"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\"[[[[","b":[1,2]})"));
}

}  // namespace
}  // namespace objectpipes::ais
