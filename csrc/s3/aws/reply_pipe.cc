#include "s3/aws/reply_pipe.h"

#include <utility>

#include "s3/aws/sdk_threads.h"

namespace objectpipes {
namespace {

// Enough to keep a connection busy while the I/O thread does other work.
constexpr size_t kMaxUnread = size_t{256} << 10;

}  // namespace

ReplyPipe::ReplyPipe(Executor* executor, std::function<void()> on_readable)
    : executor_(executor), on_readable_(std::move(on_readable)) {}

void ReplyPipe::PutHead(const ReplyHead& head) {
  const std::lock_guard<std::mutex> lock(mutex_);
  news_.head = head;
  AnnounceLocked();
}

bool ReplyPipe::PutData(const char* data, size_t size) {
  WaitForRoom();
  const std::lock_guard<std::mutex> lock(mutex_);
  if (closed_) return false;
  news_.data.append(data, size);
  AnnounceLocked();
  return true;
}

void ReplyPipe::WaitForRoom() {
  const OutsideSdk outside;
  std::unique_lock<std::mutex> lock(mutex_);
  reader_moved_.wait(lock, [this] { return closed_ || news_.data.size() < kMaxUnread; });
}

void ReplyPipe::PutEnd(S3Error end) {
  const std::lock_guard<std::mutex> lock(mutex_);
  news_.end = std::move(end);
  AnnounceLocked();
}

void ReplyPipe::Touch() {
  const std::lock_guard<std::mutex> lock(mutex_);
  ++touches_;
}

int64_t ReplyPipe::touches() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return touches_;
}

bool ReplyPipe::closed() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return closed_;
}

ReplyPipe::News ReplyPipe::Take() {
  const std::lock_guard<std::mutex> lock(mutex_);
  reader_moved_.notify_one();
  return std::exchange(news_, News{});
}

void ReplyPipe::Announce() {
  const std::lock_guard<std::mutex> lock(mutex_);
  AnnounceLocked();
}

void ReplyPipe::Close() {
  const std::lock_guard<std::mutex> lock(mutex_);
  closed_ = true;
  reader_moved_.notify_one();
}

// The executor exists while the pipe is open, because transports are destroyed before their event
// loop.
void ReplyPipe::AnnounceLocked() {
  if (closed_ || announced_) return;
  announced_ = true;
  executor_->Post([self = shared_from_this()] { self->TellReader(); });
}

void ReplyPipe::TellReader() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    announced_ = false;
    if (closed_) return;
  }
  on_readable_();
}

}  // namespace objectpipes
