// What an HTTP error of AIStore means: the one place that maps its errors.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/status.h"
#include "transport/transport.h"

namespace objectpipes::ais {

// The header with the error in the reply to HEAD.
inline constexpr std::string_view kErrorHeader = "Hdr-Error";

enum class Sender : uint8_t {
  kProxy,
  kTarget,            // asked because our map says that it has the object
  kRedirectedTarget,  // a target, asked because a proxy redirected to it
  kTransformer,       // the server of an ETL, asked because a target redirected to it
};

// A cluster takes half a minute to notice that a node is lost. With this pause, the default number
// of attempts lasts longer than that.
inline constexpr int64_t kMendingPauseMs = 4000;

struct ErrorReply {
  int http_status = 0;
  std::string_view body;  // in the reply to HEAD: the value of kErrorHeader
  Sender sender = Sender::kProxy;
};

struct ReplyError {
  Status status;
  RetryHint hint;

  // The cluster may have changed: fetch its map. "Not found" means nothing while a target is
  // missing, so a final status is retried if the map has fewer targets than before.
  bool map_suspect = false;

  // Targets of this cluster answer only clients that a proxy sent: ask proxies from now on.
  bool direct_refused = false;
};

// `object` has an empty key if the request was about the bucket.
ReplyError ErrorFromReply(const ErrorReply& reply, const ObjectId& object);

}  // namespace objectpipes::ais
