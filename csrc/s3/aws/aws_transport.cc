#include "s3/aws/aws_transport.h"

#include <openssl/crypto.h>

#include <atomic>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

#include "s3/aws/jobs.h"
#include "s3/aws/reply_pipe.h"
#include "s3/aws/requests.h"
#include "s3/aws/s3_client.h"
#include "s3/aws/sdk.h"
#include "s3/aws/sdk_threads.h"
#include "s3/aws/stall_watch.h"
#include "s3/customer_key.h"
#include "s3/list_page.h"
#include "s3/url.h"

namespace objectpipes {
namespace {

constexpr char kDefaultRegion[] = "us-east-1";

}  // namespace

// ---------------------------------------------------------------------------------------------------
// The reading end of a reply

class AwsTransport::Call : public Exchange, private StallWatch::Handler {
 public:
  Call(AwsTransport* transport, std::string bucket)
      : transport_(transport),
        bucket_(std::move(bucket)),
        pipe_(std::make_shared<ReplyPipe>(transport->executor_, [this] { OnReply(); })) {
    transport_->stall_watch_->Add(this);
  }

  ~Call() override { Close(); }

  void Resume() override {
    ++resumes_;
    paused_ = false;
    pipe_->Announce();
  }

 protected:
  virtual void OnReply() = 0;
  // The last call: tells the handler, which may destroy this.
  virtual void OnFailure(const Status& status, const RetryHint& hint) = 0;

  // Calls run(context, pipe) on a thread of its own, which may outlive this exchange: a thread that
  // waits for a byte inside the SDK cannot be stopped before the byte or the time limit comes.
  template <typename Run>
  void StartThread(Run run) {
    std::atomic<uint64_t>* const requests = transport_->options_.http.requests;
    if (requests != nullptr) requests->fetch_add(1, std::memory_order_relaxed);
    const std::string& region = transport_->RegionOf(bucket_);
    JobContext context{transport_->ClientFor(region), region, transport_->request_options_};
    try {
      std::thread([context = std::move(context), pipe = pipe_, run = std::move(run)]() mutable {
        const InsideSdk inside;
        run(std::exchange(context, JobContext{}), pipe.get());
        OPENSSL_thread_stop();  // takes a lock, and would else do so after this scope
      }).detach();
    } catch (const std::system_error& error) {
      Refuse(
          Status(StatusCode::kInternal, std::string("no thread for a request: ") + error.what()));
    }
  }

  void Refuse(Status status) {
    S3Error error;
    error.status = std::move(status);
    pipe_->PutEnd(std::move(error));
  }

  // Before the handler's last call.
  void Close() {
    transport_->stall_watch_->Remove(this);
    pipe_->Close();
  }

  void Fail(const S3Error& error) {
    Close();
    if (!error.region.empty()) transport_->regions_[bucket_] = error.region;
    OnFailure(error.status, error.hint);
  }

  void Cancel() {
    Close();
    OnFailure(Status(StatusCode::kCancelled, "stopped by the reader"), RetryHint{});
  }

  AwsTransport* const transport_;
  const std::string bucket_;
  const std::shared_ptr<ReplyPipe> pipe_;
  bool paused_ = false;

 private:
  int64_t progress() const override { return paused_ ? -1 : resumes_ + pipe_->touches(); }

  void OnStall() override {
    Close();
    OnFailure(Status(StatusCode::kTimeout,
                     "no byte arrived for " + std::to_string(transport_->stall_watch_->limit_ms()) +
                         " ms"),
              RetryHint{RetryHint::Kind::kRetry});
  }

  int64_t resumes_ = 0;
};

class AwsTransport::Get final : public AwsTransport::Call {
 public:
  Get(AwsTransport* transport, const GetRequest& request, GetHandler* handler)
      : Call(transport, request.object.bucket), handler_(handler) {
    Status key_status = CheckKey(request.object.key);
    if (key_status.ok()) {
      StartThread([request](const JobContext& context, ReplyPipe* pipe) {
        RunGet(context, request, pipe);
      });
    } else {
      Refuse(std::move(key_status));
    }
  }

 private:
  void OnReply() override {
    while (!paused_) {
      const Flow flow = Deliver();
      paused_ = flow == Flow::kPause;
      if (paused_) return;
      if (flow == Flow::kStop) return Cancel();
      if (news_.end.has_value()) {
        const S3Error end = *std::move(news_.end);  // the handler may destroy this
        if (!end.status.ok()) return Fail(end);
        Close();
        return handler_->OnDone(end.status, end.hint);
      }
      news_ = pipe_->Take();
      taken_ = 0;
      if (!news_.head.has_value() && news_.data.empty() && !news_.end.has_value()) return;
    }
  }

  void OnFailure(const Status& status, const RetryHint& hint) override {
    handler_->OnDone(status, hint);
  }

