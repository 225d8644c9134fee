// A store for Python: the engine's Client, tied to the process that made it, and the callable that
// obtains its credentials. Many threads may use it at once.
#pragma once

#include <pybind11/pybind11.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/fork_leaked.h"
#include "engine/client.h"
#include "engine/engine.h"
#include "python/bytes_blocks.h"

namespace objectpipes {

class PyClient {
 public:
  // `credentials` is called with True if fresh ones are needed. It returns a tuple: (access_key,
  // secret_key, session_token, end in POSIX seconds or 0), each possibly empty, or None for
  // anonymous requests; whether they are fresh; why there are no fresh ones, or ""; after how many
  // seconds to call it again.
  PyClient(Engine* engine, std::shared_ptr<Client> client, pybind11::function credentials);
  ~PyClient();
  PyClient(const PyClient&) = delete;
  PyClient& operator=(const PyClient&) = delete;

  // Throws RuntimeError in a process other than the one that made it.
  const std::shared_ptr<Client>& client() const;
  Engine* engine() const { return engine_; }
  BytesBlocks* bytes_blocks() const { return bytes_blocks_; }
  bool in_its_process() const { return client_.in_its_process(); }
  // "host:port", as configured.
  const std::string& endpoint() const { return endpoint_; }

  // Obtains credentials if they were refused or it is time to. May run Python for seconds.
  void RefreshCredentials();

  // Calls `attempt` with a number of milliseconds, without the GIL, until it returns true. Between
  // the calls it handles signals and credentials, and calls `check`, which throws if there is
  // nothing left to wait for. Throws RuntimeError once the engine has ended.
  void WaitFor(const std::function<bool(int64_t)>& attempt, const std::function<void()>& check);

 private:
  void Renew(bool needed);
  void PassOnWarnings() const;

  Engine* const engine_;
  BytesBlocks* const bytes_blocks_;
  ForkLeaked<Client> client_;
  const pybind11::function credentials_;
  const std::string endpoint_;
  // By the wall clock: credentials expire by it, and it also runs while the machine sleeps.
  std::atomic<int64_t> looked_ms_{0};
  std::atomic<int64_t> look_again_ms_{0};
  std::atomic<bool> needed_{false};  // at that time
};

// The options of a client that all stores have in common.
HttpOptions HttpOptionsFrom(const pybind11::dict& options);

std::shared_ptr<PyClient> MakeClient(Engine* engine, std::unique_ptr<Transport> transport,
                                     std::shared_ptr<CredentialStore> credentials,
                                     const pybind11::dict& options, pybind11::function provider);

}  // namespace objectpipes
