// AIStore over the engine's own HTTP client: straight to the targets where the cluster permits it.
#pragma once

#include <atomic>
#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "ais/archive_member.h"
#include "ais/bucket_facts.h"
#include "ais/cluster.h"
#include "ais/requests.h"
#include "transport/credentials.h"
#include "transport/http/http_client.h"
#include "transport/transport.h"

namespace objectpipes::ais {

struct Options {
  std::string endpoint_url;  // of a proxy ("gateway")
  ReadOptions read;
  HttpOptions http;
};

class AisTransport final : public Transport {
 public:
  // The client outlives the transport.
  AisTransport(HttpClient* client, Options options, std::shared_ptr<CredentialStore> credentials);

  Result<ObjectId> ParseUrl(std::string_view url) const override;
  bool reads_as_listed() const override { return reads_as_listed_; }
  std::unique_ptr<Exchange> StartGet(const GetRequest& request, GetHandler* handler) override;
  std::unique_ptr<Exchange> StartList(const ListRequest& request, ListHandler* handler) override;
  const Status* FindOutage(const ObjectId& object) override;
  std::string_view TakeWarning() override;

 private:
  class Call;
  class Get;
  class List;

  // The archive that holds the object and its name in there, going by its URL.
  std::optional<ArchiveMember> ArchiveOf(const ObjectId& object) const;
  BucketFacts* FactsOf(const std::string& bucket) { return &buckets_[bucket]; }

  const Options options_;
  const bool reads_as_listed_;
  const std::shared_ptr<CredentialStore> credentials_;
  HttpSession session_;
  Cluster cluster_;
  std::map<std::string, BucketFacts> buckets_;
  std::atomic<bool> warned_{false};
};

}  // namespace objectpipes::ais
