// What the engine asks of an object store, and how the answer comes back.
//
// A Transport speaks one protocol (S3, AIStore) through one client (ours, aws-sdk-cpp). It makes
// exactly one attempt per exchange. The engine retries, resumes, pins and verifies, for all
// transports in the same way (engine/range_fetch.h). Within one attempt, a transport may follow
// what its protocol prescribes, such as AIStore's redirect to a target.
//
// Everything here is called on the I/O thread, except the functions marked "any thread".
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

// Runs functions on the I/O thread. Any thread may call Post(). Posted functions run in order.
class Executor {
 public:
  virtual ~Executor() = default;
  virtual void Post(std::function<void()> function) = 0;
  // The same after `delay_ms`. On the I/O thread only.
  virtual void PostAfter(int64_t delay_ms, std::function<void()> function) = 0;
};

// What a listing said about an object; unknown facts are -1 or empty.
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
  // S3: if the reply is of the listed version, it must have the listed size, or the read fails with
  // kProtocol; another version is read as it is. AIStore: a read of anything else than the listed
  // version fails with kObjectChanged.
  Listed listed = {};
};

inline constexpr uint64_t kToTheEnd = std::numeric_limits<uint64_t>::max();

// How to make the next attempt. A transport sets it in RetryHint and finds it in the next request.
enum class Route : uint8_t {
  kDefault,
  kFallback,  // AIStore: through the proxy instead of straight to the target
};

struct GetRequest {
  ObjectId object;
  bool head_only = false;    // headers, no body
  uint64_t begin = 0;        // bytes [begin, end) of the object
  uint64_t end = kToTheEnd;  //
  uint32_t part_number = 0;  // S3: this part of a multipart upload instead of a range; 0: none
  std::string if_match;      // reply only if the object still has this version; empty: any
  Route route = Route::kDefault;

  bool ranged() const { return begin != 0 || end != kToTheEnd; }
};

// A checksum that came with a reply, and what it covers.
struct OfferedChecksum {
  enum class Scope : uint8_t {
    kObject,     // the whole object
    kReply,      // the bytes of this reply
    kComposite,  // S3 multipart: the digest of the parts' digests
  };
  ChecksumType type = ChecksumType::kNone;
  Scope scope = Scope::kObject;
  uint32_t parts = 0;  // kComposite only
  std::string digest;  // raw bytes, big-endian
};

struct ReplyHead {
  bool partial = false;      // a 206: the body is a range of the object
  uint64_t begin = 0;        // offset in the object of the body's first byte
  int64_t length = -1;       // bytes in this body; -1: the server does not say (chunked)
  int64_t object_size = -1;  // -1: unknown
  // Whether the end of the body shows that it is complete. False if the body ends with the
  // connection, as one that was cut off does, or if its length is that of an encoded form that a
  // proxy may have made (Content-Encoding). Then the size of the object must be known, or its
  // checksum compared.
  bool delimited = true;
  // Identifies the version of the object: bytes of two replies may be joined only if it is equal.
  // Empty: the server names no version, and nothing may be joined from two replies.
  std::string version;
  bool can_pin = false;  // the server honours GetRequest::if_match with `version`
  OfferedChecksum checksum;
};

struct RetryHint {
  enum class Kind : uint8_t {
    kFatal,               // the same request will fail again
    kRetry,               // after a backoff
    kThrottled,           // after a backoff, and everybody should slow down
    kRetryNow,            // at once: the transport has learned a region, a clock or a route
    kRefreshCredentials,  // ask again once the credentials have been replaced
    kOtherCredentials,    // the same, but only if they have been replaced by others
  };
  Kind kind = Kind::kFatal;
  int64_t retry_after_ms = -1;  // as the server asked; -1: it did not
  Route route = Route::kDefault;
};

enum class Flow : uint8_t {
  kContinue,
  kPause,  // OnData only: the bytes were not taken. They come again after Exchange::Resume()
  kStop,   // end this exchange; OnDone(kCancelled) follows
};

// Memory for the next bytes of a body.
struct Space {
  char* data = nullptr;  // null: none; deliver the bytes from where they are
  size_t size = 0;
};

// Receives the reply to one GET. The calls come in this order: any number of OnConnected, at most
// one OnHead, any number of OnData, exactly one OnDone. After the Exchange is destroyed, no call
// follows. OnHead is called only for a successful reply; for any other, OnDone gets the Status that
// the reply was mapped to.
class GetHandler {
 public:
  // The request had to wait until a new connection was open, and is sent now.
  virtual void OnConnected() {}
  virtual Flow OnHead(const ReplyHead& head) = 0;
  // Asked before bytes are received, so that a transport can receive them where they belong. OnData
  // then gets a piece from the front of that space, and must not return kPause.
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
  ObjectTally tally;             // of the previous page
  bool archive_members = false;  // AIStore only
  bool allow_partial = false;    // AIStore only: list what is there while a target is missing
  Route route = Route::kDefault;
};

class ListHandler {
 public:
  virtual void OnPage(Result<ListPage> page, const RetryHint& hint) = 0;

 protected:
  ~ListHandler() = default;
};

// An exchange under way. Destroying it cancels it. That is allowed everywhere but inside OnHead and
// OnData of any handler: return Flow::kStop there.
class Exchange {
 public:
  virtual ~Exchange() = default;
  // Continues after a handler returned Flow::kPause. May call OnData, but not OnDone.
  virtual void Resume() = 0;
};

class Transport {
 public:
  virtual ~Transport() = default;

  // The object that a URL names; or kInvalidArgument with the message for the user. Any thread.
  virtual Result<ObjectId> ParseUrl(std::string_view url) const = 0;
  // OK, or why no request can be made for a bucket of that name. Any thread.
  virtual Status CheckBucket(std::string_view /*bucket*/) const { return Status::Ok(); }
  // Whether reads deliver objects as a listing shows them: not transformed, and not a newer
  // version. Any thread.
  virtual bool reads_as_listed() const { return true; }
  // The entity tag in a ReplyHead::version, without quotes; empty: this store has none. Any thread.
  virtual std::string_view ETagOf(std::string_view /*version*/) const { return {}; }

  // Handlers outlive the exchange. StartGet and StartList never call them, and are never called
  // from OnHead or OnData of any handler.
  virtual std::unique_ptr<Exchange> StartGet(const GetRequest& request, GetHandler* handler) = 0;
  virtual std::unique_ptr<Exchange> StartList(const ListRequest& request, ListHandler* handler) = 0;

  // Why a read of the object should wait: the node that has it is down and may come back. Null if
  // it need not wait. Call it repeatedly while reads wait: each call also looks for the node.
  virtual const Status* FindOutage(const ObjectId& /*object*/) { return nullptr; }

  // Whether requests wait because all connections are in use.
  virtual bool lacks_connections() const { return false; }

  // A warning for the user, though everything continues; empty: none. Each is returned once. Any
  // thread.
  virtual std::string_view TakeWarning() { return {}; }
};

}  // namespace objectpipes
