// Asks for the keys with which requests of a directory bucket are signed.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "s3/express_session.h"
#include "s3/s3_call.h"

namespace objectpipes {

class OpenSession final : public S3Call {
 public:
  // The context outlives the exchange. At its end, it is taken out of the bucket's session, and the
  // handlers that wait there are called.
  static std::unique_ptr<Exchange> Start(S3Context* context, const std::string& bucket_name);

 private:
  OpenSession(S3Context* context, const std::string& bucket_name);

  bool IsAnswer(const HttpHead&) const override { return true; }
  Flow OnSuccess(const HttpHead& head) override;
  Flow OnSuccessData(const char* data, size_t size) override;
  void OnEnd(const Status& status, const RetryHint& hint) override;
  void Adopt(ExpressSession opened);

  std::optional<double> server_time_;
  std::string body_;
};

}  // namespace objectpipes
