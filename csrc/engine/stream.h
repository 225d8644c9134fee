// One large object, or one of unknown size, read chunk by chunk within an allowance of memory.
//
// The I/O thread fills chunks ahead of the reader and pauses at the allowance. The reader takes
// them in order. A seek outside of these chunks drops them all and starts a new fetch of the same
// version. If the server names no version, that is not possible: then the bytes before the new
// position are read and dropped.
//
// While nobody reads, all memory can be given back. Chunks that were dropped are read again when
// the reader asks for them, and must then be the same.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "base/buffer.h"
#include "engine/client.h"
#include "engine/memory_budget.h"
#include "engine/object_verifier.h"
#include "engine/split_fetch.h"

namespace objectpipes {

struct Chunk {
  uint64_t begin = 0;  // offset in the object
  Buffer bytes;

  uint64_t end() const { return begin + bytes.size(); }
};

class Stream final : public std::enable_shared_from_this<Stream>,
                     public SplitFetch::Handler,
                     private ObjectVerifier::Handler,
                     public MemoryHolder {
 public:
  // How many bytes to hold ahead of the reader: at first, when two connections can serve it, and at
  // most, when SplitFetch::kMaxParts can. HasRoomFor() goes from one to the other.
  static constexpr uint64_t kAllowance = uint64_t{16} << 20;
  static constexpr uint64_t kMaxAllowance = uint64_t{128} << 20;

  struct Options {
    bool verify = true;
    int max_parts = SplitFetch::kMaxParts;
    uint64_t allowance = kAllowance;
    uint64_t max_allowance = kMaxAllowance;
    int64_t deadline_ms = -1;  // for the first chunk, by the client's clock; -1: none
    int64_t timeout_ms = -1;   // the longest time without progress; -1: no limit
    SeenVersion seen;
  };

  // Small enough that a chunk is still in the cache when the reader takes it. Divides the size of
  // SplitFetch's parts.
  static constexpr uint64_t kChunkBytes = uint64_t{1} << 20;

  // `room` is the first reservation in `account`. `on_first` is called once, on the I/O thread,
  // when the first chunk has arrived or the read has failed.
  Stream(std::shared_ptr<Client> client, ObjectId object, const Options& options,
         std::shared_ptr<MemoryAccount> account, Reservation room,
         std::function<void(const Status&)> on_first);
  ~Stream();

  // I/O thread.
  void Start();
  void Fail(const Status& status);  // ends the read

  // The reader's side: one thread at a time.

  // The size of the object in bytes. Known after on_first was called with OK, or at the end if the
  // server does not say.
  std::optional<uint64_t> size() const;
  std::string version() const;
  int attempts() const;

  enum class Outcome { kChunk, kEnd, kFailed, kNotYet };
  // The chunk that has the byte at `position`; earlier chunks are dropped. kNotYet after
  // `max_wait_ms`: check for signals and call again. The stream keeps the chunk until the next
  // call, or until memory is needed elsewhere. A reader who may come back to it later holds it
  // weakly.
  Outcome Take(uint64_t position, int64_t max_wait_ms, std::shared_ptr<Chunk>* chunk,
               Status* failure);

  // Ends all transfers; nothing can be taken any more.
  void Close();

 private:
  // SplitFetch::Handler
  Flow OnReply(const ReplyHead& head) override;
  Space SpaceAt(const void* part, uint64_t offset) override;
  Flow OnBytes(const void* part, uint64_t offset, const char* data, size_t size) override;
  bool TakeBack(const void* part, uint64_t offset) override;
  void OnFetched(const Status& status) override;
  bool HasRoomFor(uint64_t end) override;
  // ObjectVerifier::Handler
  void OnPartSizes() override { fetch_->Resume(); }
  void OnVerdict(const Status& verdict) override;
  // MemoryHolder
  void OnRoom() override;
  std::optional<int64_t> IdleSinceMs() const override;
  void GiveBack() override;

  // I/O thread.
  void Fetch(uint64_t begin);
  void SeekOnLoop(uint64_t position);
  bool MayFill(uint64_t offset);
  Chunk* ChunkOf(const void* part, uint64_t offset);
  bool FinishFilled(const void* part, uint64_t offset);
  bool FinishLast();
  bool Finish(const std::shared_ptr<Chunk>& chunk);
  void Verify(std::shared_ptr<Chunk> next);
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
  std::map<const void*, std::shared_ptr<Chunk>> filling_;  // by part
  std::shared_ptr<Chunk> last_;  // of the object, kept until all of it is verified
  ObjectVerifier verifier_;
  // The CRCs of chunks that were hashed and then dropped, by begin: they must be the same when they
  // are read again.
  std::map<uint64_t, uint64_t> dropped_;
  Status failure_on_loop_;

  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable arrived_;
  std::map<uint64_t, std::shared_ptr<Chunk>> ready_;  // by begin
  std::shared_ptr<Chunk> current_;                    // the chunk taken last
  uint64_t wanted_ = 0;                               // the reader's position
  uint64_t fetching_from_ = 0;  // where the current fetch began; it delivers nothing before
  Reservation room_;            // for current_, ready_ and what is being filled
  uint64_t allowance_;          // how far room_ may grow now
  int64_t size_ = -1;
  std::string version_;
  int attempts_ = 0;
  Status failure_;
  bool paused_ = false;
  bool parked_ = false;    // its memory was given back: the next Take() starts a fetch
  int seeks_planned_ = 0;  // while > 0, bytes that arrive belong to an abandoned fetch
  bool closed_ = false;
  int64_t progress_ms_ = 0;
  std::optional<int64_t> waiting_since_ms_;  // since when the reader waits; nothing if it does not
  int64_t last_take_ms_ = 0;
};

}  // namespace objectpipes
