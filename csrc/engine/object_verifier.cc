#include "engine/object_verifier.h"

#include <utility>

namespace objectpipes {

using Sizes = std::vector<uint64_t>;

void ObjectVerifier::Restart(uint64_t position) {
  probe_.reset();
  verifier_.Expect(OfferedChecksum{});
  position_ = position;
}

void ObjectVerifier::set_deadline_ms(int64_t deadline_ms) {
  deadline_ms_ = deadline_ms;
  if (probe_ != nullptr) probe_->set_deadline_ms(deadline_ms);
}

void ObjectVerifier::Offer(const OfferedChecksum& offered) {
  if (position_ != 0 || active() || offered.scope == OfferedChecksum::Scope::kReply) return;
  verifier_.Expect(offered);
  if (!awaits_part_sizes()) return;
  if (pin_->size <= 0) return verifier_.Expect(OfferedChecksum{});
  if (pin_->can_pin && pin_->version == part_sizes_version_) {
    return verifier_.SetPartSizes(part_sizes_, size());
  }
  AskForPartSizes({}, [this](const Sizes& sizes) {
    verifier_.AssumePartSizes(sizes.empty() ? 0 : sizes.front(), size());
    handler_->OnPartSizes();
  });
}

void ObjectVerifier::AskForPartSizes(PartSizeProbe::Parts parts,
                                     std::function<void(const Sizes&)> then) {
  probe_ = std::make_unique<PartSizeProbe>(
      client_, object_, pin_->can_pin ? pin_->version : std::string(), parts, deadline_ms_,
      [this, then = std::move(then)](const Result<Sizes>& sizes) {
        probe_.reset();
        if (!sizes.ok()) return handler_->OnVerdict(sizes.status());
        then(sizes.value());
      });
}

void ObjectVerifier::Update(const char* data, size_t size) {
  verifier_.Update(data, size);
  position_ += size;
}

void ObjectVerifier::Conclude(const Buffer* bytes) {
  const bool comparable = active() && position_ == size();
  if (!comparable) return handler_->OnVerdict(Status::Ok());
  const Status verdict = verifier_.Finish();
  if (!verdict.ok()) return OnMismatch(verdict, bytes);
  verifier_.Expect(OfferedChecksum{});
  client_->stats->verified.fetch_add(1, std::memory_order_relaxed);
  handler_->OnVerdict(verdict);
}

// Either the bytes are wrong, or the part sizes that were assumed.
void ObjectVerifier::OnMismatch(const Status& mismatch, const Buffer* bytes) {
  if (!verifier_.part_sizes_assumed()) return Fail(mismatch);
  if (bytes == nullptr) {
    return AskForPartSizes({verifier_.parts(), /*only_even=*/true}, [=](const Sizes& sizes) {
      if (sizes == verifier_.part_sizes()) return Fail(mismatch);
      verifier_.Expect(OfferedChecksum{});
      handler_->OnVerdict(Status::Ok());
    });
  }
  AskForPartSizes({verifier_.parts()}, [=](const Sizes& sizes) {
    part_sizes_version_ = pin_->can_pin ? pin_->version : std::string();
    part_sizes_ = sizes;
    verifier_.SetPartSizes(sizes, size());
    verifier_.Update(bytes->data(), bytes->size());
    Conclude(bytes);
  });
}

void ObjectVerifier::Fail(const Status& mismatch) {
  verifier_.Expect(OfferedChecksum{});
  client_->stats->integrity_failures.fetch_add(1, std::memory_order_relaxed);
  handler_->OnVerdict(mismatch);
}

}  // namespace objectpipes
