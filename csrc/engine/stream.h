// One large object, or one of unknown size, read chunk by chunk within an allowance of memory.
//
// The I/O thread fills chunks ahead of the reader and pauses at the allowance; the reader takes
// them in order. A seek outside of what is there drops everything and goes on elsewhere in the same
// version. Where the server names no version, there is no going on elsewhere: the bytes in front of
// the reader's new position are read and dropped.
//
// While nobody reads, all memory can be given back; what was dropped is read again when it is asked
// for, and has to be the same.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/buffer.h"
#include "engine/client.h"
#include "engine/memory_budget.h"
#include "engine/part_size_probe.h"
#include "engine/split_fetch.h"
#include "engine/verifier.h"

namespace objectpipes {

struct Chunk {
  uint64_t begin = 0;  // offset in the object
  Buffer bytes;

  uint64_t end() const { return begin + bytes.size(); }
};

class Stream final : public std::enable_shared_from_this<Stream>,
                     public SplitFetch::Sink,
                     public MemoryHolder {
 public:
  struct Options {
    bool verify = true;
    int most_parts = 16;
    uint64_t allowance = uint64_t{32} << 20;  // bytes held ahead of the reader
    int64_t deadline_ms = -1;  // for the first chunk, on the monotonic clock; -1: none
    int64_t timeout_ms = -1;   // without progress; -1: none
  };

  // Small enough that a chunk is still in the cache when the reader comes, and a divisor of
  // SplitFetch's parts.
  static constexpr uint64_t kChunkBytes = uint64_t{1} << 20;

  // `room`: of `account`, to begin with. `on_first` is called once on the I/O thread, when the
  // first chunk is there or the read has failed.
  Stream(std::shared_ptr<Client> client, ObjectId object, const Options& options,
         std::shared_ptr<MemoryAccount> account, Reservation room,
         std::function<void(const Status&)> on_first);
  ~Stream();

  // I/O thread.
  void Start();
  void Fail(const Status& status);  // ends the read

  // The reader's side: one thread at a time.

  // Bytes of the whole object. Known once on_first has been called with OK, or at the end, if the
  // server does not say.
  std::optional<uint64_t> size() const;
  std::string version() const;
  int attempts() const;

  enum class Outcome { kChunk, kEnd, kFailed, kNotYet };
  // The chunk that holds byte `position`. Chunks in front of it are given up. kNotYet after
  // `max_wait_ms`: look for signals and call again. The stream keeps the chunk until the next call,
  // or until memory is needed elsewhere: a reader who comes back to it later holds it weakly.
  Outcome Take(uint64_t position, int64_t max_wait_ms, std::shared_ptr<Chunk>* chunk,
               Status* failure);

  // Ends all transfers; nothing can be taken any more.
  void Close();

 private:
  // SplitFetch::Sink
  Flow OnReply(const ReplyHead& head) override;
  Space SpaceAt(const void* part, uint64_t offset) override;
  Flow OnBytes(const void* part, uint64_t offset, const char* data, size_t size) override;
  bool TakeBack(const void* part, uint64_t offset) override;
  void OnFetched(const Status& status) override;
  bool HasRoomFor(uint64_t end) override;
  // MemoryHolder
  void OnRoom() override;
  std::optional<int64_t> IdleSinceMs() const override;
  void GiveBack() override;

  // I/O thread.
  void Fetch(uint64_t begin);
  void SeekOnLoop(uint64_t position);
  void AskForPartSizes(PartSizeProbe::Parts parts,
                       std::function<void(const std::vector<uint64_t>&)> then);
  bool MayFill(uint64_t offset);
  bool StartChunk(const void* part, uint64_t offset);
  bool FinishFilled(const void* part, uint64_t offset);
  bool FinishLast();
  bool Finish(const std::shared_ptr<Chunk>& chunk);
  void Verify(std::shared_ptr<Chunk> next);
  void Conclude();
  bool Judge(const Status& verdict);
  bool IsAsBefore(const Chunk& chunk);
  void PublishLast();
  void Publish(std::shared_ptr<Chunk> chunk);
  void ReportFirst(const Status& status);

  // mutex_ held.
  uint64_t HeldFrom() const;
  uint64_t HeldBytes() const;
  bool IsAwaited() const;
  bool CanRewind() const;
  bool EndsAt(uint64_t position) const;
  const std::shared_ptr<Chunk>* FindReady(uint64_t position) const;
  void GoTo(uint64_t position);
  Outcome End(Outcome outcome);
  void ShrinkRoom();
  void Unpause();

  const std::shared_ptr<Client> client_;
  const ObjectId object_;
  const Options options_;
  const std::shared_ptr<MemoryAccount> account_;
  std::function<void(const Status&)> on_first_;

  // I/O thread only.
  Pin pin_;
  std::unique_ptr<SplitFetch> fetch_;
  std::unique_ptr<PartSizeProbe> probe_;
  std::map<const void*, std::shared_ptr<Chunk>> filling_;  // by part
  std::shared_ptr<Chunk> last_;  // of the object, until all of it is known to be right
  Verifier verifier_;
  uint64_t verified_ = 0;  // every byte before has been given to the verifier
  // Of chunks that were given to the verifier and then dropped: what they have to be when they are
  // read again. By begin.
  std::map<uint64_t, uint64_t> dropped_;
  Status failure_on_loop_;

  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable arrived_;
  std::map<uint64_t, std::shared_ptr<Chunk>> ready_;  // by begin
  std::shared_ptr<Chunk> current_;                    // the one taken last
  uint64_t wanted_ = 0;                               // the reader's position
  uint64_t fetching_from_ = 0;  // where the current fetch began: nothing before it will come
  Reservation room_;            // for current_, ready_ and what is being filled
  uint64_t allowance_;          // what room_ may grow to: less after memory was given back
  int64_t size_ = -1;
  std::string version_;
  int attempts_ = 0;
  Status failure_;
  bool paused_ = false;
  bool parked_ = false;    // its memory was given back: Fetch() when the reader comes
  int seeks_planned_ = 0;  // until they are done, what arrives is that of an abandoned fetch
  bool closed_ = false;
  int64_t progress_ms_ = 0;
  std::optional<int64_t> waiting_since_ms_;  // the reader; nothing if it has what it asked for
  int64_t last_take_ms_ = 0;
};

}  // namespace objectpipes
