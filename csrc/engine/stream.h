// One large object, read part by part within a fixed allowance of memory.
//
// The I/O thread fills chunks ahead of the reader and pauses at the allowance; the reader takes
// them in order. A seek outside of what is there drops everything and goes on elsewhere in the same
// version. Where the server names no version, there is no going on elsewhere: the bytes in front of
// the reader's new position are read and dropped.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/buffer.h"
#include "engine/client.h"
#include "engine/part_size_probe.h"
#include "engine/split_fetch.h"
#include "engine/verifier.h"

namespace objectpipes {

struct Chunk {
  uint64_t begin = 0;  // offset in the object
  Buffer bytes;

  uint64_t end() const { return begin + bytes.size(); }
};

class Stream final : public std::enable_shared_from_this<Stream>, public SplitFetch::Sink {
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

  // `on_first` is called once on the I/O thread, when the first chunk is there or the read has
  // failed. `on_close` is called once when the stream needs no memory any more, on any thread.
  Stream(std::shared_ptr<Client> client, ObjectId object, const Options& options,
         std::function<void(const Status&)> on_first, std::function<void()> on_close);
  ~Stream();

  // I/O thread.
  void Start();
  void Fail(const Status& status);  // ends the read

  // The reader's side: one thread at a time.

  // Bytes of the whole object. Known once on_first has been called with OK.
  uint64_t size() const;
  std::string version() const;
  int attempts() const;

  enum class Outcome { kChunk, kEnd, kFailed, kNotYet };
  // The chunk that holds byte `position`. Chunks in front of it are given up. kNotYet after
  // `max_wait_ms`: look for signals and call again.
  Outcome Take(uint64_t position, int64_t max_wait_ms, std::shared_ptr<Chunk>* chunk,
               Status* failure);

  // Ends all transfers; nothing can be taken any more.
  void Close();

 private:
  Flow OnReply(const ReplyHead& head) override;
  Space SpaceAt(const void* part, uint64_t offset) override;
  Flow OnBytes(const void* part, uint64_t offset, const char* data, size_t size) override;
  bool TakeBack(const void* part, uint64_t offset) override;
  void OnFetched(const Status& status) override;
  bool HasRoomFor(uint64_t end) override;

  void Fetch(uint64_t begin);
  void SeekOnLoop(uint64_t position);
  void AskForPartSizes(PartSizeProbe::Parts parts,
                       std::function<void(const std::vector<uint64_t>&)> then);
  bool MayFill(uint64_t offset);
  bool StartChunk(const void* part, uint64_t offset);
  void Finish(const std::shared_ptr<Chunk>& chunk);
  void Verify(std::shared_ptr<Chunk> next);
  void Conclude();
  bool Judge(const Status& verdict);
  void PublishLast();
  void Publish(std::shared_ptr<Chunk> chunk);
  void ReportFirst(const Status& status);
  void Unpause();  // mutex_ held

  const std::shared_ptr<Client> client_;
  const ObjectId object_;
  const Options options_;
  std::function<void(const Status&)> on_first_;
  std::function<void()> on_close_;

  // I/O thread only.
  Pin pin_;
  std::unique_ptr<SplitFetch> fetch_;
  std::unique_ptr<PartSizeProbe> probe_;
  std::map<const void*, std::shared_ptr<Chunk>> filling_;  // by part
  std::shared_ptr<Chunk> last_;  // of the object, until all of it is known to be right
  Verifier verifier_;
  uint64_t verified_ = 0;  // every byte before has been given to the verifier
  Status failure_on_loop_;

  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable arrived_;
  std::map<uint64_t, std::shared_ptr<Chunk>> ready_;  // by begin
  uint64_t wanted_ = 0;                               // the reader's position
  uint64_t fetching_from_ = 0;  // where the current fetch began: nothing before it will come
  int64_t size_ = -1;
  std::string version_;
  int attempts_ = 0;
  Status failure_;
  bool paused_ = false;
  int seeks_planned_ = 0;  // until they are done, what arrives is that of an abandoned fetch
  bool closed_ = false;
  int64_t progress_ms_ = 0;
};

}  // namespace objectpipes
