#include "net/system.h"

#ifdef _WIN32
#include <winsock2.h>
#include <ws2tcpip.h>
#else
#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#endif
#ifdef __linux__
#include <sys/epoll.h>
#include <sys/eventfd.h>
#endif

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <system_error>

namespace objectpipes {
namespace {

#ifdef _WIN32
using NativeSize = int;
int LastError() { return WSAGetLastError(); }
bool WouldBlock(int code) { return code == WSAEWOULDBLOCK; }
bool IsConnecting(int code) { return code == WSAEWOULDBLOCK; }
void CloseHandle(SocketHandle handle) { closesocket(handle); }
void StartSockets() {
  static std::once_flag once;
  std::call_once(once, [] {
    WSADATA data;
    WSAStartup(MAKEWORD(2, 2), &data);
  });
}
#else
using NativeSize = socklen_t;
int LastError() { return errno; }
bool WouldBlock(int code) { return code == EAGAIN || code == EWOULDBLOCK || code == EINTR; }
bool IsConnecting(int code) { return code == EINPROGRESS || code == EINTR; }
void CloseHandle(SocketHandle handle) { close(handle); }
void StartSockets() {}
#endif

#ifdef MSG_NOSIGNAL
constexpr int kSendFlags = MSG_NOSIGNAL;
#else
constexpr int kSendFlags = 0;
#endif

// A non-blocking socket that programs started by this process do not inherit.
SocketHandle OpenSocket(int family, int type) {
  StartSockets();
#ifdef _WIN32
  const SocketHandle handle =
      WSASocketW(family, type, 0, nullptr, 0, WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);
  u_long on = 1;
  if (handle != kNoSocket) ioctlsocket(handle, static_cast<long>(FIONBIO), &on);
#elif defined(SOCK_CLOEXEC)
  const SocketHandle handle = socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
#else
  const SocketHandle handle = socket(family, type, 0);
  if (handle != kNoSocket) {
    fcntl(handle, F_SETFD, FD_CLOEXEC);
    fcntl(handle, F_SETFL, O_NONBLOCK);
  }
#endif
  return handle;
}

void TurnOn(SocketHandle handle, int level, int option) {
  const int on = 1;
  setsockopt(handle, level, option, reinterpret_cast<const char*>(&on), sizeof(on));
}

int64_t Moved(int64_t size) {
  if (size > 0) return size;
  if (size == 0) return kEnded;
  return WouldBlock(LastError()) ? kNotNow : kBroken;
}

union NativeAddress {
  sockaddr any;
  sockaddr_in ipv4;
  sockaddr_in6 ipv6;
};

NativeSize Fill(const SocketAddress& address, NativeAddress* native) {
  std::memset(native, 0, sizeof(*native));
  if (!address.is_ipv6) {
    native->ipv4.sin_family = AF_INET;
    native->ipv4.sin_port = htons(address.port);
    std::memcpy(&native->ipv4.sin_addr, address.ip.data(), 4);
    return sizeof(native->ipv4);
  }
  native->ipv6.sin6_family = AF_INET6;
  native->ipv6.sin6_port = htons(address.port);
  native->ipv6.sin6_scope_id = address.scope;
  std::memcpy(&native->ipv6.sin6_addr, address.ip.data(), 16);
  return sizeof(native->ipv6);
}

}  // namespace

// ---------------------------------------------------------------------------------------------------
// Addresses

std::optional<SocketAddress> SocketAddress::Parse(const std::string& text, uint16_t port) {
  SocketAddress address;
  address.port = port;
  if (inet_pton(AF_INET, text.c_str(), address.ip.data()) == 1) return address;
  const size_t percent = text.find('%');
  if (inet_pton(AF_INET6, text.substr(0, percent).c_str(), address.ip.data()) != 1) return {};
  address.is_ipv6 = true;
  if (percent == std::string::npos) return address;
  const std::string zone = text.substr(percent + 1);
#ifndef _WIN32
  address.scope = if_nametoindex(zone.c_str());
#endif
  for (const char digit : zone) {
    if (digit < '0' || digit > '9' || zone.size() > 9) return address;
  }
  address.scope = zone.empty() ? 0 : static_cast<uint32_t>(std::stoul(zone));
  return address;
}

SocketAddress SocketAddress::FromNative(const sockaddr* native) {
  SocketAddress address;
  address.is_ipv6 = native->sa_family == AF_INET6;
  if (address.is_ipv6) {
    sockaddr_in6 ipv6{};
    std::memcpy(&ipv6, native, sizeof(ipv6));
    address.scope = static_cast<uint32_t>(ipv6.sin6_scope_id);
    std::memcpy(address.ip.data(), &ipv6.sin6_addr, 16);
  } else {
    sockaddr_in ipv4{};
    std::memcpy(&ipv4, native, sizeof(ipv4));
    std::memcpy(address.ip.data(), &ipv4.sin_addr, 4);
  }
  return address;
}

std::string SocketAddress::ToString() const {
  char text[INET6_ADDRSTRLEN] = {};
  inet_ntop(is_ipv6 ? AF_INET6 : AF_INET, ip.data(), text, sizeof(text));
  const std::string host = is_ipv6 ? "[" + std::string(text) + "]" : std::string(text);
  return host + ":" + std::to_string(port);
}

// ---------------------------------------------------------------------------------------------------
// Sockets

int Socket::Connect(const SocketAddress& address) {
  Close();
  NativeAddress native;
  const NativeSize size = Fill(address, &native);
  handle_ = OpenSocket(native.any.sa_family, SOCK_STREAM);
  if (handle_ == kNoSocket) return LastError();
  TurnOn(handle_, IPPROTO_TCP, TCP_NODELAY);
  TurnOn(handle_, SOL_SOCKET, SO_KEEPALIVE);
#ifdef SO_NOSIGPIPE
  TurnOn(handle_, SOL_SOCKET, SO_NOSIGPIPE);
#endif
  if (connect(handle_, &native.any, size) == 0) return 0;
  const int code = LastError();
  return IsConnecting(code) ? 0 : code;
}

int Socket::ConnectError() const {
  int code = 0;
  NativeSize size = sizeof(code);
  if (getsockopt(handle_, SOL_SOCKET, SO_ERROR, reinterpret_cast<char*>(&code), &size) != 0) {
    return LastError();
  }
  return code;
}

void Socket::Close() {
  if (handle_ == kNoSocket) return;
  // Ends the connection even if a child of fork() has a copy of the descriptor.
#ifdef _WIN32
  shutdown(handle_, SD_BOTH);
#else
  shutdown(handle_, SHUT_RDWR);
#endif
  CloseHandle(std::exchange(handle_, kNoSocket));
}

#ifdef _WIN32
int64_t Socket::Receive(char* target, size_t size) const {
  return Moved(recv(handle_, target, static_cast<int>(std::min<size_t>(size, INT_MAX)), 0));
}
int64_t Socket::Send(const char* bytes, size_t size) const {
  const int sent = send(handle_, bytes, static_cast<int>(std::min<size_t>(size, INT_MAX)), 0);
  return sent >= 0 ? sent : Moved(sent);
}
#else
int64_t Socket::Receive(char* target, size_t size) const {
  return Moved(recv(handle_, target, size, 0));
}
int64_t Socket::Send(const char* bytes, size_t size) const {
  const int64_t sent = send(handle_, bytes, size, kSendFlags);
  return sent >= 0 ? sent : Moved(sent);
}
#endif

int64_t Socket::Peek() const {
  char byte = 0;
  return Moved(recv(handle_, &byte, 1, MSG_PEEK));
}

#ifdef __linux__
// What waits to be read closes the window in which the sender may be ahead, and Linux makes a new
// connection's window wider only as it is read.
int SetLowWater(SocketHandle handle, int bytes) {
  constexpr int kMaxPart = 8;
  int buffer = 0;
  NativeSize size = sizeof(buffer);
  getsockopt(handle, SOL_SOCKET, SO_RCVBUF, &buffer, &size);
  const int low = std::max(1, std::min(bytes, buffer / kMaxPart));
  return setsockopt(handle, SOL_SOCKET, SO_RCVLOWAT, &low, sizeof(low)) == 0 ? low : 1;
}
#else
int SetLowWater(SocketHandle /*handle*/, int /*bytes*/) { return 1; }
#endif

std::string SystemErrorText(int code) { return std::system_category().message(code); }

bool IsOutOfDescriptors(int code) {
#ifdef _WIN32
  return code == WSAEMFILE || code == WSAENOBUFS;
#else
  return code == EMFILE || code == ENFILE;
#endif
}

#ifdef _WIN32
Descriptors CountDescriptors() { return {size_t{1} << 16, 0}; }  // there is no such limit
#else
Descriptors CountDescriptors() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return {1024, 0};
  // More than anyone needs; some systems report no limit.
  const auto allowed = static_cast<size_t>(std::min<rlim_t>(limit.rlim_cur, rlim_t{1} << 20));
  size_t open = 0;
  // The system gives out the lowest free descriptor. poll() tells which descriptors are not open.
  constexpr size_t kAtOnce = 1024;
  std::vector<pollfd> asked;
  for (size_t begin = 0; begin < std::min<size_t>(allowed, size_t{1} << 16); begin += kAtOnce) {
    asked.clear();
    for (size_t fd = begin; fd < std::min(begin + kAtOnce, allowed); ++fd) {
      asked.push_back(pollfd{static_cast<int>(fd), 0, 0});
    }
    if (poll(asked.data(), static_cast<nfds_t>(asked.size()), 0) < 0) break;
    const auto is_open = [](const pollfd& entry) { return (entry.revents & POLLNVAL) == 0; };
    const auto found = static_cast<size_t>(std::count_if(asked.begin(), asked.end(), is_open));
    open += found;
    if (found == 0) break;
  }
  return {allowed, open};
}
#endif

