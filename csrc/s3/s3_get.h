// One read of an object.
#pragma once

#include "s3/s3_call.h"

namespace objectpipes {

class S3Get final : public S3Call {
 public:
  // Context and handler outlive the exchange.
  S3Get(S3Context* context, const GetRequest& request, GetHandler* handler);

 private:
  bool IsAnswer(const HttpHead& http) const override;
  void OnConnected() override { handler_->OnConnected(); }
  Flow OnSuccess(const HttpHead& http) override;
  Space OnSuccessSpace() override { return handler_->OnSpace(); }
  Flow OnSuccessData(const char* data, size_t size) override;
  void OnEnd(const Status& status, const RetryHint& hint) override;

  GetHandler* const handler_;
  Status malformed_;
};

}  // namespace objectpipes
