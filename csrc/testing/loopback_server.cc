#include "testing/loopback_server.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <utility>

namespace objectpipes {
namespace {

sockaddr_in Loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

// A socket bound to a free port.
int BoundSocket(int* port) {
  const int bound = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = Loopback(0);
  socklen_t size = sizeof(address);
  EXPECT_EQ(bind(bound, reinterpret_cast<sockaddr*>(&address), size), 0);
  EXPECT_EQ(getsockname(bound, reinterpret_cast<sockaddr*>(&address), &size), 0);
  *port = ntohs(address.sin_port);
  return bound;
}

// The bytes that follow the head of this request.
size_t BodyOf(std::string_view request) {
  constexpr std::string_view kField = "\r\ncontent-length: ";
  const size_t field = request.substr(0, request.find("\r\n\r\n")).find(kField);
  if (field == std::string_view::npos) return 0;
  return std::stoul(std::string(request.substr(field + kField.size(), 20)));
}

}  // namespace

std::string LoopbackServer::Peer::ReadRequest() {
  constexpr std::string_view kEnd = "\r\n\r\n";
  size_t end = unread_.find(kEnd);
  while (end == std::string::npos) {
    if (!Receive()) return "";
    end = unread_.find(kEnd);
  }
  end += kEnd.size() + BodyOf(unread_);
  while (unread_.size() < end) {
    if (!Receive()) return "";
  }
  std::string request = unread_.substr(0, end);
  unread_.erase(0, end);
  const std::lock_guard<std::mutex> lock(server_->mutex_);
  server_->requests_.push_back(request);
  return request;
}

bool LoopbackServer::Peer::Receive() {
  char piece[4096];
  const ssize_t size = recv(socket_, piece, sizeof(piece), 0);
  if (size > 0) unread_.append(piece, static_cast<size_t>(size));
  return size > 0;
}

bool LoopbackServer::Peer::Send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t size = send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (size <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(size));
  }
  return true;
}

void LoopbackServer::Peer::AwaitEnd() {
  char piece[4096];
  while (recv(socket_, piece, sizeof(piece), 0) > 0) {
  }
}

void LoopbackServer::Peer::Reset() {
  const linger now{1, 0};
  setsockopt(socket_, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
}

LoopbackServer::LoopbackServer(std::function<void(Peer*)> serve)
    : serve_(std::move(serve)), listener_(BoundSocket(&port_)) {
  EXPECT_EQ(listen(listener_, 256), 0);
  acceptor_ = std::thread([this] { Accept(); });
}

LoopbackServer::~LoopbackServer() {
  closing_ = true;
  shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  close(listener_);
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (const Connection& connection : accepted_) {
      if (connection.socket >= 0) shutdown(connection.socket, SHUT_RDWR);
    }
  }
  for (Connection& connection : accepted_) connection.thread.join();
}

void LoopbackServer::Accept() {
  while (!closing_) {
    const int client = accept(listener_, nullptr, nullptr);
    if (client < 0) continue;
    ++connections_;
    const std::lock_guard<std::mutex> lock(mutex_);
    accepted_.push_back(Connection{client, std::thread()});
    Connection* const connection = &accepted_.back();
    connection->thread = std::thread([this, connection, client] {
      Peer peer(this, client);
      serve_(&peer);
      const std::lock_guard<std::mutex> lock_again(mutex_);
      close(std::exchange(connection->socket, -1));
    });
  }
}

std::vector<std::string> LoopbackServer::requests() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return requests_;
}

std::string LoopbackServer::url(std::string_view path) const {
  return "http://127.0.0.1:" + std::to_string(port_).append(path);
}

int UnusedPort() {
  int port = 0;
  close(BoundSocket(&port));
  return port;
}

std::string Reply(std::string_view body, std::string_view fields) {
  return "HTTP/1.1 200 OK\r\ncontent-length: " + std::to_string(body.size()) + "\r\n" +
         std::string(fields) + "\r\n" + std::string(body);
}

}  // namespace objectpipes