#if defined(__linux__)
void NameThread(const char* name) { pthread_setname_np(pthread_self(), name); }
#elif defined(__APPLE__)
void NameThread(const char* name) { pthread_setname_np(name); }
#else
void NameThread(const char* /*name*/) {}
#endif

// ---------------------------------------------------------------------------------------------------
// Waiting

void Watch::Set(SocketHandle socket, uint8_t events) {
  if (events == events_ && socket == socket_) return;
  if (events == 0 || socket != socket_) {
    for (Watch*& ready : poller_->ready_) {
      if (ready == this) ready = nullptr;
    }
  }
  if (events_ != 0 && socket != socket_) poller_->Change(this, socket_, 0);
  poller_->Change(this, socket, events);
}

Poller::~Poller() = default;

void Poller::Dispatch() {
  // A watcher may stop any watch, which clears that watch's place here.
  for (size_t i = 0; i < ready_.size(); ++i) {  // NOLINT(modernize-loop-convert): it changes
    const Watch* const watch = std::exchange(ready_[i], nullptr);
    if (watch != nullptr) watch->watcher_->OnReady(watch->ready_);
  }
  ready_.clear();
}

#ifdef __linux__

struct Poller::System {
  int epoll = epoll_create1(EPOLL_CLOEXEC);
  int wakeup = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  std::array<epoll_event, 256> events;
  ~System() {
    close(wakeup);
    close(epoll);
  }
};

