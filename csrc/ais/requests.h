// The requests to AIStore, byte for byte: paths, queries and bodies.
//
// A "URI" here is the part of a URL after the authority, percent-encoded. All requests are GET,
// even those with a body.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "transport/transport.h"

namespace objectpipes::ais {

// The cluster map (cluster_map.h). Each proxy and target answers, with identical bytes.
inline constexpr std::string_view kClusterMapUri = "/v1/daemon?what=smap";

// For ListBody(), and for HEAD: the header Ais-Bucket-Props of the reply describes the bucket. Only
// proxies answer; a target closes the connection.
std::string BucketUri(std::string_view bucket);

// How an object is to be read.
struct ReadOptions {
  std::string archpath;  // read this member of the object, which is an archive
  std::string etl_name;  // transformed by this ETL,
  std::string etl_args;  // with these arguments
  bool latest = false;   // the object as the remote bucket has it now

  // Whether a read gives the object that a listing shows.
  bool plain() const { return archpath.empty() && etl_name.empty() && !latest; }
  // Whether a request may ask for a range.
  bool takes_ranges() const { return archpath.empty() && etl_name.empty(); }
};

std::string ObjectUri(const ObjectId& object, const ReadOptions& options);

// Where a redirect of a request for `url` leads: to the authority and the query of `location`, and
// the path of `url`, because AIStore does not encode names in a Location. kProtocol if that is not
// the URL of a target, kEndpoint if it leads from https to http.
Result<std::string> FollowRedirect(std::string_view location, std::string_view url);

// The body of a request for BucketUri(), which lists ScopeOf(request): name, size, checksum and
// version of each object. For proxies only. Sent with "Accept: application/msgpack"; the reply is
// for ParseListPage(). With archive members, an archive that cannot be read silently ends the
// listing of its target (archive_list.h).
Result<std::string> ListBody(const ListRequest& request);

// With an ETL, a target may redirect as well, to the server that transforms the object.
Result<std::string> FollowEtlRedirect(std::string_view location, std::string_view url);

}  // namespace objectpipes::ais
