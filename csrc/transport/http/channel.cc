#include "transport/http/channel.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/clock.h"
#include "transport/http/curl_status.h"
#include "transport/http/http_client.h"
#include "transport/http/http_proxy.h"

#ifndef _WIN32
#include <sys/socket.h>
#endif

namespace objectpipes {
namespace {

#ifdef MSG_NOSIGNAL
constexpr int kSendFlags = MSG_NOSIGNAL;
#else
constexpr int kSendFlags = 0;
#endif

bool WouldBlock() {
#ifdef _WIN32
  return WSAGetLastError() == WSAEWOULDBLOCK;
#else
  return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
#endif
}

}  // namespace

Channel::Channel(const HttpOptions& options, const HttpProxy& proxy, const std::string& origin,
                 CURLSH* share)
    : tls_(proxy.tls() || origin.compare(0, 6, "https:") == 0),
      tunnel_(!proxy.Forwards(origin)),
      multi_(curl_multi_init()),
      easy_(curl_easy_init()) {
  curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &Channel::OnSocket);
  curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
  curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &Channel::OnTimer);
  curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
  Configure(options, origin, share);
  curl_multi_add_handle(multi_, easy_);
}

Channel::~Channel() {
  curl_multi_remove_handle(multi_, easy_);
  curl_easy_cleanup(easy_);
  curl_multi_cleanup(multi_);  // closes the socket
}

void Channel::Configure(const HttpOptions& options, const std::string& origin, CURLSH* share) {
  curl_easy_setopt(easy_, CURLOPT_ERRORBUFFER, error_text_);
  curl_easy_setopt(easy_, CURLOPT_URL, origin.c_str());
  curl_easy_setopt(easy_, CURLOPT_CONNECT_ONLY, 1L);
  curl_easy_setopt(easy_, CURLOPT_SHARE, share);
  curl_easy_setopt(easy_, CURLOPT_NOSIGNAL, 1L);
  // Offered by ALPN. HTTP/2 is not what we speak, and AIStore breaks on it.
  curl_easy_setopt(easy_, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  curl_easy_setopt(easy_, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options.connect_timeout_ms));
  curl_easy_setopt(easy_, CURLOPT_TCP_KEEPALIVE, 1L);
  curl_easy_setopt(easy_, CURLOPT_PROXY, options.proxy.c_str());
  curl_easy_setopt(easy_, CURLOPT_NOPROXY, "");  // else the environment is asked
  curl_easy_setopt(easy_, CURLOPT_HTTPPROXYTUNNEL, tunnel_ ? 1L : 0L);
  curl_easy_setopt(easy_, CURLOPT_USERAGENT, options.user_agent.c_str());  // for the proxy
  if (!options.ca_file.empty()) {
    curl_easy_setopt(easy_, CURLOPT_CAINFO, options.ca_file.c_str());
    curl_easy_setopt(easy_, CURLOPT_PROXY_CAINFO, options.ca_file.c_str());
  }
  if (!options.ca_path.empty()) {
    curl_easy_setopt(easy_, CURLOPT_CAPATH, options.ca_path.c_str());
    curl_easy_setopt(easy_, CURLOPT_PROXY_CAPATH, options.ca_path.c_str());
  }
  if (!options.verify_tls) {
    curl_easy_setopt(easy_, CURLOPT_SSL_VERIFYPEER, 0L);
    curl_easy_setopt(easy_, CURLOPT_SSL_VERIFYHOST, 0L);
  }
  if (!options.client_cert.empty()) {
    curl_easy_setopt(easy_, CURLOPT_SSLCERT, options.client_cert.c_str());
    curl_easy_setopt(easy_, CURLOPT_SSLKEY, options.client_key.c_str());
  }
}

int Channel::OnSocket(CURL* /*easy*/, curl_socket_t socket, int what, void* self,
                      void* /*unused*/) {
  std::vector<curl_waitfd>& interest = static_cast<Channel*>(self)->interest_;
  const auto same = [socket](const curl_waitfd& entry) { return entry.fd == socket; };
  interest.erase(std::remove_if(interest.begin(), interest.end(), same), interest.end());
  if (what == CURL_POLL_REMOVE) return 0;
  curl_waitfd entry{};
  entry.fd = socket;
  if (what == CURL_POLL_IN || what == CURL_POLL_INOUT) entry.events |= CURL_WAIT_POLLIN;
  if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT) entry.events |= CURL_WAIT_POLLOUT;
  interest.push_back(entry);
  return 0;
}

int Channel::OnTimer(CURLM* /*multi*/, long timeout_ms, void* self) {
  static_cast<Channel*>(self)->due_ms_ = timeout_ms < 0 ? -1 : MonotonicMs() + timeout_ms;
  return 0;
}

Channel::Progress Channel::Advance(const curl_waitfd* ready, size_t count) {
  int running = 0;
  for (size_t i = 0; i < count; ++i) {
    int events = 0;
    if ((ready[i].revents & CURL_WAIT_POLLIN) != 0) events |= CURL_CSELECT_IN;
    if ((ready[i].revents & CURL_WAIT_POLLOUT) != 0) events |= CURL_CSELECT_OUT;
    if (events != 0) curl_multi_socket_action(multi_, ready[i].fd, events, &running);
  }
  if (due_ms_ >= 0 && due_ms_ <= MonotonicMs()) {
    due_ms_ = -1;
    curl_multi_socket_action(multi_, CURL_SOCKET_TIMEOUT, 0, &running);
  }
  int left = 0;
  const CURLMsg* message = curl_multi_info_read(multi_, &left);
  if (message == nullptr || message->msg != CURLMSG_DONE) return Progress::kConnecting;
  failure_ = message->data.result;
  if (failure_ != CURLE_OK) return Progress::kFailed;
  curl_easy_getinfo(easy_, CURLINFO_ACTIVESOCKET, &socket_);
  return Progress::kOpen;
}

Status Channel::failure() const {
  StatusDetail detail;
  detail.code = "curl " + std::to_string(static_cast<int>(failure_));
  long proxy_status = 0;
  curl_easy_getinfo(easy_, CURLINFO_HTTP_CONNECTCODE, &proxy_status);
  if (proxy_status >= 400) detail.http_status = static_cast<int>(proxy_status);
  const char* text = error_text_[0] != '\0' ? error_text_ : curl_easy_strerror(failure_);
  return Status(StatusCodeOf(failure_), text, std::move(detail));
}

int64_t Channel::Receive(char* target, size_t size) {
  if (tls_) {
    size_t received = 0;
    const CURLcode code = curl_easy_recv(easy_, target, size, &received);
    if (code == CURLE_AGAIN) return kNotNow;
    if (code != CURLE_OK) return kBroken;
    return received > 0 ? static_cast<int64_t>(received) : kEnded;
  }
  const auto received = ::recv(socket_, target, size, 0);
  if (received > 0) return static_cast<int64_t>(received);
  if (received == 0) return kEnded;
  return WouldBlock() ? kNotNow : kBroken;
}

int64_t Channel::Send(std::string_view bytes) {
  if (tls_) {
    size_t sent = 0;
    const CURLcode code = curl_easy_send(easy_, bytes.data(), bytes.size(), &sent);
    if (code == CURLE_AGAIN) return kNotNow;
    return code == CURLE_OK ? static_cast<int64_t>(sent) : kBroken;
  }
  const auto sent = ::send(socket_, bytes.data(), bytes.size(), kSendFlags);
  if (sent >= 0) return static_cast<int64_t>(sent);
  return WouldBlock() ? kNotNow : kBroken;
}

}  // namespace objectpipes
