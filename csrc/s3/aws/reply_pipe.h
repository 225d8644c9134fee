// Carries one reply from a thread inside the SDK to the I/O thread.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "s3/reply_error.h"
#include "transport/transport.h"

namespace objectpipes {

class ReplyPipe : public std::enable_shared_from_this<ReplyPipe> {
 public:
  // `on_readable` is called on the I/O thread when there is something to Take(), until Close().
  ReplyPipe(Executor* executor, std::function<void()> on_readable);

  // The writing end, for the thread inside the SDK: head, data and end. Head and data only for a
  // successful reply.
  void PutHead(const ReplyHead& head);
  // Waits while the reader is far behind. False: the reader has gone.
  bool PutData(const char* data, size_t size);
  void PutEnd(S3Error end);
  // Bytes have arrived, whether they are put here or not.
  void Touch();
  bool closed() const;

  // The reading end, for the I/O thread.
  struct News {
    std::optional<ReplyHead> head;
    std::string data;
    std::optional<S3Error> end;  // the status is OK after a complete reply
  };
  News Take();
  int64_t touches() const;  // how often something has arrived
  void Announce();          // has on_readable called soon
  void Close();

 private:
  void WaitForRoom();
  void AnnounceLocked();
  void TellReader();

  Executor* const executor_;
  const std::function<void()> on_readable_;

  mutable std::mutex mutex_;
  std::condition_variable reader_moved_;
  News news_;
  int64_t touches_ = 0;
  bool announced_ = false;
  bool closed_ = false;
};

}  // namespace objectpipes
