// AIStore over the engine's own HTTP client: straight to the targets where the cluster permits it.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <string_view>

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
  bool reads_as_listed() const override { return options_.read.plain(); }
  std::unique_ptr<Exchange> StartGet(const GetRequest& request, GetHandler* handler) override;
  std::unique_ptr<Exchange> StartList(const ListRequest& request, ListHandler* handler) override;
  bool lacks_connections() const override { return session_.lacks_connections(); }
  const Status* FindOutage(const ObjectId& object) override;
  std::string_view TakeWarning() override;

 private:
  const Options options_;
  const std::shared_ptr<CredentialStore> credentials_;
  HttpSession session_;
  Cluster cluster_;
  std::map<std::string, BucketFacts> buckets_;
  std::atomic<bool> warned_{false};
};

}  // namespace objectpipes::ais
