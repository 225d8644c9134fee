#include "s3/aws/jobs.h"

#include <string_view>
#include <utility>

#include "base/clock.h"
#include "s3/aws/observed_request.h"
#include "s3/aws/outcome.h"
#include "s3/reply_head.h"
#include "transport/http/http_response.h"

namespace objectpipes {
namespace {

namespace model = Aws::S3::Model;

// What both kinds have in common.
class Job : public ReplyObserver {
 protected:
  Job(const JobContext& context, ReplyPipe* pipe) : context_(context), pipe_(pipe) {
    const RequestOptions& options = context.options;
    hops_.proxy = options.proxy;
    reply_.region = context.region;
    reply_.request_time = WallSeconds();
    reply_.has_customer_key = !options.customer_key_headers.empty();
    reply_.endpoint = options.endpoint.has_value() ? &*options.endpoint : nullptr;
  }
  ~Job() = default;

  void PutEnd(S3Error end) {
    if (!end.status.ok()) end.status.mutable_detail().endpoint = hops_.server;
    pipe_->PutEnd(std::move(end));
  }

  const JobContext& context_;
  ReplyPipe* const pipe_;
  Hops hops_;
  ErrorReply reply_;  // if it turns out to be one
  S3Error refused_;   // why the reply is not used

 private:
  void OnSend(std::string server) override { hops_.server = std::move(server); }
  bool Wanted() const override { return !pipe_->closed(); }
};

class GetJob final : public Job {
 public:
  GetJob(const JobContext& context, const GetRequest& request, ReplyPipe* pipe)
      : Job(context, pipe), request_(request) {
    reply_.bucket = request.object.bucket;
    reply_.key = request.object.key;
  }

  void Run() {
    if (request_.head_only) {
      const ObjectRequest<model::HeadObjectRequest> head(request_, context_.options, this);
      End(context_.client->HeadObject(head));
    } else {
      const ObjectRequest<model::GetObjectRequest> get(request_, context_.options, this);
      End(context_.client->GetObject(get));
    }
  }

 private:
  bool OnBody(const char* data, size_t size) override {
    pipe_->Touch();
    if (!refused_.status.ok()) return false;
    if (open_) return pipe_->PutData(data, size);
    held_.append(data, size);
    return !pipe_->closed();
  }

  void OnHeaders(const HeaderLookup& header) override {
    if (open_ || !refused_.status.ok()) return;
    if (IsContentRange(header("content-range")) && IsObject(header)) return Open(header);
    if (held_.size() <= kMaxErrorBodyBytes) return;  // may still be an error document
    if (!header("last-modified").empty()) return Open(header);
    refused_.status = Status(StatusCode::kNotSupported,
                             "the reply has no Last-Modified, so with aws-sdk-cpp a large object "
                             "looks like an error page; transport=\"http\" can read it");
  }

  void OnSuccess(const HeaderLookup& header) override {
    if (open_ || !refused_.status.ok()) return;
    if (IsObject(header)) return Open(header);
    reply_.body = held_;
    refused_ = ErrorFromHeader(200, header, reply_);
  }

  // Only 206 has one like this; in a 416 there is a "*" in place of the numbers.
  static bool IsContentRange(std::string_view text) {
    constexpr std::string_view kUnit = "bytes ";
    return text.size() > kUnit.size() && text.substr(0, kUnit.size()) == kUnit &&
           text[kUnit.size()] != '*';
  }

  void Open(const HeaderLookup& header) {
    Result<ReplyHead> head = ParseReplyHead(header("content-range").empty() ? 200 : 206, header);
    if (!head.ok()) {
      refused_.status = head.status();
      refused_.hint.kind = RetryHint::Kind::kRetry;
      return;
    }
    open_ = true;
    pipe_->PutHead(head.value());
    if (!held_.empty()) pipe_->PutData(held_.data(), held_.size());
    held_ = std::string();
  }

  template <typename Outcome>
  void End(const Outcome& outcome) {
    if (!refused_.status.ok()) return PutEnd(refused_);
    if (outcome.IsSuccess()) return PutEnd(S3Error{});
    reply_.body = held_;
    PutEnd(ErrorFromOutcome(outcome.GetError(), reply_, hops_));
  }

  const GetRequest& request_;
  std::string held_;   // while it is not known whether these are the object's bytes
  bool open_ = false;  // they are
};

class ListJob final : public Job {
 public:
  ListJob(const JobContext& context, const ListRequest& request, ListVersion version,
          ReplyPipe* pipe)
      : Job(context, pipe), request_(request), version_(version) {
    reply_.bucket = request.bucket;
  }

  void Run() {
    const auto outcome =
        context_.client->ListObjectsV2(PageRequest(request_, version_, context_.options, this));
    if (!refused_.status.ok()) return PutEnd(refused_);
    reply_.body = body_;
    if (!outcome.IsSuccess()) return PutEnd(ErrorFromOutcome(outcome.GetError(), reply_, hops_));
    if (IsErrorDocument(body_)) {
      reply_.http_status = 200;
      reply_.request_id = request_id_;
      return PutEnd(ErrorFromReply(reply_));
    }
    pipe_->PutData(body_.data(), body_.size());
    PutEnd(S3Error{});
  }

 private:
  bool OnBody(const char* data, size_t size) override {
    pipe_->Touch();
    if (!refused_.status.ok()) return false;
    refused_.status = AppendToPage(data, size, &body_);
    return refused_.status.ok() && !pipe_->closed();
  }
  void OnHeaders(const HeaderLookup&) override {}
  void OnSuccess(const HeaderLookup& header) override { request_id_ = header("x-amz-request-id"); }

  const ListRequest& request_;
  const ListVersion version_;
  std::string body_;
  std::string request_id_;
};

}  // namespace

void RunGet(const JobContext& context, const GetRequest& request, ReplyPipe* pipe) {
  GetJob(context, request, pipe).Run();
}

void RunList(const JobContext& context, const ListRequest& request, ListVersion version,
             ReplyPipe* pipe) {
  ListJob(context, request, version, pipe).Run();
}

}  // namespace objectpipes
