// One read of an object, or of a member of an archive.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "ais/archive_member.h"
#include "ais/bucket_facts.h"
#include "ais/call.h"
#include "ais/requests.h"

namespace objectpipes::ais {

// The archive that has the object as a member, going by the object's name; nullopt if none has.
// With a checksum from a listing, the name is that of an object, whatever it looks like.
std::optional<ArchiveMember> ArchiveOf(const ObjectId& object, const ReadOptions& options);

class Get final : public Call, public BucketFacts::Handler {
 public:
  // Session, cluster, bucket and handler outlive the exchange.
  static std::unique_ptr<Exchange> Start(HttpSession* session, Cluster* cluster,
                                         BucketFacts* bucket, const ReadOptions& options,
                                         const GetRequest& request, GetHandler* handler);
  ~Get() override;

 private:
  enum class Stage : uint8_t {
    kPreparing,    // asks for the cluster map, then for the facts about the bucket
    kIdentifying,  // a HEAD tells which version a ranged reply will be of
    kReading,
  };

  Get(HttpSession* session, Cluster* cluster, BucketFacts* bucket, const ReadOptions& options,
      const GetRequest& request, GetHandler* handler);

  void OnClusterKnown() override;
  void OnBucketKnown() override;
  bool TryAnotherObject() override;
  bool FollowsTargets() const override { return !read_.etl_name.empty(); }
  void OnConnected() override { handler_->OnConnected(); }
  Flow OnSuccess(const HttpHead& http) override;
  Space OnSuccessSpace() override { return handler_->OnSpace(); }
  Flow OnSuccessData(const char* data, size_t size) override;
  void OnEnd(const Status& status, const RetryHint& hint) override;

  void Prepare();
  void Identify();
  void Read();
  void SendToHolder();

  const HttpRequest::Method method_;
  const std::string range_;  // the header; empty: the whole object
  const Route route_;
  GetHandler* const handler_;
  ReadOptions read_;
  BucketFacts* const bucket_;
  Stage stage_ = Stage::kPreparing;
  std::string checksum_;  // of the object, once it is identified
  Status refused_;        // why the reply is not used
};

}  // namespace objectpipes::ais
