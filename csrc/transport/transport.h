// What the engine asks of an object store, and how the answer comes back.
//
// A Transport speaks one protocol (S3, AIStore) through one client (ours, aws-sdk-cpp). It makes
// exactly one attempt per exchange: retrying, resuming, pinning and verifying are the engine's
// work, done once for all transports (engine/range_fetch.h). A transport may follow what the
// protocol itself prescribes inside one attempt (AIStore's redirect to a target).
//
// Threads: everything here is called on the I/O thread, except ParseUrl(), CheckBucket(),
// reads_as_listed() and ETagOf(), which are pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <string_view>

#include "base/checksum.h"
#include "base/result.h"
#include "transport/list_page.h"

namespace objectpipes {

// Runs functions on the I/O thread. Post() may be called from any thread, Post-ed functions run in
// order.
class Executor {
 public:
  virtual ~Executor() = default;
  virtual void Post(std::function<void()> function) = 0;
  // The same in `delay_ms`. On the I/O thread only.
  virtual void PostAfter(int64_t delay_ms, std::function<void()> function) = 0;
};

// What a listing told of an object; what is unknown is -1 or empty.
struct Listed {
  int64_t size = -1;
  std::string checksum;   // AIStore: hexadecimal
  std::string version;    // AIStore
  int64_t targets = -1;   // AIStore: how many the cluster had
  std::string etag = {};  // S3: without quotes
};

struct ObjectId {
  std::string
      bucket;       // S3: the bucket. AIStore: "provider/namespace/bucket", the prefix of its uname
  std::string key;  // literal bytes, never percent-encoded
  // S3: the listed version has the listed size, or the reply is kProtocol; another version is read
  // as it is. AIStore: a read that delivers something else is kObjectChanged.
  Listed listed = {};
};

inline constexpr uint64_t kToTheEnd = std::numeric_limits<uint64_t>::max();

// How to make the next attempt; a transport sets it in RetryHint and finds it in the next request.
enum class Route : uint8_t {
  kDefault,
  kFallback,  // AIStore: through the proxy instead of straight to the target
};

struct GetRequest {
  ObjectId object;
  bool head_only = false;    // headers, no body
  uint64_t begin = 0;        // bytes [begin, end) of the object
  uint64_t end = kToTheEnd;  //
  uint32_t part_number = 0;  // S3 multipart part instead of a range; 0: not used
  std::string if_match;      // answer only if the object still has this version; empty: any
  Route route = Route::kDefault;

  bool ranged() const { return begin != 0 || end != kToTheEnd; }
};

// A checksum that came with a reply, and of what it is the checksum.
struct OfferedChecksum {
  enum class Scope : uint8_t {
    kObject,     // of the whole object
    kReply,      // of the bytes of this reply
    kComposite,  // S3 multipart: the digest of the parts' digests
  };
  ChecksumType type = ChecksumType::kNone;
  Scope scope = Scope::kObject;
  uint32_t parts = 0;  // kComposite only
  std::string digest;  // raw bytes, big-endian
};

struct ReplyHead {
  bool partial = false;      // a 206: the body is a range of the object, and not all of it
  uint64_t begin = 0;        // offset in the object of the body's first byte
  int64_t length = -1;       // bytes in this body; -1: the server does not say (chunked)
  int64_t object_size = -1;  // -1: unknown
  // Whether the end of the body shows that all of it came. False: it ends with the connection, as
  // one that was cut does, or its length is that of what somebody made of it on the way
  // (Content-Encoding). Then the object's size must be known, or its checksum compared.
  bool delimited = true;
  // Identity of the object's version: two replies belong together only if it is equal. Empty: the
  // server gives none, and nothing may be joined from two replies.
  std::string version;
  bool can_pin = false;  // the server honours GetRequest::if_match with `version`
  OfferedChecksum checksum;
};

struct RetryHint {
  enum class Kind : uint8_t {
    kFatal,      // the same request will fail again
    kRetry,      // after a backoff
    kThrottled,  // after a backoff, and everybody should slow down
    kRetryNow,   // the transport has learned something (region, clock, route): ask again at once
    kRefreshCredentials,  // ask again once the credentials have been replaced
    kOtherCredentials,    // the same, but only if they have been replaced by others
  };
  Kind kind = Kind::kFatal;
  int64_t retry_after_ms = -1;  // the server's own wish; -1: none
  Route route = Route::kDefault;
};

enum class Flow : uint8_t {
  kContinue,
  kPause,  // OnData only: the bytes were not taken; they are offered again after Exchange::Resume()
  kStop,   // enough: end this exchange. OnDone(kCancelled) follows
};

// Memory that the next bytes of a body may be received into.
struct Space {
  char* data = nullptr;  // null: none, hand the bytes over wherever they are
  size_t size = 0;
};

// Receives one GET. Calls come in this order: at most one OnHead, then any number of OnData, then
// exactly one OnDone, unless the Exchange is destroyed first: then no call at all follows. OnHead
// is called for a successful reply only; a failed one goes straight to OnDone with the Status it
// was mapped to.
class GetHandler {
 public:
  virtual Flow OnHead(const ReplyHead& head) = 0;
  // Asked before bytes are received, for a transport that can put them where they belong. OnData is
  // then called with a piece from the front of that space, which the handler does not refuse (no
  // kPause).
  virtual Space OnSpace() { return {}; }
  virtual Flow OnData(const char* data, size_t size) = 0;
  virtual void OnDone(const Status& status, const RetryHint& hint) = 0;

