// Facts about a bucket that reads of its objects need. The cluster is asked until it answers.
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

// I/O thread only. If the cluster refuses to tell, the defaults of a bucket apply.
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

  // Asks the cluster, unless a request is under way, and calls the handler once it has ended.
  // Session and cluster outlive this.
  void Ask(HttpSession* session, Cluster* cluster, const std::string& bucket, Handler* handler);
  void Forget(Handler* handler);

 private:
  Flow OnHead(const HttpHead& head) override;
  Flow OnData(const char*, size_t) override { return Flow::kContinue; }
  void OnDone(const Status& status) override;

  void Send();

  bool known_ = false;
  HttpSession* session_ = nullptr;  // from the first Ask() on
  Cluster* cluster_ = nullptr;
  std::string uri_;
  std::string gateway_;
  int http_status_ = 0;
  BucketProps props_;
  std::vector<Handler*> handlers_;
  std::unique_ptr<Exchange> question_;
};

}  // namespace objectpipes::ais
