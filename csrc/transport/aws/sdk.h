// aws-sdk-cpp as a library in this process.
#pragma once

#include <aws/core/VersionConfig.h>

// Keep in step with transport/aws/CMakeLists.txt. Older ones cannot encode paths as RFC 3986 says.
#if AWS_SDK_VERSION_MAJOR != 1 || AWS_SDK_VERSION_MINOR < 11 || \
    (AWS_SDK_VERSION_MINOR == 11 && AWS_SDK_VERSION_PATCH < 183)
#error "objectpipes needs aws-sdk-cpp 1.11.183 or newer"
#endif

namespace objectpipes {

// Makes the SDK ready if it is not; everything else of the SDK comes after this. Any thread.
//
// There is no way back: ShutdownAPI() would have to be the last call into the SDK, after every
// thread in it has returned, and an interpreter that exits with reads under way cannot promise
// that. The process ends without it.
void StartAwsSdk();

}  // namespace objectpipes
