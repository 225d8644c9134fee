// One request to S3: its signature, its redirects, and what an error means.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "s3/reply_error.h"
#include "s3/s3_context.h"
#include "transport/http/http_client.h"
#include "transport/transport.h"

namespace objectpipes {

// What a get, a list and the opening of a session have in common. A subclass adds headers, then
// calls Begin().
class S3Call : public Exchange, public HttpHandler, public SessionHandler {
 public:
  ~S3Call() override;

  void Resume() override;

 protected:
  // The context outlives the call.
  S3Call(S3Context* context, std::string bucket, std::string key);

  // Whether a reply of status 200 or 206 answers the request.
  virtual bool IsAnswer(const HttpHead& head) const = 0;
  virtual Flow OnSuccess(const HttpHead& head) = 0;
  virtual Space OnSuccessSpace() { return {}; }
  virtual Flow OnSuccessData(const char* data, size_t size) = 0;
  virtual void OnEnd(const Status& status, const RetryHint& hint) = 0;

  // Sends the request, with the keys of a session if the bucket wants that and `with_session` is
  // true.
  void Begin(HttpRequest::Method method, const std::string& query, bool with_session = true);
  void AddHeader(std::string_view name, std::string_view value);

  S3Context* context() const { return context_; }
  S3Bucket* bucket() const { return context_->BucketOf(bucket_name_); }
  S3Error ErrorOf(std::string_view body) const;

 private:
  enum class Stage : uint8_t {
    kPreparing,
    kAwaitingSession,  // of a directory bucket
    kAwaitingReply,
    kAnswer,  // the reply answers the request
    kError,   // the reply is a redirect or an error
  };

  void SendToBucket();
  void Send(const RequestTarget& target, const std::string& region);

  Flow OnHead(const HttpHead& head) override;
  void OnSession(const Status& status, const RetryHint& hint) override;
  Space OnSpace() override;
  Flow OnData(const char* data, size_t size) override;
  void OnDone(const Status& status) override;
  void OnError();
  Status FollowRedirect(const std::string& location);
  Status Withheld(const Status& status) const;
  std::string HostHint(const Status& status) const;
  void EndSession(S3Error* error);

  S3Context* const context_;
  const std::string bucket_name_;
  const std::string key_;
  std::string query_;
  HttpRequest request_;
  size_t fixed_headers_ = 0;
  bool with_session_ = true;
  Stage stage_ = Stage::kPreparing;
  Status unsigned_;                   // why the request could not be signed
  std::vector<std::string> visited_;  // URLs that have redirected us
  bool trusted_ = true;               // we were never sent to a host that is not the endpoint's

  ErrorReply reply_;  // to the request sent last, should it be an error
  std::string error_body_;

  std::unique_ptr<Exchange> http_;  // last: cancelled first
};

}  // namespace objectpipes
