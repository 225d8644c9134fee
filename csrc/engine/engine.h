// The engine of this process: one I/O thread, one memory budget, one set of counters.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "base/buffer.h"
#include "engine/client.h"
#include "engine/event_loop.h"
#include "engine/memory_budget.h"

namespace objectpipes {

class Engine {
 public:
  // Made on first use in each process. A child of fork() gets its own and leaves the parent's
  // alone, including its memory, because nothing in it can be used or freed safely. Never
  // destroyed.
  static Engine* OfThisProcess();

  // Ends the I/O thread. Whatever is in flight never finishes. For the end of the interpreter.
  static void ShutDown();

  EventLoop* loop() { return loop_.get(); }
  const std::shared_ptr<BufferPool>& pool() const { return pool_; }
  const std::shared_ptr<MemoryBudget>& budget() const { return budget_; }
  Stats* stats() { return &stats_; }
  // What all clients of an endpoint ("host:port") know about it together.
  std::shared_ptr<FirstContact> ContactWith(const std::string& endpoint);

 private:
  Engine();

  std::shared_ptr<BufferPool> pool_;
  Stats stats_;
  std::mutex mutex_;  // guards contacts_
  std::map<std::string, std::shared_ptr<FirstContact>> contacts_;
  std::unique_ptr<EventLoop> loop_;
  std::shared_ptr<MemoryBudget> budget_;
};

}  // namespace objectpipes
