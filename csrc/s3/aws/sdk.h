// aws-sdk-cpp as a library in this process.
#pragma once

#include "base/status.h"

namespace objectpipes {

// Makes the SDK ready if it is not; everything else of the SDK comes after this. kNotSupported in a
// child of fork() that inherited it in the middle of something. Any thread.
//
// There is no way back: ShutdownAPI() would have to be the last call into the SDK, after every
// thread in it has returned, and an interpreter that exits with reads under way cannot promise
// that. The process ends without it, see CloseSdk().
Status StartAwsSdk();

// Of the library in use, for example "1.11.332".
const char* AwsSdkVersion();

}  // namespace objectpipes
