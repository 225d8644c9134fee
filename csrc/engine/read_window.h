// A window of reads ahead: takes requests in order, and delivers results in order or as they
// arrive.
//
// It starts reads as memory and concurrency allow. The object that the consumer waits for never
// waits for memory. Objects whose node is down wait aside, so all others continue.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "engine/client.h"
#include "engine/memory_budget.h"
#include "engine/outage_queue.h"
#include "engine/read_result.h"
#include "engine/read_slot.h"
#include "engine/result_queue.h"
#include "engine/whole_read.h"

namespace objectpipes {

class ReadWindow final : public std::enable_shared_from_this<ReadWindow>,
                         public WholeRead::Handler,
                         public MemoryHolder {
 public:
  struct Options {
    uint64_t prefetch_bytes = uint64_t{256} << 20;
    int concurrency = 0;  // requests at once; 0: adaptive
    bool ordered = true;
    bool verify = true;
    int64_t timeout_ms = -1;  // for one object; -1: none

    // Calls visit(name, &field) for each, with the names of ReadOptions in options.py.
    template <typename Visit>
    void ForEach(const Visit& visit) {
      visit("prefetch_bytes", &prefetch_bytes);
      visit("concurrency", &concurrency);
      visit("ordered", &ordered);
      visit("verify", &verify);
      visit("timeout_ms", &timeout_ms);
    }
  };

  static std::shared_ptr<ReadWindow> Open(std::shared_ptr<Client> client,
                                          const std::shared_ptr<MemoryBudget>& budget,
                                          const Options& options);
  ~ReadWindow();

  // The consumer's side: one thread at a time.

  // How many more requests to submit now. The window asks for batches: 0 while it could take only
  // few, unless nothing else is in flight.
  size_t Room() const;
  // Whether no result comes until more is submitted, because all outstanding reads wait for a node
  // that is down.
  bool Starved() const { return under_way() == 0 && Room() > 0; }
  void Submit(std::vector<ReadRequest> requests);
  // Appends up to `max_count` results; waits up to `max_wait_ms` for the first.
  // False if none came. More than one are together no larger than a sixteenth of the budget: others
  // are read into the room of what is taken, while the consumer still has all of it.
  bool Take(size_t max_count, int64_t max_wait_ms, std::vector<ReadResult>* results);
  // Cancels all reads whose results were not taken. Streams that were taken continue.
  void Close();

  size_t outstanding() const { return results_.outstanding(); }  // submitted and not taken

 private:
  ReadWindow(std::shared_ptr<Client> client, std::shared_ptr<MemoryAccount> account,
             const Options& options);

  // WholeRead::Handler
  Flow OnSize(WholeRead* read, int64_t size) override;
  Flow OnGrowth(WholeRead* read, uint64_t bytes) override;
  void OnRead(WholeRead* read, const Status& status) override;
  // MemoryHolder
  void OnRoom() override { Pump(); }
  std::optional<int64_t> IdleSinceMs() const override { return std::nullopt; }
  void GiveBack() override {}  // results wait for the consumer

  // How many outstanding reads do not wait for a node that is down.
  size_t under_way() const {
    const size_t all = outstanding();
    return all - std::min(all, aside_.size());
  }

  using Active = std::map<uint64_t, std::unique_ptr<ReadSlot>>;  // by sequence

  // All on the I/O thread.
  void Accept(std::vector<ReadRequest> requests, uint64_t first_sequence);
  void Pump();
  void Start(ReadSlot* slot);
  void StartWhole(ReadSlot* slot);
  void StartStream(ReadSlot* slot);
  void BeginAgainSoon(ReadSlot* slot);
  Active::iterator BeginAgain(Active::iterator place);
  void OnStreamReady(uint64_t sequence, const Status& status);
  void Finish(uint64_t sequence, ReadResult result);

  void AdmitWaiting();
  Flow AdmitOrWait(ReadSlot* slot);
  void PutBack(std::unique_ptr<ReadSlot> slot);
  void GiveBackConnections();
  void PutAside(std::unique_ptr<ReadSlot> slot);
  void EndWait(ReadSlot* slot) const;

  bool ReserveFor(ReadSlot* slot);
  bool TryReserveFor(ReadSlot* slot, std::optional<int64_t> awaited_since_ms);
  bool ConsumerNeeds(const ReadSlot& slot) const;
  std::optional<int64_t> AwaitedSinceMs(const ReadSlot& slot) const;
  bool IsStreamed(const ReadSlot& slot) const;
  bool TooLarge(uint64_t size) const;
  uint64_t BytesFor(const ReadSlot& slot) const;
  uint64_t StreamAllowance(uint64_t max) const;

  void SetDeadline(ReadSlot* slot) const;
  void ScheduleCheck();
  void Check();
  void EndOverdue();
  void PutAsideHopeless();
  void TakeUpWaiting();
  void CancelAll();

  const std::shared_ptr<Client> client_;
  const std::shared_ptr<MemoryAccount> account_;
  const Options options_;

  ResultQueue results_;

  // I/O thread only.
  std::deque<std::unique_ptr<ReadSlot>> pending_;  // not started
  Active active_;
  OutageQueue aside_;
  EventLoop::Timer check_timer_;
  EventLoop::Timer pump_timer_;
  EventLoop::Timer notify_timer_;

  std::atomic<bool> needs_room_{false};  // a read waits for memory
  std::atomic<int64_t> typical_size_;    // of recent objects: estimates sizes that are not listed
  std::atomic<int> limit_;               // of concurrent reads, as last computed
  std::atomic<bool> closed_{false};
};

}  // namespace objectpipes
