// Makes the address of a request from endpoint, bucket and key.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace objectpipes {

enum class Addressing : uint8_t {
  kPath,     // https://host/bucket/key
  kVirtual,  // https://bucket.host/key, for buckets whose name can be a DNS label
};

struct Endpoint {
  std::string scheme;     // "http" or "https"
  std::string host;       // a name, an IPv4 address or an IPv6 address in brackets
  uint16_t port = 0;      // 0: the scheme's own
  std::string base_path;  // percent-encoded, "" or "/s3": without a slash at the end
  Addressing addressing = Addressing::kPath;
};

// From "http[s]://host[:port][/base]"; kConfig when `url` is anything else. An IP address has no
// subdomains, so its addressing is always kPath.
Result<Endpoint> ParseEndpoint(std::string_view url, Addressing addressing);

// Whether a host is an address and not a name.
bool IsIpAddress(std::string_view host);

// Whether a bucket's name can be a label in front of a host. One with a dot would be two labels,
// and "*.host" in a TLS certificate does not cover those.
bool IsDnsLabel(std::string_view bucket);

// What is sent (url) and what is signed (host, path and query) are the same bytes.
struct RequestTarget {
  std::string url;
  std::string host;  // the Host header: with the port unless it is the scheme's own
  std::string path;  // percent-encoded
};

// An empty key addresses the bucket. `query` is canonical (base/uri.h), without the '?'. The key is
// encoded but never normalised: "a//b", "a/../b" and "." are valid names.
RequestTarget MakeRequestTarget(const Endpoint& endpoint, std::string_view bucket,
                                std::string_view key, std::string_view query);

// A hint, after a space, if the path of the endpoint ends in the bucket's name or its host begins
// with it, which is a common mistake; otherwise empty. With an empty `bucket`, any path or first
// label gives the hint.
std::string BucketInEndpoint(const Endpoint& endpoint, std::string_view bucket);

}  // namespace objectpipes
