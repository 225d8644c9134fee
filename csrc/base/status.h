// The outcome of an operation: OK, or what went wrong and where.
//
// Nothing in csrc/ throws except csrc/python/. An OK Status is cheap (one null pointer). Any other
// carries all that a user needs: the code decides the class of the Python exception, and the detail
// fills it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

namespace objectpipes {

enum class StatusCode : uint8_t {
  kOk = 0,
  kInvalidArgument,     // the caller's URL, range or option is malformed
  kConfig,              // settings that cannot work: no region, no credentials, unreadable CA file
  kObjectNotFound,      // the bucket exists (as far as we know), the object does not
  kBucketNotFound,      //
  kAccessDenied,        // 403 for these credentials
  kInvalidCredentials,  // the key id, the signature or the token is not accepted
  kExpiredCredentials,  // they have expired; fresh ones may be accepted
  kWrongRegion,         // the bucket lives elsewhere and the reply does not say where
  kClockSkew,           // our clock and the server's differ by more than a signature allows
  kThrottled,           // 429, 503 SlowDown and the like
  kServer,              // 5xx
  kEndpoint,            // DNS, connect, reset, refused, proxy: no usable reply came
  kTls,                 // certificate or handshake
  kTimeout,             // a stall, connect or total time limit was hit
  kProtocol,            // a reply that breaks the protocol: malformed XML, wrong range, bad length
  kObjectChanged,       // the object was replaced while it was being read
  kIntegrity,           // the bytes do not match the checksum the server gave
  kCancelled,           // the caller gave up
  kNotSupported,        // by this build or this server
  kInternal,            // a bug in objectpipes
};

// Facts about the exchange that failed; empty or zero where unknown.
struct StatusDetail {
  std::string code = {};  // the server's error code, such as "NoSuchKey", or our own
  std::string request_id = {};
  std::string endpoint = {};  // "host:port" of the server asked last
  int http_status = 0;
  int attempts = 0;  // requests made, the last one included
};

class [[nodiscard]] Status {
 public:
  Status() = default;  // OK
  Status(StatusCode code, std::string message, StatusDetail detail = {})
      : state_(std::make_unique<State>(State{code, std::move(message), std::move(detail)})) {}

  Status(const Status& other)
      : state_(other.state_ ? std::make_unique<State>(*other.state_) : nullptr) {}
  Status& operator=(const Status& other) {
    if (this != &other) state_ = other.state_ ? std::make_unique<State>(*other.state_) : nullptr;
    return *this;
  }
  Status(Status&&) noexcept = default;
  Status& operator=(Status&&) noexcept = default;
  ~Status() = default;

  static Status Ok() { return Status(); }
  static Status InvalidArgument(std::string message) {
    return Status(StatusCode::kInvalidArgument, std::move(message));
  }
  static Status Protocol(std::string message) {
    return Status(StatusCode::kProtocol, std::move(message));
  }

  bool ok() const { return state_ == nullptr; }
  StatusCode code() const { return state_ ? state_->code : StatusCode::kOk; }
  const std::string& message() const { return state_ ? state_->message : Empty().message; }
  const StatusDetail& detail() const { return state_ ? state_->detail : Empty().detail; }

  // Precondition: !ok().
  StatusDetail& mutable_detail() { return state_->detail; }

 private:
  struct State {
    StatusCode code;
    std::string message;
    StatusDetail detail;
  };
  static const State& Empty() {
    static const State* const kEmpty = new State{StatusCode::kOk, {}, {}};  // never destroyed
    return *kEmpty;
  }

  std::unique_ptr<State> state_;
};

}  // namespace objectpipes

#define OBJECTPIPES_RETURN_IF_ERROR(expression)         \
  do {                                                  \
    ::objectpipes::Status status_or_ok_ = (expression); \
    if (!status_or_ok_.ok()) return status_or_ok_;      \
  } while (false)
