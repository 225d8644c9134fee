// URLs of AIStore: "provider://bucket/name", or with a namespace "ais://@uuid#ns/bucket/name".
// Nothing is decoded; '?' and '#' after the bucket belong to the name.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "transport/transport.h"

namespace objectpipes::ais {

// The namespace of a bucket whose URL names none.
inline constexpr std::string_view kGlobalNamespace = "@#";

// The providers of buckets, by scheme.
struct Provider {
  std::string_view scheme;
  std::string_view name;
};
inline constexpr Provider kProviders[] = {
    {"ais", "ais"},     {"aws", "aws"},  {"s3", "aws"},  {"gcp", "gcp"}, {"gs", "gcp"},
    {"azure", "azure"}, {"az", "azure"}, {"oci", "oci"}, {"oc", "oci"},
};

// The parts of "ais/@uuid#ns/bucket", the form in which AIStore identifies a bucket (its "uname")
// and which ObjectId::bucket has. Views into that text.
struct BucketName {
  std::string_view provider;    // canonical: ais, aws, azure, gcp, oci
  std::string_view name_space;  // "@uuid#ns", each part possibly empty
  std::string_view name;
};

// Precondition: `bucket` came from ParseUrl().
BucketName SplitBucket(std::string_view bucket);

struct Url {
  ObjectId object;   // the key may be a prefix, and empty
  std::string root;  // the URL up to the key as written: root + key is any object's
};

// For listings.
Result<Url> ParseUrl(std::string_view url);

// For reads: the same, but the key must not be empty.
Result<Url> ParseObjectUrl(std::string_view url);

// The URL of the object, or of the bucket if the key is empty, for messages. Its scheme is the
// provider, whatever the user wrote.
std::string UrlOf(const ObjectId& object);

}  // namespace objectpipes::ais
