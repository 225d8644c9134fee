#include "s3/aws/requests.h"

#include <string_view>

namespace objectpipes {
namespace {

// Calls `visit` with each segment of a path, the empty ones included.
template <typename Visit>
void ForEachSegment(std::string_view path, Visit visit) {
  for (size_t slash = path.find('/'); slash != std::string_view::npos; slash = path.find('/')) {
    visit(path.substr(0, slash));
    path.remove_prefix(slash + 1);
  }
  visit(path);
}

}  // namespace

Status CheckKey(const std::string& key) {
  bool exact = key.find('\0') == std::string::npos;
  ForEachSegment(key, [&exact](std::string_view segment) {
    exact = exact && segment != "." && segment != "..";  // the SDK's HTTP client resolves them
  });
  if (exact) return Status::Ok();
  return Status(StatusCode::kNotSupported,
                "aws-sdk-cpp cannot request a key with \".\" or \"..\" between slashes, or with a "
                "zero byte; transport=\"http\" can");
}

void SetKeyInPath(const std::string& key, Aws::Http::URI* uri) {
  Aws::String path = uri->GetPath();
  path.resize(path.size() - sizeof kPlaceholder);  // its slash, too
  uri->SetPath(path);
  uri->SetRfc3986Encoded(true);
  ForEachSegment(key, [uri](std::string_view segment) {
    uri->AddPathSegment(Aws::String(segment.data(), segment.size()));
  });
}

PageRequest::PageRequest(const ListRequest& list, ListVersion version,
                         const RequestOptions& options, ReplyObserver* observer)
    : Observed(observer), list_(list), version_(version) {
  SetBucket(Aws::String(list.bucket));
  if (!options.expected_bucket_owner.empty()) {
    SetExpectedBucketOwner(Aws::String(options.expected_bucket_owner));
  }
  if (options.requester_pays) SetRequestPayer(Aws::S3::Model::RequestPayer::requester);
}

void PageRequest::AddQueryStringParameters(Aws::Http::URI& uri) const {
  uri.SetQueryString("");
  for (const auto& [name, value] : ListQuery(list_, version_)) {
    uri.AddQueryStringParameter(name.c_str(), Aws::String(value));
  }
}

}  // namespace objectpipes
