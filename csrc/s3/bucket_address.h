// Where a bucket is, by its name. Most are at the endpoint. Access points and directory buckets of
// AWS have hosts of their own, and some need other signatures.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "s3/endpoint.h"

namespace objectpipes {

struct BucketAddress {
  Endpoint endpoint;
  std::string name;        // as it is sent: for an access point, its name and account
  std::string region;      // to sign for
  std::string service;     // to sign for: "s3"
  bool directory = false;  // requests are signed with the keys of a session (express_session.h)
};

// Without a request: kNotSupported or kInvalidArgument if objectpipes cannot address the bucket, or
// cannot sign for it.
Status CheckBucket(std::string_view bucket);

// The address of a bucket that CheckBucket() accepts, as botocore finds it. `endpoint` is that of
// `region`; the bucket's name may imply another region.
BucketAddress AddressOf(std::string_view bucket, const Endpoint& endpoint,
                        const std::string& region);

// The length of the ARN that follows "s3://" in a URL; 0 if there is none, npos if the ARN names no
// bucket.
size_t ArnLength(std::string_view url);

}  // namespace objectpipes
