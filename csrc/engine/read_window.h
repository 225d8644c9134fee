// A window of reads ahead: objects go in in order, and come out in order (or as they arrive).
//
// It bounds what is read ahead in bytes and in number, starts reads as room and concurrency allow,
// and guarantees that the object the consumer waits for is never the one that waits for memory.
// Objects whose node is down wait aside, so that all others go on.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/buffer.h"
#include "engine/client.h"
#include "engine/memory_budget.h"
#include "engine/stream.h"
#include "engine/whole_read.h"

namespace objectpipes {

struct ReadRequest {
  Result<ObjectId> object;   // a URL that cannot be parsed takes its place in the order, too
  int64_t size = -1;         // bytes to be read, if a listing told; -1: unknown
  uint64_t begin = 0;        // bytes [begin, end) of the object: always into one buffer, or
  uint64_t end = kToTheEnd;  // all of it
};

struct ReadResult {
  uint64_t sequence = 0;  // the how-manieth request it answers, from 0
  Status status;
  Buffer buffer;                   // a whole object, or
  std::shared_ptr<Stream> stream;  // a large one; at most one of the two is set
  std::string version;
  int attempts = 0;
  uint64_t reserved = 0;  // bytes of the window's budget that taking it releases
};

class ReadWindow final : public std::enable_shared_from_this<ReadWindow>, public WholeRead::Owner {
 public:
  struct Options {
    uint64_t prefetch_bytes = uint64_t{256} << 20;
    int concurrency = 0;  // requests at once; 0: adaptive
    bool ordered = true;
    bool verify = true;
    int64_t timeout_ms = -1;  // for one object; -1: none
  };

  static std::shared_ptr<ReadWindow> Open(std::shared_ptr<Client> client,
                                          std::shared_ptr<MemoryBudget> budget,
                                          const Options& options);
  ~ReadWindow();

  // The consumer's side: one thread at a time.

  // How many more requests the window would take now.
  size_t Room() const;
  void Submit(std::vector<ReadRequest> requests);
  // Appends up to `most` results that are there; waits up to `max_wait_ms` for the first. False if
  // none came. More than one are together no larger than a sixteenth of the budget: others are read
  // into the room of what is taken, while the consumer still has all of it.
  bool Take(size_t most, int64_t max_wait_ms, std::vector<ReadResult>* results);
  // Cancels everything that has not been taken. Streams that were taken live on.
  void Close();

  size_t outstanding() const;  // submitted and not taken

 private:
  struct Slot;

  ReadWindow(std::shared_ptr<Client> client, std::shared_ptr<MemoryBudget> budget,
             const Options& options);

  // WholeRead::Owner
  Flow OnSize(WholeRead* read, int64_t size) override;
  Flow OnGrowth(WholeRead* read, uint64_t bytes) override;
  void OnRead(WholeRead* read, const Status& status) override;

  // I/O thread.
  void Accept(std::vector<ReadRequest> requests, uint64_t first_sequence);
  void Pump();
  void AdmitPaused();
  Flow AdmitOrPause(Slot* slot);
  void EndPause(Slot* slot) const;
  bool ConsumerNeeds(const Slot& slot) const;
  bool ReserveFor(Slot* slot, uint64_t bytes);
  void Hold(Slot* slot, uint64_t bytes);
  uint64_t BytesFor(const Slot& slot) const;
  void PutBack(std::unique_ptr<Slot> slot);  // among the pending
  bool TooLarge(const Slot& slot, int64_t size) const;
  void Start(Slot* slot);
  void StartWhole(Slot* slot);
  void StartStream(Slot* slot);
  void TurnIntoStream(uint64_t sequence);
  void OnStreamReady(uint64_t sequence, const Status& status);
  void Finish(uint64_t sequence, ReadResult result);
  void SetDeadline(Slot* slot) const;
  void ScheduleCheck();
  void Check();
  void EndOverdue();
  void PutAside(std::unique_ptr<Slot> slot);
  void PutAsideHopeless();
  void TakeUpWaiting();
  void CancelAll();

  // Any thread.
  void Release(uint64_t bytes);
  void PumpSoonIfBlocked();
  bool AnythingToTake() const;  // mutex_ held

  const std::shared_ptr<Client> client_;
  const std::shared_ptr<MemoryBudget> budget_;
  const Options options_;

  // I/O thread only.
  std::deque<std::unique_ptr<Slot>> pending_;         // not started
  std::map<uint64_t, std::unique_ptr<Slot>> active_;  // by sequence
  std::map<uint64_t, std::unique_ptr<Slot>> aside_;   // by sequence: their node is down
  double typical_size_ = 64 << 10;  // of recent objects: the guess where no listing told
  std::optional<EventLoop::TimerId> check_timer_;
  int64_t aside_checked_ms_ = 0;
  bool notify_planned_ = false;

  std::atomic<uint64_t> held_{0};     // bytes reserved for what the consumer has not taken yet
  std::atomic<bool> blocked_{false};  // a read waits for bytes to be released
  std::atomic<uint64_t> head_{0};     // sequence of the next result to be taken, when ordered
  std::atomic<int> limit_;            // of concurrent reads, as it was last
  std::atomic<size_t> aside_count_{0};

  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable arrived_;
  // Ordered: one place per request from head_ on. Otherwise: what has arrived.
  std::deque<std::optional<ReadResult>> results_;
  uint64_t submitted_ = 0;
  uint64_t taken_ = 0;
  bool waiting_ = false;
  bool closed_ = false;
};

}  // namespace objectpipes
