// What must be known of a bucket before its objects are read. Asked for until there is an answer.
#pragma once

#include <memory>
#include <vector>

#include "ais/bucket_props.h"
#include "ais/reply_head.h"
#include "transport/http/http_client.h"
#include "transport/transport.h"

namespace objectpipes::ais {

// I/O thread only. A cluster may not tell: then a bucket is what buckets are by default.
class BucketFacts final : private HttpHandler {
 public:
  class Waiter {
   public:
    virtual void OnBucketKnown() = 0;

   protected:
    ~Waiter() = default;
  };

  bool known() const { return known_; }
  RangeChecksum range_checksum() const {
    return props_.checksums_ranges ? RangeChecksum::kOfRange : RangeChecksum::kOfObject;
  }

  // Sends the request, unless one is under way, and calls the waiter once it has ended.
  void Ask(HttpSession* session, const HttpRequest& request, Waiter* waiter);
  void Forget(Waiter* waiter);

 private:
  Flow OnHead(const HttpHead& head) override;
  Space OnSpace() override { return {}; }
  Flow OnData(const char*, size_t) override { return Flow::kContinue; }
  void OnDone(const Status& status) override;

  bool known_ = false;
  int http_status_ = 0;
  BucketProps props_;
  std::vector<Waiter*> waiters_;
  std::unique_ptr<Exchange> question_;
};

}  // namespace objectpipes::ais