Poller::Poller() : system_(new System) {
  epoll_event event{};
  event.events = EPOLLIN;
  epoll_ctl(system_->epoll, EPOLL_CTL_ADD, system_->wakeup, &event);
}

void Poller::Change(Watch* watch, SocketHandle socket, uint8_t events) {
  epoll_event event{};
  if ((events & Watcher::kRead) != 0) event.events |= EPOLLIN;
  if ((events & Watcher::kWrite) != 0) event.events |= EPOLLOUT;
  event.data.ptr = watch;
  // A socket without events is removed: epoll would report its end again and again.
  int operation = EPOLL_CTL_MOD;
  if (watch->events_ == 0) operation = EPOLL_CTL_ADD;
  if (events == 0) operation = EPOLL_CTL_DEL;
  if (watch->events_ != 0 || events != 0) epoll_ctl(system_->epoll, operation, socket, &event);
  watch->socket_ = socket;
  watch->events_ = events;
}

void Poller::Wait(int64_t max_ms) {
  const auto max_events = static_cast<int>(system_->events.size());
  const int count =
      epoll_wait(system_->epoll, system_->events.data(), max_events, static_cast<int>(max_ms));
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = system_->events[static_cast<size_t>(i)];
    auto* const watch = static_cast<Watch*>(event.data.ptr);
    if (watch == nullptr) {
      uint64_t times = 0;
      [[maybe_unused]] const auto size = read(system_->wakeup, &times, sizeof(times));
      continue;
    }
    watch->ready_ = 0;
    const bool over = (event.events & (EPOLLERR | EPOLLHUP)) != 0;
    if (over || (event.events & EPOLLIN) != 0) watch->ready_ |= Watcher::kRead;
    if (over || (event.events & EPOLLOUT) != 0) watch->ready_ |= Watcher::kWrite;
    ready_.push_back(watch);
  }
}

