// What a reply of AIStore that is not a success means: the one place that maps its errors.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/status.h"
#include "transport/transport.h"

namespace objectpipes::ais {

// The header that has the error in reply to HEAD.
inline constexpr std::string_view kErrorHeader = "Hdr-Error";

enum class Sender : uint8_t {
  kProxy,
  kTarget,            // asked because our map says that it has the object
  kRedirectedTarget,  // a target, asked because a proxy redirected to it
};

// A cluster takes half a minute to notice that a node is lost. With this pause, the attempts that a
// request has by default outlast that.
inline constexpr int64_t kMendingPauseMs = 4000;

struct ErrorReply {
  int http_status = 0;
  std::string_view body;  // in reply to HEAD: kErrorHeader
  Sender sender = Sender::kProxy;
};

struct ReplyError {
  Status status;
  RetryHint hint;

  // The cluster may have changed: fetch its map. Not found means nothing while a target is missing,
  // so a status that is final otherwise is to be retried if the map has fewer targets than it once
  // had.
  bool map_suspect = false;

  // Targets of this cluster answer only whom a proxy sends: ask proxies from now on.
  bool direct_refused = false;
};

// An empty key: the request was about the bucket.
ReplyError ErrorFromReply(const ErrorReply& reply, const ObjectId& object);

}  // namespace objectpipes::ais
