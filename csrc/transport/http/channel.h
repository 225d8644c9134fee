// A byte channel to one server, or to the proxy that is asked for it, plain or TLS. libcurl opens
// it: names, addresses, tunnels, handshakes.
//
// Every channel has a CURLM of its own. In a common one libcurl would take our open connections for
// idle ones of its pool, and close those on which it finds data waiting.
#pragma once

#include <curl/curl.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace objectpipes {

class HttpProxy;
struct HttpOptions;

class Channel {
 public:
  // Begins to connect. `origin`: "scheme://authority". `share` outlives the channel.
  // `proxy` is that of the options.
  Channel(const HttpOptions& options, const HttpProxy& proxy, const std::string& origin,
          CURLSH* share);
  ~Channel();
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  // While connecting.
  enum class Progress : uint8_t { kConnecting, kOpen, kFailed };
  Progress Advance(const curl_waitfd* ready, size_t count);
  Status failure() const;
  // What Advance() waits for: sockets, and a moment of the monotonic clock (-1: none).
  const std::vector<curl_waitfd>& interest() const { return interest_; }
  int64_t due_ms() const { return due_ms_; }

  // Once open. The number of bytes moved, or one of these.
  static constexpr int64_t kNotNow = 0;
  static constexpr int64_t kEnded = -1;
  static constexpr int64_t kBroken = -2;
  int64_t Receive(char* target, size_t size);
  int64_t Send(std::string_view bytes);
  curl_socket_t socket() const { return socket_; }

 private:
  static int OnSocket(CURL* easy, curl_socket_t socket, int what, void* self, void* unused);
  static int OnTimer(CURLM* multi, long timeout_ms, void* self);
  void Configure(const HttpOptions& options, const std::string& origin, CURLSH* share);

  const bool tls_;     // so it is libcurl that sends and receives
  const bool tunnel_;  // through an HTTP proxy
  CURLM* multi_;
  CURL* easy_;
  std::vector<curl_waitfd> interest_;
  int64_t due_ms_ = -1;
  curl_socket_t socket_ = CURL_SOCKET_BAD;
  CURLcode failure_ = CURLE_OK;
  char error_text_[CURL_ERROR_SIZE] = {};
};

}  // namespace objectpipes
