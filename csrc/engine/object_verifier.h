// Compares an object, read from its first byte to its last, with the checksum that a reply offered.
//
// For a composite checksum it asks how long the parts are: for the first alone before any byte is
// given, and for all of them if the bytes then do not match.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/buffer.h"
#include "engine/client.h"
#include "engine/part_size_probe.h"
#include "engine/range_fetch.h"
#include "engine/verifier.h"

namespace objectpipes {

class ObjectVerifier {
 public:
  class Handler {
   public:
    // Bytes may be given now: see awaits_part_sizes().
    virtual void OnPartSizes() = 0;
    // OK if the bytes match, or if there is nothing to compare them with; kIntegrity if they do
    // not match. Any other failure is that of asking for part sizes, and may come before
    // Conclude(). May destroy the verifier.
    virtual void OnVerdict(const Status& verdict) = 0;

   protected:
    ~Handler() = default;
  };

  // Everything pointed at outlives this.
  ObjectVerifier(Client* client, const ObjectId* object, const Pin* pin, Handler* handler)
      : client_(client), object_(object), pin_(pin), handler_(handler) {}

  // Starts over. Without byte 0 (position > 0) nothing is compared.
  void Restart(uint64_t position);
  void set_deadline_ms(int64_t deadline_ms);

  // What a reply offers. Only the first offer counts: replies to later ranges may offer nothing, or
  // the same again.
  void Offer(const OfferedChecksum& offered);
  // Until Handler::OnPartSizes() no byte may be given.
  bool awaits_part_sizes() const { return verifier_.needs_part_sizes(); }
  bool is_asking() const { return probe_ != nullptr; }
  bool active() const { return verifier_.active(); }

  // The bytes from position() on.
  void Update(const char* data, size_t size);
  uint64_t position() const { return position_; }

  // After the last byte. `bytes` is the whole object if it is still in memory: only then can it be
  // hashed again with other part sizes.
  void Conclude(const Buffer* bytes);

 private:
  void AskForPartSizes(PartSizeProbe::Parts parts,
                       std::function<void(const std::vector<uint64_t>&)> then);
  void OnMismatch(const Status& mismatch, const Buffer* bytes);
  void Fail(const Status& mismatch);
  uint64_t size() const { return static_cast<uint64_t>(pin_->size); }

  Client* const client_;
  const ObjectId* const object_;
  const Pin* const pin_;
  Handler* const handler_;
  int64_t deadline_ms_ = -1;

  Verifier verifier_;
  uint64_t position_ = 0;
  std::unique_ptr<PartSizeProbe> probe_;
  // Kept for the next time: a damaged object is read again.
  std::vector<uint64_t> part_sizes_;
  std::string part_sizes_version_;  // of this version of the object
};

}  // namespace objectpipes
