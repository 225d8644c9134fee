#include "transport/aws/sdk.h"

#include <aws/core/Aws.h>

#include <memory>
#include <mutex>

namespace objectpipes {
namespace {

// No logging: the SDK's own would write files into the current directory, and all that matters of a
// failure is in its Status. None of the machinery for asynchronous I/O either: S3Client does not
// use it, and its threads would not survive a fork.
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

void StartAwsSdk() {
  static std::once_flag once;
  std::call_once(once, [] { Aws::InitAPI(QuietOptions()); });
}

}  // namespace objectpipes
