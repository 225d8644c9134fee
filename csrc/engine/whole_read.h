// Reads one object, or a range of it, into one buffer: verifies it, and reads it again if it was
// replaced or damaged.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "base/buffer.h"
#include "engine/client.h"
#include "engine/object_verifier.h"
#include "engine/split_fetch.h"

namespace objectpipes {

class WholeRead final : public SplitFetch::Handler, private ObjectVerifier::Handler {
 public:
  class Handler {
   public:
    // Tells how many bytes will be read (-1: unknown until the end). kContinue: continue; kPause:
    // no memory now, wait for Admit(); kStop: too large for one buffer, end the read without
    // OnRead.
    virtual Flow OnSize(WholeRead* read, int64_t size) = 0;
    // A body of unknown length needs a buffer of this many bytes. kContinue, or kPause as above.
    virtual Flow OnGrowth(WholeRead* read, uint64_t bytes) = 0;
    // The last call; may destroy the read.
    virtual void OnRead(WholeRead* read, const Status& status) = 0;

   protected:
    ~Handler() = default;
  };

  struct Options {
    bool verify = true;
    int max_parts = SplitFetch::kMaxParts;
    int64_t deadline_ms = -1;  // by the client's clock; -1: none
    uint64_t begin = 0;        // bytes [begin, end) of the object, as far as it has them
    uint64_t end = kToTheEnd;
    SeenVersion seen;
  };

  // Everything pointed at outlives this.
  WholeRead(Client* client, const ObjectId* object, uint64_t id, const Options& options,
            Handler* handler);

  void Start();
  void Admit(int64_t deadline_ms);  // with a later deadline, because the read waited

  uint64_t id() const { return id_; }  // chosen by the handler

  // After OnRead(OK).
  Buffer TakeBuffer() { return std::move(buffer_); }
  const std::string& version() const { return pin_.version; }
  SeenVersion seen() const { return {pin_.version, pin_.size}; }
  int attempts() const { return earlier_attempts_ + (fetch_ != nullptr ? fetch_->attempts() : 0); }

 private:
  Flow OnReply(const ReplyHead& head) override;
  Space SpaceAt(const void* part, uint64_t offset) override;
  Flow OnBytes(const void* part, uint64_t offset, const char* data, size_t size) override;
  bool TakeBack(const void* part, uint64_t offset) override;
  void OnFetched(const Status& status) override;
  bool HasRoomFor(uint64_t /*end*/) override { return true; }
  void OnPartSizes() override { fetch_->Resume(); }
  void OnVerdict(const Status& verdict) override;

  int64_t length() const;  // bytes that are read; -1: unknown
  bool ranged() const { return options_.begin != 0 || options_.end != kToTheEnd; }
  char* At(uint64_t offset) { return buffer_.data() + (offset - options_.begin); }
  Flow MakeRoom(uint64_t size);
  void Verify(uint64_t offset, const char* data, size_t size);
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
  Buffer buffer_;
  ObjectVerifier verifier_;
  std::map<uint64_t, uint64_t> ahead_;  // pieces [begin, end) that it has not been given yet
  Status failure_;                      // why we stopped the fetch
  bool abandoned_ = false;              // by the handler
  bool sized_ = false;
  bool admitted_ = false;
  int restarts_ = 0;
  int earlier_attempts_ = 0;
};

}  // namespace objectpipes
