// Limits how many bytes the windows and streams of a process hold of objects that were read ahead.
//
// There is one budget: that of the largest open window. All windows share it in equal parts. Only
// objects that consumers wait for may exceed it, after all memory that can be read again has been
// given back: one by all of its size, others by 32 MiB together, and those that were waited for
// 10 s in any case.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "base/buffer.h"
#include "transport/transport.h"

namespace objectpipes {

class MemoryBudget;
class Reservation;

// Waits for room in the budget, or holds memory that it can give back. I/O thread.
class MemoryHolder {
 public:
  // There may now be room for a reservation that was refused.
  virtual void OnRoom() = 0;
  // Since when, by the monotonic clock, the memory that GiveBack() would free has not been used;
  // nothing if it would free none.
  virtual std::optional<int64_t> IdleSinceMs() const = 0;
  // Frees memory whose bytes can be read again.
  virtual void GiveBack() = 0;

 protected:
  ~MemoryHolder() = default;
};

// The account of one window and its streams. The budget counts its limit while the account exists.
class MemoryAccount final : public std::enable_shared_from_this<MemoryAccount> {
 public:
  MemoryAccount(std::shared_ptr<MemoryBudget> budget, uint64_t limit);
  ~MemoryAccount();
  MemoryAccount(const MemoryAccount&) = delete;
  MemoryAccount& operator=(const MemoryAccount&) = delete;

  // The window is closed, and has no share any more. Any thread.
  void Close();

  // Changes a reservation to `bytes`. False if there is no room: then OnRoom() of `holder` is
  // called later. `awaited_since_ms`: since when a consumer has waited for these bytes; nothing if
  // none waits. I/O thread.
  bool Reserve(uint64_t bytes, std::optional<int64_t> awaited_since_ms, MemoryHolder* holder,
               Reservation* room);

  const std::shared_ptr<MemoryBudget>& budget() const { return budget_; }

 private:
  friend class MemoryBudget;
  friend class Reservation;
  void Release(uint64_t bytes);  // any thread

  const std::shared_ptr<MemoryBudget> budget_;
  const uint64_t limit_;
  std::atomic<uint64_t> held_{0};
  std::atomic<bool> open_{true};
};

// Reserved bytes of an account; the destructor releases them. One thread at a time, any thread.
class Reservation {
 public:
  Reservation() = default;
  Reservation(Reservation&& other) noexcept { Swap(other); }
  Reservation& operator=(Reservation&& other) noexcept {
    Reservation(std::move(other)).Swap(*this);
    return *this;
  }
  ~Reservation() { Shrink(0); }

  uint64_t bytes() const { return bytes_; }
  void Shrink(uint64_t bytes);  // if it has more

 private:
  friend class MemoryAccount;
  void Swap(Reservation& other) noexcept {
    std::swap(account_, other.account_);
    std::swap(bytes_, other.bytes_);
  }

  std::shared_ptr<MemoryAccount> account_;
  uint64_t bytes_ = 0;
};

class MemoryBudget final : public std::enable_shared_from_this<MemoryBudget> {
 public:
  // `pool` keeps at most as much idle memory as the budget leaves, and little once no window is
  // open.
  MemoryBudget(Executor* loop, std::shared_ptr<BufferPool> pool);

  // Opens the account of a window that may read `limit` bytes ahead. Any thread.
  std::shared_ptr<MemoryAccount> Open(uint64_t limit);

  uint64_t total() const { return total_; }  // 0: no account is open
  uint64_t used() const { return used_; }

  // Adds a holder that may be asked to give memory back. I/O thread.
  void Add(MemoryHolder* holder);
  // Removes a holder, also from those that wait for room. I/O thread.
  void Remove(MemoryHolder* holder);
  // Takes back what nobody has used for a while, and with it the connections. I/O thread.
  void ReclaimUnused();

 private:
  friend class MemoryAccount;

  bool Reserve(uint64_t more, std::optional<int64_t> awaited_since_ms, MemoryHolder* holder,
               MemoryAccount* account);
  bool HasRoomFor(uint64_t more, const MemoryAccount& account, bool awaited) const;
  bool MayExceed(uint64_t more, int64_t awaited_since_ms) const;
  std::vector<std::pair<int64_t, MemoryHolder*>> FindIdle(int64_t idle_ms,
                                                          const MemoryHolder* except) const;
  bool PlanReclaim(uint64_t more, int64_t idle_ms, const MemoryHolder* except);
  void Reclaim(int64_t idle_ms, uint64_t used_limit);
  void Release(uint64_t bytes);
  void OnRelease();
  void PlanIdleCheck();
  void CheckIdle();
  void AddLimit(uint64_t limit);
  void RemoveLimit(uint64_t limit);

  Executor* const loop_;
  const std::shared_ptr<BufferPool> pool_;

  std::atomic<uint64_t> total_{0};
  std::atomic<uint64_t> windows_{0};  // open ones
  std::atomic<uint64_t> used_{0};     // only the I/O thread adds to it
  std::atomic<bool> blocked_{false};  // a holder waits for a release
  std::atomic<int64_t> last_use_ms_{0};
  std::atomic<bool> idle_check_planned_{false};

  // I/O thread only.
  std::vector<MemoryHolder*> holders_;
  std::vector<MemoryHolder*> waiting_;  // in the order of arrival
  bool reclaim_planned_ = false;

  std::mutex mutex_;  // guards what follows
  std::vector<uint64_t> limits_;
};

}  // namespace objectpipes
