#include "ais/ais_transport.h"

#include <utility>

#include "ais/archive_list.h"
#include "ais/get.h"
#include "ais/list.h"
#include "ais/url.h"

namespace objectpipes::ais {

AisTransport::AisTransport(HttpClient* client, Options options,
                           std::shared_ptr<CredentialStore> credentials)
    : options_(std::move(options)),
      credentials_(std::move(credentials)),
      session_(client, options_.http),
      cluster_(&session_, options_.endpoint_url, credentials_.get()) {}

Result<ObjectId> AisTransport::ParseUrl(std::string_view url) const {
  Result<Url> parsed = ParseObjectUrl(url);
  if (!parsed.ok()) return parsed.status();
  return std::move(parsed).value().object;
}

std::unique_ptr<Exchange> AisTransport::StartGet(const GetRequest& request, GetHandler* handler) {
  BucketFacts* const bucket = &buckets_[request.object.bucket];
  return Get::Start(&session_, &cluster_, bucket, options_.read, request, handler);
}

std::unique_ptr<Exchange> AisTransport::StartList(const ListRequest& request,
                                                  ListHandler* handler) {
  if (request.archive_members && !request.allow_partial) {
    return std::make_unique<ArchiveList>(&session_, &cluster_, request, handler);
  }
  return List::Start(&session_, &cluster_, request, handler);
}

const Status* AisTransport::FindOutage(const ObjectId& object) {
  const auto archive = ArchiveOf(object, options_.read);
  if (!archive.has_value()) return cluster_.FindOutage(object);
  return cluster_.FindOutage(ObjectId{object.bucket, std::string(archive->archive)});
}

std::string_view AisTransport::TakeWarning() {
  if (!cluster_.map_refused() || warned_.exchange(true)) return {};
  return "The token may not see the cluster map, because it lacks the right SHOW-CLUSTER. So every"
         " read goes through the gateway, and neither a listing nor a read can tell objects of a"
         " lost target from objects that do not exist";
}

}  // namespace objectpipes::ais
