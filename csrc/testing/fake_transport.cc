#include "testing/fake_transport.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <numeric>
#include <utility>

#include "base/checksum.h"

namespace objectpipes {

Attempt Fails(StatusCode code, RetryHint::Kind kind) {
  Attempt attempt;
  attempt.failure = Status(code, "scripted");
  attempt.hint.kind = kind;
  return attempt;
}

Attempt BreaksAt(uint64_t bytes) {
  Attempt attempt;
  attempt.cut_at = bytes;
  return attempt;
}

Attempt StallsAt(uint64_t bytes) {
  Attempt attempt;
  attempt.stall_at = bytes;
  return attempt;
}

Attempt SendsAtMost(uint64_t bytes) {
  Attempt attempt;
  attempt.most = bytes;
  return attempt;
}

Attempt Flips(uint64_t offset) {
  Attempt attempt;
  attempt.flip_at = offset;
  return attempt;
}

Attempt IgnoresRange() {
  Attempt attempt;
  attempt.ignore_range = true;
  return attempt;
}

Attempt IsChunked() {
  Attempt attempt;
  attempt.edit_head = [](ReplyHead* head) { head->length = head->object_size = -1; };
  return attempt;
}

Attempt Replaces(FakeObject object) {
  Attempt attempt;
  attempt.replaced_by = std::move(object);
  return attempt;
}

Attempt SeemsSlow() {
  Attempt attempt;
  attempt.rest_ms = 100;  // so long that the thread seems idle even if the machine is busy
  return attempt;
}

// ---------------------------------------------------------------------------------------------------
// An exchange, moved on step by step in turns of the loop

class FakeTransport::Call : public Exchange {
 public:
  Call(FakeTransport* transport, Attempt attempt, int64_t delay_ms)
      : transport_(transport),
        attempt_(std::move(attempt)),
        delay_ms_(delay_ms),
        timer_(transport->loop_) {
    EXPECT_FALSE(transport_->in_handler_) << "an exchange is started inside a handler";
    const int live = ++transport_->live_;
    transport_->max_live_ = std::max(transport_->max_live_.load(), live);
    StepAfter(delay_ms_);
  }
  ~Call() override {
    EXPECT_FALSE(transport_->in_handler_) << "an exchange is destroyed inside a handler";
    set_moving(false);
    --transport_->live_;
  }

 protected:
  virtual void Step() = 0;

  void StepAfter(int64_t delay_ms) {
    set_moving(true);
    if (delay_ms > 0) return timer_.Set(delay_ms, [this] { Step(); });
    transport_->loop_->Post([this, alive = std::weak_ptr<bool>(alive_)] {
      if (!alive.expired()) Step();
    });
  }

  void set_moving(bool moving) {
    if (moving != moving_) transport_->moving_ += moving ? 1 : -1;
    moving_ = moving;
  }

  FakeTransport* const transport_;
  const Attempt attempt_;
  const int64_t delay_ms_;

 private:
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  EventLoop::Timer timer_;
  bool moving_ = false;
};

class FakeTransport::Get final : public FakeTransport::Call {
 public:
  Get(FakeTransport* transport, const GetRequest& request, std::shared_ptr<const FakeObject> object,
      Attempt attempt, size_t piece, int64_t delay_ms, GetHandler* handler)
      : Call(transport, std::move(attempt), delay_ms),
        request_(request),
        object_(std::move(object)),
        max_piece_(piece),
        handler_(handler) {}

  // As libcurl does, with data at once.
  void Resume() override {
    if (!paused_) return;
    paused_ = false;
    set_moving(true);
    DeliverPiece();
  }

 private:
  template <typename F>
  auto Inside(F call) {
    const bool outer = std::exchange(transport_->in_handler_, true);
    const auto answer = call();
    transport_->in_handler_ = outer;
    return answer;
  }

  void Step() override {
    if (stopped_) return End(Status(StatusCode::kCancelled, "stopped by the handler"));
    if (!head_sent_) return SendHead();
    const uint64_t sent = position_ - began_;
    if (sent >= attempt_.stall_at) return set_moving(false);
    if (sent >= attempt_.cut_at) {
      return End(Status(StatusCode::kEndpoint, "the connection broke"), RetryHint::Kind::kRetry);
    }
    if (position_ == end_) return End(Status::Ok());
    DeliverPiece();
  }

