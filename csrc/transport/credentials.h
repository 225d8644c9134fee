// The credentials of one client, shared by the thread that obtains them and the I/O thread that
// signs.
//
// Obtaining credentials may take seconds and needs Python (botocore), so the I/O thread never does
// it: it asks here, and whoever waits for results looks here and calls Set().
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

  bool operator==(const Credentials& other) const {
    return access_key == other.access_key && secret_key == other.secret_key &&
           session_token == other.session_token;
  }
};

class CredentialStore {
 public:
  void Set(Credentials credentials) {
    const std::lock_guard<std::mutex> lock(mutex_);
    credentials_ = std::move(credentials);
    ++generation_;
    refresh_wanted_ = false;
  }

  // The current credentials and their generation, which grows with every Set().
  std::pair<Credentials, uint64_t> Get() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return {credentials_, generation_};
  }

  uint64_t generation() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return generation_;
  }

  // The credentials of `generation` were refused; no effect if they have been replaced meanwhile.
  void RequestRefresh(uint64_t generation) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (generation == generation_) refresh_wanted_ = true;
  }

  bool refresh_wanted() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return refresh_wanted_;
  }

 private:
  mutable std::mutex mutex_;
  Credentials credentials_;
  uint64_t generation_ = 0;
  bool refresh_wanted_ = false;
};

}  // namespace objectpipes
