// A cluster of one proxy and one target on loopback, and an AisTransport that uses it.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ais/ais_transport.h"
#include "testing/loop_test.h"
#include "testing/loopback_server.h"
#include "testing/reply_handlers.h"

namespace objectpipes::ais {

using Kind = RetryHint::Kind;
using Peer = LoopbackServer::Peer;

// In place of replies: the connection is closed, or nothing happens on it.
inline constexpr char kHangUp[] = "hang up";
inline constexpr char kSilence[] = "silence";
// A reply that contains this goes on until the client leaves.
inline constexpr char kEndless[] = "content-length: 1000000000000";

// A node of a cluster. What a test does not set is answered as a plain cluster would.
class Node {
 public:
  explicit Node(std::function<std::string(const std::string&)> answer)
      : answer_(std::move(answer)), server_([this](Peer* peer) {
          for (auto head = peer->ReadRequest(); !head.empty(); head = peer->ReadRequest()) {
            const std::string reply = answer_(head);
            if (reply == kSilence) return peer->AwaitEnd();
            if (reply == kHangUp || !peer->Send(reply)) return;
            const bool endless = reply.find(kEndless) != std::string::npos;
            while (endless && peer->Send(std::string(10'000, ' '))) {
            }
          }
        }) {}

  std::string url() const { return server_.url(""); }

  // The requests for objects, from their first line on.
  std::vector<std::string> reads() const {
    std::vector<std::string> found;
    for (const std::string& request : server_.requests()) {
      if (request.find(" /v1/objects/") != std::string::npos) found.push_back(request);
    }
    return found;
  }
  std::vector<std::string> requests() const { return server_.requests(); }

 private:
  const std::function<std::string(const std::string&)> answer_;
  LoopbackServer server_;
};

inline std::string LineOf(const std::string& request) {
  return request.substr(0, request.find("\r\n"));
}

inline bool Asks(const std::string& request, const std::string& path) {
  return LineOf(request).find(" " + path) != std::string::npos;
}

inline std::string Error(const std::string& status, const std::string& tcode,
                         const std::string& message) {
  const std::string body = R"({"tcode":")" + tcode + R"(","message":")" + message + "\"}";
  return "HTTP/1.1 " + status + "\r\ncontent-length: " + std::to_string(body.size()) + "\r\n\r\n" +
         body;
}

inline std::string Found(const std::string& body) {
  return Reply(body, "ais-version: 1\r\nais-checksum-type: none\r\n");
}

// A cluster of one proxy and one target, which both say what a test tells them to.
class AisTest : public LoopTest {
 protected:
  AisTest()
      : target_([this](const std::string& request) {
          for (const auto& [key, reply] : objects_) {
            if (Asks(request, "/v1/objects/b/" + key + "?")) return reply;
          }
          return Next(&target_replies_).value_or(Found("body of " + LineOf(request)));
        }),
        proxy_([this](const std::string& request) {
          const std::lock_guard<std::mutex> lock(dead_mutex_);
          return dead_.empty() ? AnswerOfProxy(request) : dead_;
        }),
        other_proxy_([this](const std::string& request) { return AnswerOfProxy(request); }) {
    credentials_->Set(Credentials{"", "", "token"});
  }
  ~AisTest() override {
    OnLoop([this] { transport_.reset(); });
  }

  std::string AnswerOfProxy(const std::string& request) {
    if (Asks(request, "/v1/daemon")) {
      return shows_map_ ? Reply(Next(&maps_).value_or(Map())) : Error("403 No", "", "no");
    }
    if (Asks(request, "/v1/buckets") && request.rfind("HEAD", 0) == 0) {
      const std::string props = R"({"checksum":{"type":"xxhash2","enable_read_range":)";
      return Next(&bucket_replies_)
          .value_or("HTTP/1.1 200 OK\r\ncontent-length: 0\r\nais-bucket-props: " + props +
                    (checksums_ranges_ ? "true" : "false") + "}}\r\n\r\n");
    }
    if (request.find("\"flags\":\"8\"") != std::string::npos) {
      return Next(&member_pages_).value_or(Error("500 Broken", "", "no page"));
    }
    return Next(&proxy_replies_).value_or(RedirectTo(target_.url() + "/v1/objects/b/k?pid=p"));
  }

