// What requests of one transport have in common.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "s3/endpoint.h"

namespace objectpipes {

struct RequestOptions {
  bool requester_pays = false;
  bool checksums = false;             // ask for them
  std::string expected_bucket_owner;  // empty: any
  // "name: value", of requests for objects (customer_key.h).
  std::vector<std::string> customer_key_headers;
  std::optional<Endpoint> endpoint;  // null: the SDK finds it
  std::string proxy;                 // "host:port"; empty: none
};

}  // namespace objectpipes