  Status Refusal() const {
    if (!attempt_.failure.ok()) return attempt_.failure;
    if (object_ == nullptr) return Status(StatusCode::kObjectNotFound, "no such key");
    if (!request_.if_match.empty() && object_->can_pin && request_.if_match != object_->version) {
      return Status(StatusCode::kObjectChanged, "precondition failed");
    }
    if (request_.begin > 0 && request_.begin >= object_->body.size()) {
      return Status::Protocol("range not satisfiable");
    }
    if (request_.part_number > object_->parts.size()) {
      return Status::InvalidArgument("no such part");
    }
    return Status::Ok();
  }

  void SendHead() {
    const Status refusal = Refusal();
    if (!refusal.ok()) return End(refusal, attempt_.hint.kind);
    const uint64_t size = object_->body.size();
    if (!attempt_.ignore_range) began_ = request_.begin;
    end_ = attempt_.ignore_range ? size : std::min(request_.end, size);
    if (request_.part_number > 0) {
      const auto part = object_->parts.begin() + (request_.part_number - 1);
      began_ = std::accumulate(object_->parts.begin(), part, uint64_t{0});
      end_ = began_ + *part;
    }
    end_ = std::min(end_, attempt_.most == kToTheEnd ? kToTheEnd : began_ + attempt_.most);
    position_ = began_;

    ReplyHead head;
    head.partial = request_.part_number > 0 || (request_.ranged() && !attempt_.ignore_range);
    head.begin = began_;
    head.length = static_cast<int64_t>(end_ - began_);
    head.object_size = static_cast<int64_t>(size);
    head.version = object_->version;
    head.can_pin = object_->can_pin;
    head.checksum = began_ == 0 && end_ == size ? object_->checksum : ChecksumOfRange();
    if (attempt_.edit_head) attempt_.edit_head(&head);
    head_sent_ = true;
    if (request_.head_only) position_ = end_;
    TakeAnswer(Inside([&] { return handler_->OnHead(head); }), 0);
  }

  OfferedChecksum ChecksumOfRange() const {
    OfferedChecksum offered;
    offered.type = object_->range_checksum;
    offered.scope = OfferedChecksum::Scope::kReply;
    Checksum checksum(offered.type);
    checksum.Update(object_->body.data() + began_, static_cast<size_t>(end_ - began_));
    offered.digest = checksum.Finish();
    return offered;
  }

  void DeliverPiece() {
    uint64_t stop = end_;
    for (const uint64_t limit : {attempt_.cut_at, attempt_.stall_at}) {
      if (limit != kToTheEnd) stop = std::min(stop, began_ + limit);
    }
    std::string piece =
        object_->body.substr(static_cast<size_t>(position_),
                             static_cast<size_t>(std::min<uint64_t>(max_piece_, stop - position_)));
    if (piece.empty()) return StepAfter(0);
    if (attempt_.flip_at - position_ < piece.size()) {
      piece[static_cast<size_t>(attempt_.flip_at - position_)] ^= 1;
    }
    const char* data = piece.data();
    size_t size = piece.size();
    if (transport_->ask_for_space_) {
      const Space space = Inside([&] { return handler_->OnSpace(); });
      if (space.data != nullptr) {
        size = std::min(size, space.size);
        std::memcpy(space.data, data, size);
        data = space.data;
      }
    }
    const Flow flow = Inside([&] { return handler_->OnData(data, size); });
    EXPECT_FALSE(data != piece.data() && flow == Flow::kPause)
        << "space was given and then refused";
    TakeAnswer(flow, size);
  }

  void TakeAnswer(Flow flow, size_t size) {
    if (flow == Flow::kPause) {
      EXPECT_GT(size, 0U) << "a head cannot be refused for now";
      paused_ = true;
      return set_moving(false);
    }
    const bool first = position_ == began_ && size > 0;
    stopped_ = flow == Flow::kStop;
    position_ += size;
    transport_->bytes_taken_ += size;
    StepAfter(first ? std::max(attempt_.rest_ms, delay_ms_) : delay_ms_);
  }

  void End(const Status& status, RetryHint::Kind kind = RetryHint::Kind::kFatal) {
    RetryHint hint = attempt_.hint;
    hint.kind = kind;
    set_moving(false);
    const Status last = status;
    handler_->OnDone(last, hint);  // may destroy this
  }

