// Handlers that keep one reply of a transport, for tests to look at.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "testing/signal.h"
#include "transport/transport.h"

namespace objectpipes {

// Takes one reply. Like the engine it drops the exchange first, and looks at the status afterwards.
class Getter final : public GetHandler {
 public:
  Flow OnHead(const ReplyHead& reply_head) override {
    head = reply_head;
    return Flow::kContinue;
  }
  Flow OnData(const char* data, size_t size) override {
    body.append(data, size);
    return Flow::kContinue;
  }
  void OnDone(const Status& status, const RetryHint& retry_hint) override {
    exchange.reset();
    outcome = status;
    hint = retry_hint;
    done.Set();
  }

  std::unique_ptr<Exchange> exchange;
  std::optional<ReplyHead> head;
  std::string body;
  Status outcome;
  RetryHint hint;
  Signal done;
};

class Lister final : public ListHandler {
 public:
  void OnPage(Result<ListPage> result, const RetryHint& retry_hint) override {
    exchange.reset();
    page.emplace(std::move(result));
    hint = retry_hint;
    done.Set();
  }

  std::unique_ptr<Exchange> exchange;
  std::optional<Result<ListPage>> page;
  RetryHint hint;
  Signal done;
};

}  // namespace objectpipes
