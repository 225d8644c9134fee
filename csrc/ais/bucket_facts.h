// What must be known of a bucket before its objects are read. Asked for until there is an answer.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "ais/bucket_props.h"
#include "ais/cluster.h"
#include "ais/reply_head.h"
#include "transport/http/http_client.h"
#include "transport/transport.h"

namespace objectpipes::ais {

// I/O thread only. A cluster may not tell: then a bucket is what buckets are by default.
class BucketFacts final : private HttpHandler {
 public:
  class Handler {
   public:
    virtual void OnBucketKnown() = 0;

   protected:
    ~Handler() = default;
  };

  bool known() const { return known_; }
  RangeChecksum range_checksum() const {
    return props_.checksums_ranges ? RangeChecksum::kOfRange : RangeChecksum::kOfObject;
  }

  // Asks the cluster, unless a question is under way, and calls the handler once it has ended.
  // Session and cluster outlive this.
  void Ask(HttpSession* session, Cluster* cluster, const std::string& bucket, Handler* handler);
  void Forget(Handler* handler);

 private:
  Flow OnHead(const HttpHead& head) override;
  Space OnSpace() override { return {}; }
  Flow OnData(const char*, size_t) override { return Flow::kContinue; }
  void OnDone(const Status& status) override;

  void Send();

  bool known_ = false;
  HttpSession* session_ = nullptr;  // from the first question on
  Cluster* cluster_ = nullptr;
  std::string uri_;
  std::string gateway_;
  int http_status_ = 0;
  BucketProps props_;
  std::vector<Handler*> handlers_;
  std::unique_ptr<Exchange> question_;
};

}  // namespace objectpipes::ais
