// s3:// URLs: "s3://bucket/key", where the key is never decoded. The ARN of an access point may
// stand in place of the bucket's name.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace objectpipes {

struct ObjectPath {
  std::string bucket;
  std::string key;  // or a prefix, which may be empty
};

// For listings: everything after the first '/' is the prefix. The messages are those of torchdata,
// because users match on them.
Result<ObjectPath> ParseS3Url(std::string_view url);

// For reads: the same, but the key must not be empty.
Result<ObjectPath> ParseS3ObjectUrl(std::string_view url);

std::string FormatS3Url(std::string_view bucket, std::string_view key);

}  // namespace objectpipes
