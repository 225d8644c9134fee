#include "net/tunnel.h"

#include <cstdlib>
#include <utility>

namespace objectpipes {
namespace {

constexpr size_t kMaxReplyBytes = size_t{64} << 10;

std::string RequestFor(const std::string& target, const std::string& authorization,
                       const std::string& user_agent) {
  std::string request = "CONNECT " + target + " HTTP/1.1\r\nhost: " + target;
  request += "\r\nuser-agent: " + user_agent;
  if (!authorization.empty()) request += "\r\nproxy-authorization: " + authorization;
  return request + "\r\n\r\n";
}

// The status of "HTTP/1.1 200 ...", 0 if it is no such line.
int StatusOf(std::string_view head) {
  if (head.size() < 12 || head.substr(0, 7) != "HTTP/1." || head[8] != ' ') return 0;
  int status = 0;
  for (const char digit : head.substr(9, 3)) {
    if (digit < '0' || digit > '9') return 0;
    status = status * 10 + (digit - '0');
  }
  return head.size() > 12 && head[12] != ' ' && head[12] != '\r' ? 0 : status;
}

}  // namespace

Tunnel::Tunnel(const std::string& target, const std::string& authorization,
               const std::string& user_agent)
    : target_(target), request_(RequestFor(target, authorization, user_agent)), unsent_(request_) {}

int64_t Tunnel::Advance(ByteStream* proxy) {
  while (!unsent_.empty()) {
    const int64_t sent = proxy->Send(unsent_.data(), unsent_.size());
    if (sent == kNotNow) return kNotNow;
    // A broken connection may still have delivered the reason.
    unsent_.remove_prefix(sent < 0 ? unsent_.size() : static_cast<size_t>(sent));
  }
  while (true) {
    char piece[4096];
    const int64_t received = proxy->Receive(piece, sizeof(piece));
    if (received == kNotNow) return kNotNow;
    if (received < 0) {
      if (error_ = proxy->failure(); !error_.ok()) return kBroken;
      return Fail(StatusCode::kEndpoint, "closed the connection instead of opening a tunnel to ");
    }
    reply_.append(piece, static_cast<size_t>(received));
    if (const int64_t outcome = ReadReply(); outcome != kNotNow) return outcome;
  }
}

int64_t Tunnel::ReadReply() {
  while (true) {
    const size_t end = reply_.find("\r\n\r\n");
    if (end == std::string::npos) {
      if (reply_.size() < kMaxReplyBytes) return kNotNow;
      return Fail(StatusCode::kProtocol, "sent too long a reply to CONNECT ");
    }
    const int status = StatusOf(reply_);
    if (status == 0) return Fail(StatusCode::kProtocol, "did not reply with HTTP to CONNECT ");
    if (status >= 200 && status < 300) {
      // The server behind it speaks only when it is spoken to.
      if (reply_.size() == end + 4) return 1;
      return Fail(StatusCode::kProtocol, "sent its own bytes through the tunnel to ");
    }
    if (status >= 200) {
      return Fail(StatusCode::kEndpoint,
                  "refused, with HTTP " + std::to_string(status) + ", to open a tunnel to ",
                  status);
    }
    reply_.erase(0, end + 4);  // informational
  }
}

int64_t Tunnel::Fail(StatusCode code, const std::string& what, int http_status) {
  StatusDetail detail;
  if (http_status == 0) detail.code = "ProxyUnreachable";
  detail.http_status = http_status;
  error_ = Status(code, "the proxy " + what + target_, std::move(detail));
  return kBroken;
}

}  // namespace objectpipes
