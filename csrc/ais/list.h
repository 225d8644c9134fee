// One page of a listing, and whether it holds all that it should.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "ais/call.h"
#include "ais/list_page.h"

namespace objectpipes::ais {

class List final : public Call {
 public:
  // Session, cluster and handler outlive the exchange.
  static std::unique_ptr<Exchange> Start(HttpSession* session, Cluster* cluster,
                                         const ListRequest& request, ListHandler* handler);

 private:
  enum class Stage : uint8_t {
    kPreparing,  // asks for the cluster map
    kListing,
    kChecking,  // asks for the map again: a page does not say whether targets have left since
  };

  List(HttpSession* session, Cluster* cluster, const ListRequest& request, ListHandler* handler);

  void OnClusterKnown() override;
  Flow OnSuccess(const HttpHead&) override { return Flow::kContinue; }
  Flow OnSuccessData(const char* data, size_t size) override;
  void OnEnd(const Status& status, const RetryHint& hint) override;

  void SendPageRequest();
  void Deliver();
  void Incomplete(StatusCode code, const std::string& why, const RetryHint& hint);

  const ListRequest list_;
  ListHandler* const handler_;
  Stage stage_ = Stage::kPreparing;
  Status refused_;              // why the request cannot be sent, or its reply is not read
  int64_t version_before_ = 0;  // of the map that the page is listed with
  std::string body_;
  ListReply reply_;  // in kChecking
};

}  // namespace objectpipes::ais
