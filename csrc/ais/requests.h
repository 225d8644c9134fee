// What is asked of AIStore, byte for byte: paths, queries and bodies of requests.
//
// A "URI" here is everything behind the authority of a URL, percent-encoded. All requests are GET,
// those with a body too.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "transport/transport.h"

namespace objectpipes::ais {

// The cluster map (cluster_map.h); any proxy or target answers, with identical bytes.
inline constexpr std::string_view kClusterMapUri = "/v1/daemon?what=smap";

// For HEAD: the reply's header Ais-Bucket-Props describes the bucket. Proxies only, a target hangs
// up.
std::string BucketUri(std::string_view bucket);

// How an object is to be read.
struct ReadOptions {
  std::string archpath;  // this member of the object, which is an archive
  std::string etl_name;  // transformed by this ETL,
  std::string etl_args;  // with these arguments
  bool latest = false;   // as the remote bucket has it now

  // Whether that gives what a listing shows.
  bool plain() const { return archpath.empty() && etl_name.empty() && !latest; }
  // Whether it can be asked for in pieces.
  bool takes_ranges() const { return archpath.empty() && etl_name.empty(); }
};

std::string ObjectUri(const ObjectId& object, const ReadOptions& options);

// Where a redirect of a request for `url` leads: the authority and the query of `location`, and the
// path of `url`, because AIStore does not encode names in a Location again. kProtocol if that is no
// URL of a target, kEndpoint if it leads from https to http.
Result<std::string> FollowRedirect(std::string_view location, std::string_view url);

// A listing of ScopeOf(request): name, size, checksum and version of each object. Proxies only.
// Sent with "Accept: application/msgpack", the reply is for ParseListPage(). With archive members,
// one archive that cannot be read silently ends the listing of its target: to be trusted, such a
// listing must hold all objects that a listing without has.
std::string ListUri(std::string_view bucket);
Result<std::string> ListBody(const ListRequest& request);

// With an ETL, a target may redirect, too: to the server that transforms the object.
Result<std::string> FollowEtlRedirect(std::string_view location, std::string_view url);

}  // namespace objectpipes::ais
