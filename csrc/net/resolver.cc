#include "net/resolver.h"

#include <ares.h>

#include <algorithm>
#include <filesystem>
#include <mutex>
#include <string_view>
#include <utility>

#include "base/ascii.h"
#include "base/clock.h"

namespace objectpipes {
namespace {

constexpr int64_t kMaxTtlSeconds = 60;
constexpr size_t kMaxEntries = 256;  // names for which nobody waits

Status NotResolved(const std::string& name, int status) {
  StatusDetail detail;
  detail.code = "NameNotResolved";
  return Status(StatusCode::kEndpoint,
                "the host name " + name + " does not resolve: " + ares_strerror(status),
                std::move(detail));
}

// "bucket.localhost" is always this machine (RFC 6761, 6.3), but not every c-ares knows that.
bool IsBelowLocalhost(std::string name) {
  constexpr std::string_view kSuffix = ".localhost";
  if (!name.empty() && name.back() == '.') name.pop_back();
  if (name.size() <= kSuffix.size()) return false;
  return EqualsIgnoringCase(std::string_view(name).substr(name.size() - kSuffix.size()), kSuffix);
}

}  // namespace

// A socket of c-ares to a name server.
class Resolver::Connection final : public Watcher {
 public:
  Connection(Resolver* resolver, SocketHandle socket)
      : resolver_(resolver), socket_(socket), watch_(resolver->reactor_->poller(), this) {}

  void Wait(uint8_t events) { watch_.Set(socket_, events); }

  void OnReady(uint8_t events) override {
    // Destroys this if c-ares closes the socket.
    resolver_->Process((events & kRead) != 0 ? socket_ : kNoSocket,
                       (events & kWrite) != 0 ? socket_ : kNoSocket);
  }

