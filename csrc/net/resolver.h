// Resolves names with c-ares, without threads and without blocking.
//
// It follows the machine's hosts file, resolv.conf (servers, search domains, ndots, timeouts) and
// the order of nsswitch.conf. It keeps an answer for its TTL, at most a minute.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "net/address.h"
#include "net/reactor.h"

struct ares_channeldata;
struct ares_addrinfo;

namespace objectpipes {

class Resolver {
 public:
  // The addresses, whose port is 0, if OK.
  using OnAnswer = std::function<void(const Status&, const std::vector<SocketAddress>&)>;

  // Destroy it to cancel the question.
  class Question {
   public:
    ~Question();

   private:
    friend class Resolver;
    std::list<Question*>* waiting = nullptr;  // the list that has it; null once answered
    OnAnswer on_answer;
  };

  // `servers`: "address:port,..." instead of the machine's, for tests.
  explicit Resolver(Reactor* reactor, std::string servers = "");
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  // The addresses of a name if they are known; otherwise null.
  const std::vector<SocketAddress>* Find(const std::string& name);
  // Asks for the addresses. The reactor calls the function later.
  std::unique_ptr<Question> Ask(const std::string& name, OnAnswer on_answer);
  // Forgets addresses that did not work: the next caller asks again.
  void Forget(const std::string& name);

 private:
  class Connection;
  struct Entry {
    Resolver* resolver = nullptr;
    std::string name;
    bool asked = false;
    Status outcome;
    std::vector<SocketAddress> addresses;
    int64_t expires_ms = 0;
    std::list<Question*> waiting;
  };

  static void OnFound(void* argument, int status, int timeouts, ares_addrinfo* found);
  void OnSocket(SocketHandle socket, bool readable, bool writable);
  Status OpenChannel();
  void CloseChannel();
  bool SettingsChanged();
  void Send(Entry* entry);
  void Answer(Entry* entry, Status outcome);
  void PassOnAnswers();
  void DropOldEntries();
  void Process(SocketHandle readable, SocketHandle writable);
  void SetTimer();

  Reactor* const reactor_;
  const std::string servers_;
  ares_channeldata* channel_ = nullptr;
  size_t pending_ = 0;
  bool closing_ = false;
  std::string settings_;  // the resolv.conf that the channel has read
  std::map<SocketHandle, std::unique_ptr<Connection>> connections_;
  std::map<std::string, Entry> entries_;
  std::vector<Entry*> answered_;
  Timer server_timer_;
  Timer answer_timer_;
};

}  // namespace objectpipes
