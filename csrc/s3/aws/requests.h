// The requests that the transport makes through the SDK.
#pragma once

#include <aws/core/http/URI.h>
#include <aws/s3/model/GetObjectRequest.h>
#include <aws/s3/model/HeadObjectRequest.h>
#include <aws/s3/model/ListObjectsV2Request.h>

#include <string>

#include "base/status.h"
#include "s3/aws/observed_request.h"
#include "s3/aws/request_options.h"
#include "s3/list_page.h"
#include "transport/content_range.h"
#include "transport/transport.h"

namespace objectpipes {

// kNotSupported for keys that the SDK would change.
Status CheckKey(const std::string& key);

// Stands for the key until the SDK has made a path.
inline constexpr char kPlaceholder[] = "key";

// Puts the key there.
void SetKeyInPath(const std::string& key, Aws::Http::URI* uri);

// GetObjectRequest or HeadObjectRequest. `get` outlives it.
//
// Versions of the SDK drop or add different slashes of a key, and the setting for it belongs to
// whoever initialised the SDK first. So the SDK gets a placeholder as key, and the path gets the
// real key before it is signed.
template <typename Request>
class ObjectRequest final : public Observed<Request> {
 public:
  ObjectRequest(const GetRequest& get, const RequestOptions& options, ReplyObserver* observer)
      : Observed<Request>(observer), key_(get.object.key) {
    this->SetBucket(Aws::String(get.object.bucket));
    this->SetKey(kPlaceholder);
    if (get.ranged()) {
      this->SetRange(Aws::String(RangeText(get.begin, get.end)));
    }
    if (!get.if_match.empty()) this->SetIfMatch(Aws::String(get.if_match));
    if (get.part_number != 0) this->SetPartNumber(static_cast<int>(get.part_number));
    if (!get.object.listed.version.empty()) {
      this->SetVersionId(Aws::String(get.object.listed.version));
    }
    if (!options.expected_bucket_owner.empty()) {
      this->SetExpectedBucketOwner(Aws::String(options.expected_bucket_owner));
    }
    for (const std::string& header : options.customer_key_headers) {
      const size_t colon = header.find(": ");
      this->SetAdditionalCustomHeaderValue(Aws::String(header.substr(0, colon)),
                                           Aws::String(header.substr(colon + 2)));
    }
    if (options.requester_pays) this->SetRequestPayer(Aws::S3::Model::RequestPayer::requester);
    // Not with SetChecksumMode(): then the SDK would also compare.
    if (options.checksums) this->SetAdditionalCustomHeaderValue("x-amz-checksum-mode", "ENABLED");
  }

  void AddQueryStringParameters(Aws::Http::URI& uri) const override {
    SetKeyInPath(key_, &uri);
    Request::AddQueryStringParameters(uri);
  }

 private:
  const std::string& key_;
};

// `list` outlives it.
class PageRequest final : public Observed<Aws::S3::Model::ListObjectsV2Request> {
 public:
  PageRequest(const ListRequest& list, ListVersion version, const RequestOptions& options,
              ReplyObserver* observer);
  // Writes the whole query, so that it can be of either version.
  void AddQueryStringParameters(Aws::Http::URI& uri) const override;

 private:
  const ListRequest& list_;
  const ListVersion version_;
};

}  // namespace objectpipes
