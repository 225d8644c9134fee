#include "engine/part_size_probe.h"

#include <utility>

namespace objectpipes {
namespace {

using Sizes = std::vector<uint64_t>;

// Servers that do not know such a request, or do not permit it, refuse it in many ways: for moto,
// the part has another ETag than the object.
bool CannotAnswer(const Status& status) {
  switch (status.code()) {
    case StatusCode::kInvalidArgument:
    case StatusCode::kNotSupported:
    case StatusCode::kAccessDenied:
    case StatusCode::kObjectChanged:
    case StatusCode::kProtocol:
      return true;
    default:
      return false;
  }
}

}  // namespace

PartSizeProbe::PartSizeProbe(Client* client, const ObjectId* object, std::string version,
                             Parts parts, int64_t deadline_ms, Done done)
    : client_(client),
      object_(object),
      version_(std::move(version)),
      parts_(parts),
      done_(std::move(done)),
      retry_(
          client, [this] { StartExchange(); },
          [this](const Status& status) {
            exchange_.reset();
            Finish(CannotAnswer(status) ? Result<Sizes>(Sizes{}) : Result<Sizes>(status));
          }),
      start_timer_(client->loop) {
  retry_.set_deadline_ms(deadline_ms);
  // Not now: handlers make probes, and no exchange may be started there.
  start_timer_.Set(0, [this] { StartExchange(); });
}

void PartSizeProbe::StartExchange() {
  GetRequest request;
  request.object = *object_;
  request.head_only = true;
  request.part_number = static_cast<uint32_t>(sizes_.size()) + 1;
  request.if_match = version_;
  request.route = retry_.route();
  reported_size_ = -1;
  if (!retry_.Attempting()) return;
  exchange_ = client_->transport->StartGet(request, this);
}

Flow PartSizeProbe::OnHead(const ReplyHead& head) {
  reported_size_ = head.length;
  return Flow::kContinue;
}

void PartSizeProbe::OnDone(const Status& status, const RetryHint& hint) {
  exchange_.reset();
  if (!status.ok()) return retry_.Failed(status, hint);
  retry_.Succeeded();
  retry_.Progressed();
  if (reported_size_ < 0) return Finish(Sizes{});
  sizes_.push_back(static_cast<uint64_t>(reported_size_));
  if (HasAskedEnough()) return Finish(std::move(sizes_));
  StartExchange();
}

bool PartSizeProbe::HasAskedEnough() const {
  if (sizes_.size() == parts_.last) return true;
  return parts_.only_even && sizes_.back() != sizes_.front();
}

void PartSizeProbe::Finish(const Result<Sizes>& sizes) {
  const Done done = done_;
  done(sizes);
}

}  // namespace objectpipes
