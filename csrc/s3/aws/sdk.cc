#include "s3/aws/sdk.h"

#include <aws/core/Aws.h>
#include <aws/core/Version.h>
#include <aws/core/VersionConfig.h>

#include <memory>
#include <mutex>

#include "s3/aws/sdk_threads.h"

// Keep in step with s3/aws/CMakeLists.txt. Older ones cannot encode paths as RFC 3986 says.
#if AWS_SDK_VERSION_MAJOR != 1 || AWS_SDK_VERSION_MINOR < 11 || \
    (AWS_SDK_VERSION_MINOR == 11 && AWS_SDK_VERSION_PATCH < 183)
#error "objectpipes needs aws-sdk-cpp 1.11.183 or newer"
#endif

namespace objectpipes {
namespace {

// No logging: the SDK would write files into the current directory, and a Status has all that
// matters about a failure. No asynchronous I/O either: S3Client does not use it, and its threads
// would not survive a fork.
Aws::SDKOptions QuietOptions() {
  Aws::SDKOptions options;
  options.loggingOptions.logLevel = Aws::Utils::Logging::LogLevel::Off;
  options.ioOptions.clientBootstrap_create_fn = [] {
    return std::shared_ptr<Aws::Crt::Io::ClientBootstrap>();
  };
  options.ioOptions.tlsConnectionOptions_create_fn = [] {
    return std::shared_ptr<Aws::Crt::Io::TlsConnectionOptions>();
  };
  return options;
}

}  // namespace

Status StartAwsSdk() {
  if (!IsSdkUsable()) {
    return Status(
        StatusCode::kNotSupported,
        "this process was forked while requests of aws-sdk-cpp were under way, which does "
        "not survive that: start workers with multiprocessing_context=\"spawn\", or use "
        "transport=\"http\"");
  }
  static std::once_flag once;
  std::call_once(once, [] {
    Aws::InitAPI(QuietOptions());
    WatchForks();
  });
  return Status::Ok();
}

const char* AwsSdkVersion() { return Aws::Version::GetVersionString(); }

}  // namespace objectpipes
