// Where a bucket or an object is asked for: from endpoint, bucket and key to a request's address.
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
  std::string base_path;  // percent-encoded, "" or "/s3": no slash at its end
  Addressing addressing = Addressing::kPath;
};

// From "http[s]://host[:port][/base]"; kConfig when `url` is anything else. An IP address has no
// subdomains, so its addressing is kPath whatever was asked for.
Result<Endpoint> ParseEndpoint(std::string_view url, Addressing addressing);

// Whether a host is an address, which has no subdomains, and not a name.
bool IsIpAddress(std::string_view host);

// Whether a name can stand in front of a host. One with a dot would be two labels, which the
// "*.host" of a TLS certificate does not cover.
bool IsDnsLabel(std::string_view bucket);

// What is sent (url) and what is signed (host, path and the query it was made with): the same
// bytes.
struct RequestTarget {
  std::string url;
  std::string host;  // the Host header: with the port unless it is the scheme's own
  std::string path;  // percent-encoded
};

// An empty key addresses the bucket. `query` is canonical (base/uri.h), without the '?'. The key is
// encoded and never normalised: "a//b", "a/../b" and "." are names like any other.
RequestTarget MakeRequestTarget(const Endpoint& endpoint, std::string_view bucket,
                                std::string_view key, std::string_view query);

// A sentence, after a space, that blames the endpoint for an error if it ends in the bucket's name,
// or its host begins with it; else nothing. With an empty `bucket`, any path or first label is
// blamed.
std::string BucketInEndpoint(const Endpoint& endpoint, std::string_view bucket);

}  // namespace objectpipes
