// The credentials of one client. One thread obtains them, and the I/O thread signs with them.
//
// Obtaining credentials may take seconds and needs Python (botocore), so the I/O thread never does
// it. It asks for fresh ones here. A thread that waits for results sees that, obtains them and
// calls Set().
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <utility>

namespace objectpipes {

struct Credentials {
  std::string access_key;     // empty: anonymous
  std::string secret_key;     //
  std::string session_token;  // AIStore: the bearer token, and nothing else
  int64_t ends_at_s = 0;      // on the wall clock; 0: never

  // Whether both sign requests in the same way.
  bool operator==(const Credentials& other) const {
    return access_key == other.access_key && secret_key == other.secret_key &&
           session_token == other.session_token;
  }
};

class CredentialStore {
 public:
  // What has happened so far; each number only grows.
  struct History {
    uint64_t generation = 0;  // calls of Set()
    uint64_t changes = 0;     // those that brought different credentials
    uint64_t failures = 0;    // calls of Fail()
  };

  void Set(Credentials credentials) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!(credentials == credentials_)) ++history_.changes;
    credentials_ = std::move(credentials);
    ++history_.generation;
    refresh_wanted_ = false;
  }

  // There are no fresh credentials, for this reason. Requests that wait for some give up.
  void Fail(std::string reason) {
    const std::lock_guard<std::mutex> lock(mutex_);
    failure_ = std::move(reason);
    ++history_.failures;
    refresh_wanted_ = false;
  }

  // The current credentials and their generation, which grows with each Set().
  std::pair<Credentials, uint64_t> Get() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return {credentials_, history_.generation};
  }

  uint64_t generation() const { return history().generation; }

  History history() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return history_;
  }

  // The reason given to the last Fail().
  std::string failure() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return failure_;
  }

  // Whether they have ended: no server accepts a signature made with them any more.
  bool expired(int64_t wall_seconds) const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return credentials_.ends_at_s > 0 && wall_seconds >= credentials_.ends_at_s;
  }

  // The credentials of `generation` were refused or have expired. No effect if they were replaced
  // meanwhile.
  void RequestRefresh(uint64_t generation) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (generation == history_.generation) refresh_wanted_ = true;
  }

  bool refresh_wanted() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return refresh_wanted_;
  }

 private:
  mutable std::mutex mutex_;
  Credentials credentials_;
  History history_;
  std::string failure_;
  bool refresh_wanted_ = false;
};

}  // namespace objectpipes
