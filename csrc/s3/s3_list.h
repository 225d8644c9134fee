// One page of a listing.
#pragma once

#include <string>

#include "s3/list_page.h"
#include "s3/s3_call.h"

namespace objectpipes {

class S3List final : public S3Call {
 public:
  // Context and handler outlive the exchange.
  S3List(S3Context* context, const ListRequest& request, ListHandler* handler);

 private:
  bool IsAnswer(const HttpHead&) const override { return true; }  // the document tells
  Flow OnSuccess(const HttpHead&) override { return Flow::kContinue; }
  Flow OnSuccessData(const char* data, size_t size) override;
  void OnEnd(const Status& status, const RetryHint& hint) override;

  const std::string prefix_;
  const ListVersion version_;
  const bool first_;  // page of its listing
  ListHandler* const handler_;
  Status refused_;  // why the reply is not read
  std::string body_;
};

}  // namespace objectpipes
