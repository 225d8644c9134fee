// For tests that ask S3Transport and see what it sends.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "s3/s3_transport.h"
#include "testing/loop_test.h"
#include "testing/loopback_server.h"
#include "testing/reply_handlers.h"

namespace objectpipes {

// By which a reply is known to be that of a store.
inline constexpr char kETag[] = "etag: \"v\"\r\n";

class S3TransportTest : public LoopTest {
 protected:
  // A server that gives these replies, one after the other.
  S3TransportTest()
      : server_([this](LoopbackServer::Peer* peer) {
          while (!peer->ReadRequest().empty() && next_reply_ < replies_.size()) {
            if (!peer->Send(replies_[next_reply_++])) return;
            while (endless_ && peer->Send(std::string(10'000, ' '))) {
            }
          }
        }) {
    credentials_->Set(Credentials{"AKID", "secret", ""});
  }
  ~S3TransportTest() override {
    OnLoop([this] { transport_.reset(); });
  }

  Transport* transport() {
    if (transport_ == nullptr) {
      S3Options options = options_;
      if (options.endpoint_url.empty()) options.endpoint_url = server_.url("");
      options.http.stall_timeout_ms = 10'000;
      options.http.requests = &requests_;
      auto made = S3Transport::Create(&loop_.http(), options, credentials_);
      EXPECT_TRUE(made.ok()) << made.status().message();
      transport_ = std::move(made).value();
    }
    return transport_.get();
  }

  std::unique_ptr<Getter> Get(const GetRequest& request) {
    auto getter = std::make_unique<Getter>();
    OnLoop([&] { getter->exchange = transport()->StartGet(request, getter.get()); });
    EXPECT_TRUE(getter->done.Wait());
    return getter;
  }
  std::unique_ptr<Getter> Get() {
    GetRequest request;
    request.object = ObjectId{"bucket", "a/b c"};
    return Get(request);
  }
  std::unique_ptr<Lister> List(const std::string& bucket = "bucket",
                               const std::string& prefix = "p/") {
    ListRequest request;
    request.bucket = bucket;
    request.prefix = prefix;
    auto lister = std::make_unique<Lister>();
    OnLoop([&] { lister->exchange = transport()->StartList(request, lister.get()); });
    EXPECT_TRUE(lister->done.Wait());
    return lister;
  }

  // The value of a field of the request that was the n-th.
  std::string Sent(size_t number, const std::string& field) const {
    const std::string request = server_.requests()[number];
    const size_t begin = request.find("\r\n" + field + ": ");
    if (begin == std::string::npos) return "";
    const size_t value = begin + field.size() + 4;
    return request.substr(value, request.find("\r\n", value) - value);
  }
  std::string SentLine(size_t number) const {
    const std::string request = server_.requests()[number];
    return request.substr(0, request.find("\r\n"));
  }

  std::shared_ptr<CredentialStore> credentials_ = std::make_shared<CredentialStore>();
  S3Options options_;
  std::vector<std::string> replies_;
  std::atomic<size_t> next_reply_{0};
  std::atomic<bool> endless_{false};  // every reply has more body than anybody wants
  std::atomic<uint64_t> requests_{0};
  std::unique_ptr<Transport> transport_;
  LoopbackServer server_;
};

}  // namespace objectpipes
