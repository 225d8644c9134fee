// A request of the SDK that shows its reply while it arrives, and is sent exactly where it should
// be.
#pragma once

#include <aws/core/http/HttpRequest.h>
#include <aws/core/http/HttpResponse.h>
#include <aws/core/http/URI.h>
#include <aws/core/utils/stream/ResponseStream.h>

#include <ios>
#include <streambuf>
#include <string>
#include <string_view>

#include "s3/aws/sdk_threads.h"
#include "s3/reply_head.h"

namespace objectpipes {

inline std::string_view View(const Aws::String& text) { return {text.data(), text.size()}; }

// The SDK's collections have names in lower case.
inline HeaderLookup LookUpIn(const Aws::Http::HeaderValueCollection* headers) {
  return [headers](std::string_view name) {
    const auto header = headers->find(Aws::String(name.data(), name.size()));
    return header == headers->end() ? std::string_view() : View(header->second);
  };
}

// Sees one reply, on the thread that is inside the SDK.
//
// The SDK's HTTP client tells the status of a reply only at its end. So bytes that arrive before
// may turn out to be an error document.
class ReplyObserver {
 public:
  // The request is about to go to `server`, a "host:port".
  virtual void OnSend(std::string server) = 0;
  // The next bytes of a body, whatever its status. False cancels the reply.
  virtual bool OnBody(const char* data, size_t size) = 0;
  // After each piece of the body.
  virtual void OnHeaders(const HeaderLookup& header) = 0;
  // The reply is complete and its status 2xx. Not called for any other.
  virtual void OnSuccess(const HeaderLookup& header) = 0;
  // The SDK calls this now and then.
  virtual bool Wanted() const = 0;

 protected:
  ~ReplyObserver() = default;
};

// Receives what the SDK writes. Its position stays 0, so the SDK finds nothing to parse.
class ObservedBody final : public Aws::IOStream {
 public:
  explicit ObservedBody(ReplyObserver* observer) : Aws::IOStream(nullptr), buffer_(observer) {
    rdbuf(&buffer_);
  }

 private:
  class Buffer final : public std::streambuf {
   public:
    explicit Buffer(ReplyObserver* observer) : observer_(observer) {}

   private:
    std::streamsize xsputn(const char* data, std::streamsize size) override {
      return observer_->OnBody(data, static_cast<size_t>(size)) ? size : 0;
    }
    pos_type seekoff(off_type, std::ios_base::seekdir, std::ios_base::openmode) override {
      return pos_type(0);
    }

    ReplyObserver* const observer_;
  };

  Buffer buffer_;
};

// `Request` is one of the SDK's. The observer outlives it.
template <typename Request>
class Observed : public Request {
 public:
  explicit Observed(ReplyObserver* observer) : observer_(observer) {
    this->SetRequestSignedHandler([observer](const Aws::Http::HttpRequest& request) {
      const Aws::Http::URI& uri = request.GetUri();
      observer->OnSend(std::string(View(uri.GetAuthority())) + ":" + std::to_string(uri.GetPort()));
    });
    this->SetResponseStreamFactory(
        [observer] { return Aws::New<ObservedBody>("objectpipes", observer); });
    this->SetDataReceivedEventHandler(
        [observer](const Aws::Http::HttpRequest*, Aws::Http::HttpResponse* reply, long long) {
          observer->OnHeaders([reply](std::string_view name) {
            const Aws::String key(name.data(), name.size());
            return reply->HasHeader(key.c_str()) ? View(reply->GetHeader(key)) : std::string_view();
          });
        });
    this->SetContinueRequestHandler(
        [observer](const Aws::Http::HttpRequest*) { return observer->Wanted() && !IsSdkClosed(); });
  }

  // Called for each complete 2xx reply; the only place that shows the header of a reply without a
  // body.
  bool HasEmbeddedError(Aws::IOStream&,
                        const Aws::Http::HeaderValueCollection& headers) const override {
    observer_->OnSuccess(LookUpIn(&headers));
    return false;
  }

 private:
  ReplyObserver* const observer_;
};

}  // namespace objectpipes