void Poller::Wakeup() {
  const uint64_t once = 1;
  [[maybe_unused]] const auto size = write(system_->wakeup, &once, sizeof(once));
}

#else

#ifdef _WIN32
using PollEntry = WSAPOLLFD;
int PollSockets(PollEntry* entries, size_t count, int64_t max_ms) {
  return WSAPoll(entries, static_cast<ULONG>(count), static_cast<int>(max_ms));
}
#else
using PollEntry = pollfd;
int PollSockets(PollEntry* entries, size_t count, int64_t max_ms) {
  return poll(entries, static_cast<nfds_t>(count), static_cast<int>(max_ms));
}
#endif

// A datagram that a socket sends to itself wakes the poller up.
struct Poller::System {
  SocketHandle wakeup = OpenSocket(AF_INET, SOCK_DGRAM);
  std::vector<PollEntry> entries;  // the first is that of `wakeup`
  std::vector<Watch*> watches;     // beside the entries
  ~System() { CloseHandle(wakeup); }
};

Poller::Poller() : system_(new System) {
  NativeAddress native;
  NativeSize size = Fill(*SocketAddress::Parse("127.0.0.1", 0), &native);
  bind(system_->wakeup, &native.any, size);
  getsockname(system_->wakeup, &native.any, &size);
  connect(system_->wakeup, &native.any, size);
  PollEntry entry{};
  entry.fd = system_->wakeup;
  entry.events = POLLIN;
  system_->entries.push_back(entry);
  system_->watches.push_back(nullptr);
}

void Poller::Change(Watch* watch, SocketHandle socket, uint8_t events) {
  std::vector<PollEntry>& entries = system_->entries;
  std::vector<Watch*>& watches = system_->watches;
  if (watch->events_ == 0 && events != 0) {
    watch->place_ = entries.size();
    PollEntry entry{};
    entry.fd = socket;
    entries.push_back(entry);
    watches.push_back(watch);
  }
  if (events != 0) {
    short wanted = 0;
    if ((events & Watcher::kRead) != 0) wanted = static_cast<short>(wanted | POLLIN);
    if ((events & Watcher::kWrite) != 0) wanted = static_cast<short>(wanted | POLLOUT);
    entries[watch->place_].events = wanted;
  } else if (watch->events_ != 0) {
    entries[watch->place_] = entries.back();
    watches[watch->place_] = watches.back();
    watches[watch->place_]->place_ = watch->place_;
    entries.pop_back();
    watches.pop_back();
  }
  watch->socket_ = socket;
  watch->events_ = events;
}

void Poller::Wait(int64_t max_ms) {
  std::vector<PollEntry>& entries = system_->entries;
  if (PollSockets(entries.data(), entries.size(), max_ms) <= 0) return;
  if (entries[0].revents != 0) {
    char byte = 0;
    while (recv(system_->wakeup, &byte, 1, 0) > 0) {
    }
  }
  for (size_t i = 1; i < entries.size(); ++i) {
    if (entries[i].revents == 0) continue;
    Watch* const watch = system_->watches[i];
    const bool over = (entries[i].revents & (POLLERR | POLLHUP | POLLNVAL)) != 0;
    watch->ready_ = 0;
    if (over || (entries[i].revents & POLLIN) != 0) watch->ready_ |= Watcher::kRead;
    if (over || (entries[i].revents & POLLOUT) != 0) watch->ready_ |= Watcher::kWrite;
    ready_.push_back(watch);
  }
}

void Poller::Wakeup() { send(system_->wakeup, "", 1, kSendFlags); }

#endif

}  // namespace objectpipes
