// AIStore over the engine's own HTTP client: straight to the targets where the cluster permits it.
#pragma once

#include <memory>
#include <string>
#include <string_view>

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
  std::unique_ptr<Exchange> StartGet(const GetRequest& request, GetHandler* handler) override;
  std::unique_ptr<Exchange> StartList(const ListRequest& request, ListHandler* handler) override;

 private:
  class Call;
  class Get;
  class List;

  const Options options_;
  const std::shared_ptr<CredentialStore> credentials_;
  HttpSession session_;
  Cluster cluster_;
};

}  // namespace objectpipes::ais
