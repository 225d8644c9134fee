// Where a bucket is, by its name. Most are at the endpoint; access points and directory buckets of
// AWS have hosts, and some of them signatures, of their own.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "s3/endpoint.h"

namespace objectpipes {

struct BucketAddress {
  Endpoint endpoint;
  std::string name;        // as it is sent: of an access point, name and account
  std::string region;      // to sign for
  std::string service;     // to sign for: "s3"
  bool directory = false;  // requests are signed with the keys of a session (express_session.h)
};

// What objectpipes cannot address, or cannot sign for: kNotSupported or kInvalidArgument, without
// any request.
Status CheckBucket(std::string_view bucket);

// Of a bucket that CheckBucket() accepts, as botocore finds it. `endpoint` is that of `region`; the
// bucket's name may tell another one.
BucketAddress AddressOf(std::string_view bucket, const Endpoint& endpoint,
                        const std::string& region);

// How long the ARN is that a URL begins with, behind "s3://"; 0 if it begins with none, npos if
// with one that names no bucket.
size_t ArnLength(std::string_view url);

}  // namespace objectpipes
