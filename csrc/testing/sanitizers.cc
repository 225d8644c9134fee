// What the sanitizers are told when the tests are built with them; nothing otherwise.
//
// An allocation that cannot be is refused, which the tests of that refusal need, and no reason to
// abort; a child of fork() may start threads, which is what ours do.

#define SANITIZER_OPTIONS(function, options)                                                \
  extern "C" [[gnu::visibility("default")]] const char* function(); /* looked up by name */ \
  extern "C" const char* function() { return options; }

SANITIZER_OPTIONS(__asan_default_options, "allocator_may_return_null=1")
SANITIZER_OPTIONS(__tsan_default_options, "allocator_may_return_null=1:die_after_fork=0")