 private:
  Resolver* const resolver_;
  const SocketHandle socket_;
  Watch watch_;
};

Resolver::Question::~Question() {
  if (waiting != nullptr) waiting->remove(this);
}

Resolver::Resolver(Reactor* reactor, std::string servers)
    : reactor_(reactor),
      servers_(std::move(servers)),
      server_timer_(reactor, [this] { Process(kNoSocket, kNoSocket); }),
      answer_timer_(reactor, [this] { PassOnAnswers(); }) {}

Resolver::~Resolver() {
  closing_ = true;
  CloseChannel();
  for (auto& [name, entry] : entries_) {
    for (Question* question : entry.waiting) question->waiting = nullptr;
  }
}

Status Resolver::OpenChannel() {
  static std::once_flag once;
  std::call_once(once, [] { ares_library_init(ARES_LIB_INIT_ALL); });
  ares_options options{};
  options.sock_state_cb = [](void* self, ares_socket_t socket, int readable, int writable) {
    static_cast<Resolver*>(self)->OnSocket(socket, readable != 0, writable != 0);
  };
  options.sock_state_cb_data = this;
  constexpr int kSockets = ARES_OPT_SOCK_STATE_CB;
#ifdef ARES_OPT_QUERY_CACHE
  options.qcache_max_ttl = 0;  // we have a cache of our own, which can forget
  constexpr int kMask = kSockets | ARES_OPT_QUERY_CACHE;
#else
  constexpr int kMask = kSockets;
#endif
  int status = ares_init_options(&channel_, &options, kMask);
  if (status == ARES_SUCCESS && !servers_.empty()) {
    status = ares_set_servers_ports_csv(channel_, servers_.c_str());
  }
  if (status == ARES_SUCCESS) return Status::Ok();
  CloseChannel();
  return Status(
      StatusCode::kEndpoint,
      std::string("the settings for resolving names cannot be used: ") + ares_strerror(status));
}

void Resolver::CloseChannel() {
  server_timer_.Cancel();
  if (channel_ != nullptr) ares_destroy(std::exchange(channel_, nullptr));
  connections_.clear();
}

// A running process must notice when the machine changes networks.
bool Resolver::SettingsChanged() {
  const std::filesystem::path file = "/etc/resolv.conf";
  std::error_code error;
  const auto changed = static_cast<int64_t>(
      std::filesystem::last_write_time(file, error).time_since_epoch().count());
  std::string settings = error ? "" : std::to_string(changed);
  const auto size = std::filesystem::file_size(file, error);
  if (!error) settings += " " + std::to_string(size);
  return std::exchange(settings_, settings) != settings;
}

const std::vector<SocketAddress>* Resolver::Find(const std::string& name) {
  const auto found = entries_.find(name);
  if (found == entries_.end() || found->second.expires_ms <= MonotonicMs()) return nullptr;
  return &found->second.addresses;
}

std::unique_ptr<Resolver::Question> Resolver::Ask(const std::string& name, OnAnswer on_answer) {
  DropOldEntries();
  Entry& entry = entries_[name];
  auto question = std::make_unique<Question>();
  question->waiting = &entry.waiting;
  question->on_answer = std::move(on_answer);
  entry.waiting.push_back(question.get());
  if (!entry.asked) {
    entry.resolver = this;
    entry.name = name;
    Send(&entry);
  }
  return question;
}

void Resolver::DropOldEntries() {
  if (entries_.size() < kMaxEntries) return;
  for (auto entry = entries_.begin(); entry != entries_.end();) {
    const bool old = !entry->second.asked && entry->second.expires_ms <= MonotonicMs();
    entry = old ? entries_.erase(entry) : std::next(entry);
  }
}

void Resolver::Forget(const std::string& name) {
  const auto found = entries_.find(name);
  if (found != entries_.end()) found->second.expires_ms = 0;
}

void Resolver::Send(Entry* entry) {
  entry->asked = true;
  if (IsBelowLocalhost(entry->name)) {
    entry->addresses = {*SocketAddress::Parse("::1", 0), *SocketAddress::Parse("127.0.0.1", 0)};
    return Answer(entry, Status::Ok());
  }
  if (pending_ == 0 && SettingsChanged()) CloseChannel();
  if (channel_ == nullptr) {
    const Status opened = OpenChannel();
    if (!opened.ok()) return Answer(entry, opened);
  }
  ares_addrinfo_hints hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = ARES_AI_NOSORT;  // the dialer orders them itself
  ++pending_;
  ares_getaddrinfo(channel_, entry->name.c_str(), nullptr, &hints, &Resolver::OnFound, entry);
  SetTimer();
}

// ares_getaddrinfo() itself may call this, for a name in the hosts file.
void Resolver::OnFound(void* argument, int status, int /*timeouts*/, ares_addrinfo* found) {
  auto* const entry = static_cast<Entry*>(argument);
  Resolver* const self = entry->resolver;
  if (self->closing_) {
    if (found != nullptr) ares_freeaddrinfo(found);
    return;
  }
  --self->pending_;
  entry->addresses.clear();
  int64_t ttl = kMaxTtlSeconds;
  if (status == ARES_SUCCESS) {
    for (const ares_addrinfo_node* node = found->nodes; node != nullptr; node = node->ai_next) {
      if (node->ai_family != AF_INET && node->ai_family != AF_INET6) continue;
      entry->addresses.push_back(SocketAddress::FromNative(node->ai_addr));
      ttl = std::min<int64_t>(ttl, node->ai_ttl);
    }
    if (entry->addresses.empty()) status = ARES_ENODATA;
  }
  if (found != nullptr) ares_freeaddrinfo(found);
  entry->expires_ms = status == ARES_SUCCESS ? MonotonicMs() + std::max<int64_t>(ttl, 0) * 1000 : 0;
  self->Answer(entry, status == ARES_SUCCESS ? Status::Ok() : NotResolved(entry->name, status));
}

// Questions are answered later: not inside a function of c-ares, nor inside Ask().
void Resolver::Answer(Entry* entry, Status outcome) {
  entry->outcome = std::move(outcome);
  answered_.push_back(entry);
  answer_timer_.Set(0);
}

void Resolver::PassOnAnswers() {
  for (Entry* entry : std::exchange(answered_, {})) {
    entry->asked = false;
    const Status outcome = entry->outcome;
    const std::vector<SocketAddress> addresses = entry->addresses;
    std::list<Question*> waiting;
    waiting.swap(entry->waiting);
    for (Question* question : waiting) question->waiting = &waiting;
    while (!waiting.empty()) {
      Question* const question = waiting.front();
      waiting.pop_front();
      question->waiting = nullptr;
      // A copy: the function may drop its question.
      const OnAnswer on_answer = question->on_answer;
      on_answer(outcome, addresses);
    }
  }
}

void Resolver::OnSocket(SocketHandle socket, bool readable, bool writable) {
  if (!readable && !writable) {
    connections_.erase(socket);
    return;
  }
  std::unique_ptr<Connection>& connection = connections_[socket];
  if (connection == nullptr) connection = std::make_unique<Connection>(this, socket);
  connection->Wait(
      static_cast<uint8_t>((readable ? Watcher::kRead : 0) | (writable ? Watcher::kWrite : 0)));
}

void Resolver::Process(SocketHandle readable, SocketHandle writable) {
  ares_process_fd(channel_, readable, writable);
  SetTimer();
}

void Resolver::SetTimer() {
  timeval next{};
  if (ares_timeout(channel_, nullptr, &next) == nullptr) return server_timer_.Cancel();
  server_timer_.Set(MonotonicMs() + int64_t{next.tv_sec} * 1000 + next.tv_usec / 1000 + 1);
}

}  // namespace objectpipes
