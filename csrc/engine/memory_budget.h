// How many bytes a process may hold of what it reads ahead: in windows and in streams, whoever has
// them.
//
// There is one budget: that of the largest open window. Windows share it in equal parts. Only what
// a consumer waits for may go over it, after everything that can be read again has been given back.
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
  // There may be room now for what Reserve() refused.
  virtual void OnRoom() = 0;
  // Since when (monotonic clock) nobody has used the memory that GiveBack() would free; nothing if
  // it would free none.
  virtual std::optional<int64_t> IdleSinceMs() const = 0;
  // Frees what can be read again.
  virtual void GiveBack() = 0;

 protected:
  ~MemoryHolder() = default;
};

// The part of one window and its streams. The budget counts its limit as long as anybody has it.
class MemoryAccount final : public std::enable_shared_from_this<MemoryAccount> {
 public:
  MemoryAccount(std::shared_ptr<MemoryBudget> budget, uint64_t limit);
  ~MemoryAccount();
  MemoryAccount(const MemoryAccount&) = delete;
  MemoryAccount& operator=(const MemoryAccount&) = delete;

  // The window is closed and takes no share any more. Any thread.
  void Close();

  // Changes a reservation to `bytes`. False if there is no room; then `holder` is told when to ask
  // again, later and not from here. `awaited_since_ms`: since when a consumer has waited for these
  // bytes; nothing if none does. I/O thread.
  bool Reserve(uint64_t bytes, std::optional<int64_t> awaited_since_ms, MemoryHolder* holder,
               Reservation* room);

  const std::shared_ptr<MemoryBudget>& budget() const { return budget_; }
  uint64_t held() const { return held_; }

 private:
  friend class MemoryBudget;
  friend class Reservation;
  void Release(uint64_t bytes);  // any thread

  const std::shared_ptr<MemoryBudget> budget_;
  const uint64_t limit_;
  std::atomic<uint64_t> held_{0};
  std::atomic<bool> open_{true};
};

// Bytes of an account, which are released with this. One thread at a time, any thread.
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
  void Shrink(uint64_t bytes);  // if it is more

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
  // `pool` keeps no more idle memory than the budget leaves, and little once nothing is read.
  MemoryBudget(Executor* loop, std::shared_ptr<BufferPool> pool);

  // For a window that may read so many bytes ahead. Any thread.
  std::shared_ptr<MemoryAccount> Open(uint64_t limit);

  uint64_t total() const { return total_; }  // 0: there is no account
  uint64_t used() const { return used_; }

  // Who may be asked to give memory back. I/O thread.
  void Add(MemoryHolder* holder);
  // Forgets it, also where it waits for room. I/O thread.
  void Remove(MemoryHolder* holder);

 private:
  friend class MemoryAccount;

  bool Reserve(uint64_t more, std::optional<int64_t> awaited_since_ms, MemoryHolder* holder,
               MemoryAccount* account);
  bool HasRoomFor(uint64_t more, const MemoryAccount& account, bool awaited) const;
  bool MayGoOver(uint64_t more, int64_t awaited_since_ms) const;
  void WaitForRoom(MemoryHolder* holder);
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
  std::atomic<bool> blocked_{false};  // somebody waits for a release
  std::atomic<int64_t> last_use_ms_{0};
  std::atomic<bool> idle_check_planned_{false};

  // I/O thread only.
  std::vector<MemoryHolder*> holders_;
  std::vector<MemoryHolder*> waiting_;  // in the order in which they came
  bool reclaim_planned_ = false;

  std::mutex mutex_;  // guards what follows
  std::vector<uint64_t> limits_;
};

}  // namespace objectpipes
