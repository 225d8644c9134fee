// Which sanitizer this is built with: GCC and Clang say it in different ways.
#pragma once

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define OBJECTPIPES_ADDRESS_SANITIZER 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define OBJECTPIPES_ADDRESS_SANITIZER 1
#endif
