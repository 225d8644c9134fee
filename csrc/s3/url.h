// s3:// URLs as the pipes take them: "s3://bucket/key", the key byte for byte, never decoded. In
// place of the bucket's name the ARN of an access point may stand.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace objectpipes {

struct ObjectPath {
  std::string bucket;
  std::string key;  // or a prefix, which may be empty
};

// For listing: everything after the first '/' is the prefix. The messages are torchdata's, which
// users match on.
Result<ObjectPath> ParseS3Url(std::string_view url);

// For loading: the same, and the key must not be empty.
Result<ObjectPath> ParseS3ObjectUrl(std::string_view url);

std::string FormatS3Url(std::string_view bucket, std::string_view key);

}  // namespace objectpipes
