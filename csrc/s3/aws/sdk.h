// aws-sdk-cpp as a library in this process.
#pragma once

#include "base/status.h"

namespace objectpipes {

// Initialises the SDK if necessary; call it before anything else of the SDK. kNotSupported in a
// child of fork() that inherited the SDK in the middle of a call. Any thread.
//
// The SDK is never shut down: ShutdownAPI() must be the last call into the SDK, after all threads
// have left it, and an interpreter that exits during reads cannot guarantee that. See CloseSdk().
Status StartAwsSdk();

// The version of the library in use, for example "1.11.332".
const char* AwsSdkVersion();

}  // namespace objectpipes
