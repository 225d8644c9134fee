// The SDK's client for S3, configured to make one attempt of one request and nothing else.
#pragma once

#include <aws/s3/S3Client.h>

#include <memory>
#include <string>

#include "base/status.h"
#include "s3/s3_transport.h"
#include "transport/credentials.h"

namespace objectpipes {

// kNotSupported if the SDK does not support the options.
Status CheckAwsOptions(const S3Options& options);

// An endpoint with a place for the region is AWS's own. The SDK finds that itself, together with
// those of access points and directory buckets.
bool SdkFindsEndpoint(const S3Options& options);

// Of options that have been checked: "host:port" of the proxy that requests go through; empty:
// none.
std::string ProxyOf(const S3Options& options);

// Precondition: the SDK has been started. Any thread may use the client, and the last to release it
// destroys it. It signs with the current `credentials`.
std::shared_ptr<Aws::S3::S3Client> MakeS3Client(const S3Options& options, const std::string& region,
                                                std::shared_ptr<CredentialStore> credentials);

}  // namespace objectpipes