 protected:
  ~GetHandler() = default;
};

struct ListRequest {
  std::string bucket;  // as in ObjectId
  std::string prefix;
  std::string delimiter;
  std::string start_after;
  std::string token;             // of the previous page; empty: the first page
  uint32_t max_keys = 0;         // 0: as many as the server gives at once
  bool archive_members = false;  // AIStore only
  bool allow_partial = false;    // AIStore only: list what is left while a target is missing
  Route route = Route::kDefault;
};

class ListHandler {
 public:
  virtual void OnPage(Result<ListPage> page, const RetryHint& hint) = 0;

 protected:
  ~ListHandler() = default;
};

// An exchange under way. Destroying it cancels it; that is allowed everywhere but inside OnHead and
// OnData of any handler (there, return Flow::kStop).
class Exchange {
 public:
  virtual ~Exchange() = default;
  // After a handler returned Flow::kPause. May call OnData, not OnDone.
  virtual void Resume() = 0;
};

class Transport {
 public:
  virtual ~Transport() = default;

  // The object a URL names; InvalidArgument with the sentence the user sees. Any thread.
  virtual Result<ObjectId> ParseUrl(std::string_view url) const = 0;
  // Why no request can be made for a bucket of that name; OK if one can. Any thread.
  virtual Status CheckBucket(std::string_view /*bucket*/) const { return Status::Ok(); }
  // Whether reads deliver objects as a listing shows them, and not what the store makes of them.
  virtual bool reads_as_listed() const { return true; }
  // The entity tag in a ReplyHead::version, without quotes; empty: this store has none.
  virtual std::string_view ETagOf(std::string_view /*version*/) const { return {}; }

  // Handlers outlive the exchange and are never called from inside Start…. Nor is Start… called
  // from inside OnHead or OnData of any handler.
  virtual std::unique_ptr<Exchange> StartGet(const GetRequest& request, GetHandler* handler) = 0;
  virtual std::unique_ptr<Exchange> StartList(const ListRequest& request, ListHandler* handler) = 0;

  // Why a read of the object had better wait: the node that has it is down, and may come back. Null
  // if it need not. To be asked again and again while reads wait, which is when the node is looked
  // for.
  virtual const Status* FindOutage(const ObjectId& /*object*/) { return nullptr; }

  // A sentence that the user should read, though everything goes on; empty: none. Each is given
  // once. Any thread.
  virtual std::string_view TakeWarning() { return {}; }
};

}  // namespace objectpipes