  Flow Deliver() {
    if (news_.head.has_value()) {
      const ReplyHead head = *std::exchange(news_.head, std::nullopt);
      if (handler_->OnHead(head) == Flow::kStop) return Flow::kStop;
    }
    if (taken_ == news_.data.size()) return Flow::kContinue;
    const Flow flow = handler_->OnData(news_.data.data() + taken_, news_.data.size() - taken_);
    if (flow == Flow::kContinue) taken_ = news_.data.size();
    return flow;
  }

  GetHandler* const handler_;
  ReplyPipe::News news_;
  size_t taken_ = 0;  // bytes of news_.data that the handler has had
};

class AwsTransport::List final : public AwsTransport::Call {
 public:
  List(AwsTransport* transport, const ListRequest& request, ListHandler* handler)
      : Call(transport, request.bucket),
        version_(VersionOf(request, transport->ListVersionOf(request.bucket))),
        first_(request.token.empty()),
        handler_(handler) {
    StartThread([request, version = version_](const JobContext& context, ReplyPipe* pipe) {
      RunList(context, request, version, pipe);
    });
  }

 private:
  void OnReply() override {
    ReplyPipe::News news = pipe_->Take();
    body_ += news.data;
    if (!news.end.has_value()) return;
    if (!news.end->status.ok()) return Fail(*news.end);
    Close();
    // Of use only if the page turns out malformed.
    const RetryHint hint{RetryHint::Kind::kRetry};
    handler_->OnPage(ParseListPage(std::move(body_), version_), hint);
  }

  void OnFailure(const Status& status, const RetryHint& hint) override {
    if (KnowsNoV2(status, first_, version_)) {
      transport_->list_versions_[bucket_] = ListVersion::kV1;
      return handler_->OnPage(status, RetryHint{RetryHint::Kind::kRetryNow});
    }
    handler_->OnPage(status, hint);
  }

  const ListVersion version_;
  const bool first_;  // page of its listing
  ListHandler* const handler_;
  std::string body_;
};

// ---------------------------------------------------------------------------------------------------
// AwsTransport

Result<std::unique_ptr<Transport>> AwsTransport::Create(
    Executor* executor, S3Options options, std::shared_ptr<CredentialStore> credentials) {
  OBJECTPIPES_RETURN_IF_ERROR(CheckAwsOptions(options));
  Result<std::vector<std::string>> key_headers = CustomerKeyHeaders(options.sse_customer_key);
  if (!key_headers.ok()) return key_headers.status();
  std::optional<Endpoint> endpoint;
  if (!SdkFindsEndpoint(options)) {
    Result<Endpoint> parsed = ParseEndpoint(options.endpoint_url, options.addressing);
    if (!parsed.ok()) return parsed.status();
    endpoint = std::move(parsed).value();
  }
  OBJECTPIPES_RETURN_IF_ERROR(StartAwsSdk());
  std::unique_ptr<AwsTransport> transport(
      new AwsTransport(executor, std::move(options), std::move(credentials)));
  transport->request_options_.customer_key_headers = std::move(key_headers).value();
  transport->request_options_.endpoint = std::move(endpoint);
  return std::unique_ptr<Transport>(std::move(transport));
}

AwsTransport::AwsTransport(Executor* executor, S3Options options,
                           std::shared_ptr<CredentialStore> credentials)
    : executor_(executor),
      options_(std::move(options)),
      stall_watch_(std::make_shared<StallWatch>(executor, options_.http.stall_timeout_ms)),
      credentials_(std::move(credentials)) {
  request_options_.requester_pays = options_.requester_pays;
  request_options_.checksums = options_.checksums;
  request_options_.expected_bucket_owner = options_.expected_bucket_owner;
  request_options_.proxy = ProxyOf(options_);
}

Result<ObjectId> AwsTransport::ParseUrl(std::string_view url) const {
  Result<ObjectPath> path = ParseS3ObjectUrl(url);
  if (!path.ok()) return path.status();
  return ObjectId{std::move(path.value().bucket), std::move(path.value().key)};
}

std::unique_ptr<Exchange> AwsTransport::StartGet(const GetRequest& request, GetHandler* handler) {
  return std::make_unique<Get>(this, request, handler);
}

std::unique_ptr<Exchange> AwsTransport::StartList(const ListRequest& request,
                                                  ListHandler* handler) {
  return std::make_unique<List>(this, request, handler);
}

const std::string& AwsTransport::RegionOf(const std::string& bucket) const {
  static const std::string* const kFirst = new std::string(kDefaultRegion);
  const auto learned = regions_.find(bucket);
  if (learned != regions_.end()) return learned->second;
  return options_.region.empty() ? *kFirst : options_.region;
}

ListVersion AwsTransport::ListVersionOf(const std::string& bucket) const {
  const auto learned = list_versions_.find(bucket);
  return learned == list_versions_.end() ? options_.list_version : learned->second;
}

// The SDK takes a millisecond to make a client.
std::shared_ptr<Aws::S3::S3Client> AwsTransport::ClientFor(const std::string& region) {
  std::shared_ptr<Aws::S3::S3Client>& client = clients_[region];
  if (client == nullptr) client = MakeS3Client(options_, region, credentials_);
  return client;
}

}  // namespace objectpipes