  std::string Map(int version = 1) const {
    const std::string target = R"({"public_net":{"direct_url":")" + target_.url() +
                               R"("},"daemon_id":"t1","flags":0,"id_digest":7})";
    const std::string proxy =
        R"({"public_net":{"direct_url":")" + other_proxy_.url() + R"("},"daemon_id":"p1"})";
    return R"({"pmap":{"p1":)" + proxy + R"(},"proxy_si":)" + proxy + R"(,"tmap":{"t1":)" + target +
           R"(},"uuid":"u","version":")" + std::to_string(version) + "\"}";
  }

  static std::string RedirectTo(const std::string& location) {
    return "HTTP/1.1 301 Moved Permanently\r\nlocation: " + location +
           "\r\ncontent-length: 4\r\n\r\nhtml";
  }

  std::optional<std::string> Next(std::vector<std::string>* replies) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (replies->empty()) return std::nullopt;
    std::string reply = std::move(replies->front());
    replies->erase(replies->begin());
    return reply;
  }

  AisTransport* transport() {
    if (transport_ == nullptr) {
      Options options;
      options.endpoint_url = endpoint_url_.empty() ? proxy_.url() : endpoint_url_;
      options.read.etl_name = etl_name_;
      options.http.stall_timeout_ms = stall_timeout_ms_;
      transport_ = std::make_unique<AisTransport>(&loop_.http(), options, credentials_);
    }
    return transport_.get();
  }

  std::unique_ptr<Getter> Get(const GetRequest& request) {
    auto getter = std::make_unique<Getter>();
    OnLoop([&] { getter->exchange = transport()->StartGet(request, getter.get()); });
    EXPECT_TRUE(getter->done.Wait());
    return getter;
  }
  std::unique_ptr<Getter> Get(Route route = Route::kDefault) {
    GetRequest request = ForKey("k");
    request.route = route;
    return Get(request);
  }
  static GetRequest ForKey(const std::string& key) {
    GetRequest request;
    request.object = ObjectId{"ais/@#/b", key};
    return request;
  }
  std::unique_ptr<Lister> List(Route route = Route::kDefault) {
    ListRequest request;
    request.route = route;
    return List(request);
  }
  std::unique_ptr<Lister> List(ListRequest request) {
    request.bucket = "ais/@#/b";
    auto lister = std::make_unique<Lister>();
    OnLoop([&] { lister->exchange = transport()->StartList(request, lister.get()); });
    EXPECT_TRUE(lister->done.Wait());
    return lister;
  }

  std::shared_ptr<CredentialStore> credentials_ = std::make_shared<CredentialStore>();
  std::string endpoint_url_;  // of the proxy; empty: its own
  std::string etl_name_;
  int64_t stall_timeout_ms_ = 10'000;
  bool shows_map_ = true;
  bool checksums_ranges_ = false;
  std::mutex mutex_;  // guards what nodes say next
  std::vector<std::string> maps_;
  std::vector<std::string> bucket_replies_;
  std::map<std::string, std::string> objects_;  // what the target replies, by key, always
  std::vector<std::string> target_replies_;     // and to other reads
  std::vector<std::string> member_pages_;       // of a listing with the members of archives
  std::vector<std::string> proxy_replies_;      // to anything else
  std::mutex dead_mutex_;
  std::string dead_;  // what the proxy does instead of answering; empty: it answers
  Node target_;
  Node proxy_;
  Node other_proxy_;  // the one in the map
  std::unique_ptr<AisTransport> transport_;
};

// One page of a listing, in MessagePack. The flag tells members of archives.
inline std::string PageOf(const std::vector<std::string>& names, const std::string& token = "") {
  const auto text = [](const std::string& t) {
    return std::string("\xD9").append(1, static_cast<char>(t.size())).append(t);
  };
  std::string entries(1, static_cast<char>(0x90 + names.size()));
  for (const std::string& name : names) {
    const bool member = name.find(".tar/") != std::string::npos;
    entries.append(member ? "\x82" : "\x81").append(text("n")).append(text(name));
    if (member) entries.append(text("f")).append("\xCC\x80");
  }
  const std::string page = std::string("\x84") + text("UUID") + text("j") +
                           text("ContinuationToken") + text(token) + text("Entries") + entries +
                           text("Flags") + std::string(1, '\0');
  return Reply(page);
}

}  // namespace objectpipes::ais
