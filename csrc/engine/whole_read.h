// One object, or a range of it, into one buffer: fetched, checked, and read again if it was
// replaced or damaged on the way.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/buffer.h"
#include "engine/client.h"
#include "engine/part_size_probe.h"
#include "engine/split_fetch.h"
#include "engine/verifier.h"

namespace objectpipes {

class WholeRead final : public SplitFetch::Sink {
 public:
  class Handler {
   public:
    // How many bytes are read is known now (-1: it will show at the end). kContinue: go on; kPause:
    // no room in memory, wait for Admit(); kStop: too large for one buffer, abandon the read
    // without OnRead.
    virtual Flow OnSize(WholeRead* read, int64_t size) = 0;
    // A body of unknown length needs a buffer of so many bytes. kContinue, or kPause as above.
    virtual Flow OnGrowth(WholeRead* read, uint64_t bytes) = 0;
    // The last call; may destroy the read.
    virtual void OnRead(WholeRead* read, const Status& status) = 0;

   protected:
    ~Handler() = default;
  };

  struct Options {
    bool verify = true;
    int most_parts = 16;
    int64_t deadline_ms = -1;  // of the monotonic clock
    uint64_t begin = 0;        // bytes [begin, end) of the object: what there is of them
    uint64_t end = kToTheEnd;
  };

  // Everything pointed at outlives this.
  WholeRead(Client* client, const ObjectId* object, uint64_t id, const Options& options,
            Handler* handler);

  void Start();
  void Admit(int64_t deadline_ms);  // the deadline has moved on while the read waited

  uint64_t id() const { return id_; }  // the handler's name for it

  // After OnRead(OK).
  Buffer TakeBuffer() { return std::move(buffer_); }
  const std::string& version() const { return pin_.version; }
  int attempts() const { return earlier_attempts_ + (fetch_ != nullptr ? fetch_->attempts() : 0); }

 private:
  Flow OnReply(const ReplyHead& head) override;
  Space SpaceAt(const void* part, uint64_t offset) override;
  Flow OnBytes(const void* part, uint64_t offset, const char* data, size_t size) override;
  bool TakeBack(const void* part, uint64_t offset) override;
  void OnFetched(const Status& status) override;
  bool HasRoomFor(uint64_t /*end*/) override { return true; }

  int64_t length() const;  // bytes that are read; -1: unknown
  bool ranged() const { return options_.begin != 0 || options_.end != kToTheEnd; }
  char* At(uint64_t offset) { return buffer_.data() + (offset - options_.begin); }
  Flow MakeRoom(uint64_t size);
  void Verify(uint64_t offset, const char* data, size_t size);
  void AskForPartSizes(PartSizeProbe::Parts parts, std::function<void(std::vector<uint64_t>)> then);
  void Conclude();
  void Restart(const Status& why);
  void Finish(const Status& status);

  Client* const client_;
  const ObjectId* const object_;
  const uint64_t id_;
  const Options options_;
  Handler* const handler_;

  int64_t deadline_ms_;
  Pin pin_;
  std::unique_ptr<SplitFetch> fetch_;
  std::unique_ptr<PartSizeProbe> probe_;
  Buffer buffer_;
  Verifier verifier_;
  std::string part_sizes_version_;  // whose parts' sizes are known: a damaged object is read again
  std::vector<uint64_t> part_sizes_;
  uint64_t verified_;                   // bytes before it have been given to the verifier
  std::map<uint64_t, uint64_t> ahead_;  // pieces [begin, end) beyond it that are already here
  Status failure_;                      // our own reason to stop the fetch
  bool abandoned_ = false;              // the handler's
  bool sized_ = false;
  bool admitted_ = false;
  int restarts_ = 0;
  int earlier_attempts_ = 0;
};

}  // namespace objectpipes
