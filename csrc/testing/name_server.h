// A name server on 127.0.0.1 that answers what a test tells it to.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <thread>
#include <vector>

namespace objectpipes {

class NameServer {
 public:
  struct Answer {
    bool silent = false;
    bool exists = true;
    std::vector<std::string> addresses = {};  // IPv4 for questions of type A, IPv6 for AAAA
    uint32_t ttl = 30;
    int delay_ms = 0;
  };

  // `answer`: to a question for a name ("store.test"), called on the server's thread.
  explicit NameServer(std::function<Answer(const std::string&)> answer);
  ~NameServer();
  NameServer(const NameServer&) = delete;
  NameServer& operator=(const NameServer&) = delete;

  std::string address() const;  // "127.0.0.1:port"
  // Questions of type A so far.
  int questions() const { return questions_; }

 private:
  void Run();

  const std::function<Answer(const std::string&)> answer_;
  int socket_;
  int port_ = 0;
  std::atomic<bool> closing_{false};
  std::atomic<int> questions_{0};
  std::thread thread_;
};

}  // namespace objectpipes
