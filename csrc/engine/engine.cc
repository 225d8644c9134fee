#include "engine/engine.h"

#include "base/fork.h"

namespace objectpipes {
namespace {

constexpr size_t kIdleBytes = size_t{32} << 20;  // that buffers may keep while nothing is read

// The engine of this process, if `generation` is that of this process.
struct Current {
  std::mutex mutex;
  Engine* engine = nullptr;
  uint32_t generation = 0;
};

Current& TheCurrent() {
  static auto* const kCurrent = new Current;  // outlives every thread
  return *kCurrent;
}

// fork() must not happen while the I/O thread is inside c-ares or OpenSSL: locks that it holds
// there would stay locked in the child for ever. Between two turns it holds none.
void BeforeFork() {
  Current& current = TheCurrent();
  current.mutex.lock();
  if (current.engine != nullptr) current.engine->loop()->turn().lock();
}

void AfterFork() {
  Current& current = TheCurrent();
  if (current.engine != nullptr) current.engine->loop()->turn().unlock();
  current.mutex.unlock();
}

}  // namespace

Engine::Engine()
    : pool_(std::make_shared<BufferPool>(kIdleBytes)),
      loop_(std::make_unique<EventLoop>()),
      budget_(std::make_shared<MemoryBudget>(loop_.get(), pool_)) {}

Engine* Engine::OfThisProcess() {
  static std::once_flag once;
  std::call_once(once, [] { InstallForkHooks(&BeforeFork, &AfterFork, &AfterFork); });
  Current& current = TheCurrent();
  const std::lock_guard<std::mutex> lock(current.mutex);
  if (current.engine == nullptr || current.generation != ForkGeneration()) {
    current.engine = new Engine;
    current.generation = ForkGeneration();
  }
  return current.engine;
}

std::shared_ptr<FirstContact> Engine::ContactWith(const std::string& endpoint) {
  const std::lock_guard<std::mutex> lock(mutex_);
  std::shared_ptr<FirstContact>& contact = contacts_[endpoint];
  if (contact == nullptr) {
    contact = std::make_shared<FirstContact>();
    contact->endpoint = endpoint;
  }
  return contact;
}

void Engine::ShutDown() {
  Current& current = TheCurrent();
  const std::lock_guard<std::mutex> lock(current.mutex);
  if (current.engine != nullptr && current.generation == ForkGeneration()) {
    current.engine->loop()->Stop();
  }
}

}  // namespace objectpipes