  const GetRequest request_;
  const std::shared_ptr<const FakeObject> object_;
  const size_t max_piece_;
  GetHandler* const handler_;
  bool head_sent_ = false;
  bool paused_ = false;
  bool stopped_ = false;
  uint64_t began_ = 0;     // offset of the reply in the object
  uint64_t position_ = 0;  // of the next byte
  uint64_t end_ = 0;
};

class FakeTransport::List final : public FakeTransport::Call {
 public:
  List(FakeTransport* transport, std::optional<ListPage> page, Attempt attempt, int64_t delay_ms,
       ListHandler* handler)
      : Call(transport, std::move(attempt), delay_ms), page_(std::move(page)), handler_(handler) {}

  void Resume() override {}

 private:
  void Step() override {
    set_moving(false);
    const RetryHint hint = attempt_.hint;
    if (attempt_.stall_at == 0) return;
    if (!attempt_.failure.ok()) return handler_->OnPage(Status(attempt_.failure), hint);
    if (!page_.has_value()) return handler_->OnPage(Status::Protocol("no such token"), hint);
    handler_->OnPage(*std::move(page_), hint);  // may destroy this
  }

  std::optional<ListPage> page_;
  ListHandler* const handler_;
};

// ---------------------------------------------------------------------------------------------------
// FakeTransport

FakeTransport::~FakeTransport() { EXPECT_EQ(live(), 0) << "exchanges outlive their transport"; }

void FakeTransport::Put(const std::string& key, FakeObject object) {
  const std::lock_guard<std::mutex> lock(mutex_);
  objects_[key] = std::make_shared<const FakeObject>(std::move(object));
}

void FakeTransport::PutPage(const std::string& token, ListPage page) {
  const std::lock_guard<std::mutex> lock(mutex_);
  pages_[token] = std::move(page);
}

void FakeTransport::Script(const std::string& key, std::vector<Attempt> attempts) {
  const std::lock_guard<std::mutex> lock(mutex_);
  scripts_[key].assign(attempts.begin(), attempts.end());
}

void FakeTransport::Pace(size_t piece, int64_t delay_ms) {
  const std::lock_guard<std::mutex> lock(mutex_);
  piece_ = piece;
  delay_ms_ = delay_ms;
}

std::vector<GetRequest> FakeTransport::gets() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return gets_;
}

std::vector<ListRequest> FakeTransport::lists() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return lists_;
}

Attempt FakeTransport::NextAttempt(const std::string& key) {
  std::deque<Attempt>& script = scripts_[key];
  if (script.empty()) return Attempt{};
  Attempt next = std::move(script.front());
  script.pop_front();
  return next;
}

Result<ObjectId> FakeTransport::ParseUrl(std::string_view url) const {
  constexpr std::string_view kPrefix = "fake://bucket/";
  if (url.substr(0, kPrefix.size()) != kPrefix) return Status::InvalidArgument("not a fake URL");
  return ObjectId{"bucket", std::string(url.substr(kPrefix.size()))};
}

std::unique_ptr<Exchange> FakeTransport::StartGet(const GetRequest& request, GetHandler* handler) {
  const std::lock_guard<std::mutex> lock(mutex_);
  gets_.push_back(request);
  const std::string& key = request.object.key;
  Attempt attempt = NextAttempt(key);
  if (attempt.replaced_by.has_value()) {
    objects_[key] = std::make_shared<const FakeObject>(*attempt.replaced_by);
  }
  const auto object = objects_.find(key);
  return std::make_unique<Get>(this, request, object == objects_.end() ? nullptr : object->second,
                               std::move(attempt), piece_, delay_ms_, handler);
}

std::unique_ptr<Exchange> FakeTransport::StartList(const ListRequest& request,
                                                   ListHandler* handler) {
  const std::lock_guard<std::mutex> lock(mutex_);
  lists_.push_back(request);
  std::optional<ListPage> page;
  if (const auto found = pages_.find(request.token); found != pages_.end()) page = found->second;
  return std::make_unique<List>(this, std::move(page), NextAttempt(""), delay_ms_, handler);
}

const Status* FakeTransport::FindOutage(const ObjectId& object) {
  return down_ != 0 && object.key[0] == down_ ? &outage_ : nullptr;
}

}  // namespace objectpipes
