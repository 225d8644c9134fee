#include "testing/name_server.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <utility>

namespace objectpipes {
namespace {

constexpr int kA = 1;
constexpr int kAaaa = 28;
constexpr size_t kHeaderBytes = 12;

void Append16(int value, std::string* message) {
  message->push_back(static_cast<char>(value >> 8 & 0xff));
  message->push_back(static_cast<char>(value & 0xff));
}

// The records of the addresses that are of the type asked for.
int AppendRecords(const NameServer::Answer& answer, int type, std::string* message) {
  int count = 0;
  for (const std::string& address : answer.addresses) {
    char ip[16];
    const int family = type == kA ? AF_INET : AF_INET6;
    if ((type != kA && type != kAaaa) || inet_pton(family, address.c_str(), ip) != 1) continue;
    const int size = type == kA ? 4 : 16;
    Append16(0xc000 | static_cast<int>(kHeaderBytes), message);  // the name of the question
    Append16(type, message);
    Append16(1, message);
    Append16(static_cast<int>(answer.ttl >> 16), message);
    Append16(static_cast<int>(answer.ttl & 0xffff), message);
    Append16(size, message);
    message->append(ip, static_cast<size_t>(size));
    ++count;
  }
  return count;
}

}  // namespace

NameServer::NameServer(std::function<Answer(const std::string&)> answer)
    : answer_(std::move(answer)), socket_(socket(AF_INET, SOCK_DGRAM, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  EXPECT_EQ(bind(socket_, reinterpret_cast<sockaddr*>(&address), size), 0);
  EXPECT_EQ(getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size), 0);
  port_ = ntohs(address.sin_port);
  const timeval limit{0, 20'000};
  setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
  thread_ = std::thread([this] { Run(); });
}

NameServer::~NameServer() {
  closing_ = true;
  thread_.join();
  close(socket_);
}

std::string NameServer::address() const { return "127.0.0.1:" + std::to_string(port_); }

void NameServer::Run() {
  while (!closing_) {
    char question[512];
    sockaddr_in from{};
    socklen_t from_size = sizeof(from);
    const ssize_t size = recvfrom(socket_, question, sizeof(question), 0,
                                  reinterpret_cast<sockaddr*>(&from), &from_size);
    if (size <= static_cast<ssize_t>(kHeaderBytes)) continue;
    std::string name;
    size_t end = kHeaderBytes;
    while (end < static_cast<size_t>(size) && question[end] != 0) {
      const auto label = static_cast<size_t>(question[end]);
      if (!name.empty()) name.push_back('.');
      name.append(question + end + 1, label);
      end += label + 1;
    }
    const int type = question[end + 2];
    end += 5;
    if (type == kA) ++questions_;
    const Answer answer = answer_(name);
    if (answer.silent) continue;
    std::this_thread::sleep_for(std::chrono::milliseconds(answer.delay_ms));
    std::string records;
    const int count = answer.exists ? AppendRecords(answer, type, &records) : 0;
    std::string reply(question, 2);
    Append16(0x8180 | (answer.exists ? 0 : 3), &reply);
    Append16(1, &reply);
    Append16(count, &reply);
    Append16(0, &reply);
    Append16(0, &reply);
    reply.append(question + kHeaderBytes, end - kHeaderBytes).append(records);
    sendto(socket_, reply.data(), reply.size(), 0, reinterpret_cast<sockaddr*>(&from), from_size);
  }
}

}  // namespace objectpipes
