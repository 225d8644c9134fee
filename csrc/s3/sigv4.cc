#include "s3/sigv4.h"

#include <algorithm>
#include <utility>

#include "base/encoding.h"
#include "base/utc_time.h"

namespace objectpipes {
namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";
constexpr std::string_view kTerminator = "aws4_request";

}  // namespace

Signer::Signer(Credentials credentials, std::string region, std::string service)
    : credentials_(std::move(credentials)),
      region_(std::move(region)),
      service_(std::move(service)) {}

Status Signer::UseDay(std::string_view day) {
  if (day == day_) return Status::Ok();
  Result<Sha256::Digest> key = sha256_.Hmac("AWS4" + credentials_.secret_key, day);
  for (const std::string_view part :
       {std::string_view(region_), std::string_view(service_), kTerminator}) {
    if (key.ok()) key = sha256_.Hmac(Sha256::Bytes(key.value()), part);
  }
  if (!key.ok()) return key.status();

  day_key_ = key.value();
  day_ = day;
  scope_.clear();
  for (const std::string_view part : {day, std::string_view(region_), std::string_view(service_)}) {
    scope_.append(part).append("/");
  }
  scope_.append(kTerminator);
  return Status::Ok();
}

Result<Signature> Signer::Sign(const SigningRequest& request, int64_t unix_seconds) {
  Signature signature;
  signature.amz_date = FormatBasicIso8601(unix_seconds);
  OBJECTPIPES_RETURN_IF_ERROR(UseDay(std::string_view(signature.amz_date).substr(0, 8)));

  headers_ = request.headers;
  headers_.push_back({"host", request.host});
  headers_.push_back({"x-amz-content-sha256", kEmptyPayloadHash});
  headers_.push_back({"x-amz-date", signature.amz_date});
  if (!credentials_.session_token.empty()) {
    headers_.push_back({"x-amz-security-token", credentials_.session_token});
  }
  std::sort(headers_.begin(), headers_.end(),
            [](const HeaderView& a, const HeaderView& b) { return a.name < b.name; });

  // The canonical request.
  text_.clear();
  text_.append(request.method).append("\n");
  text_.append(request.path).append("\n");
  text_.append(request.query).append("\n");
  header_names_.clear();
  for (const HeaderView& header : headers_) {
    text_.append(header.name).append(":").append(header.value).append("\n");
    if (!header_names_.empty()) header_names_.append(";");
    header_names_.append(header.name);
  }
  text_.append("\n").append(header_names_).append("\n").append(kEmptyPayloadHash);
  const Result<Sha256::Digest> request_hash = sha256_.Hash(text_);
  if (!request_hash.ok()) return request_hash.status();

  // The string to sign.
  text_.clear();
  text_.append(kAlgorithm).append("\n");
  text_.append(signature.amz_date).append("\n");
  text_.append(scope_).append("\n");
  text_.append(HexEncode(Sha256::Bytes(request_hash.value())));
  const Result<Sha256::Digest> mac = sha256_.Hmac(Sha256::Bytes(day_key_), text_);
  if (!mac.ok()) return mac.status();

  std::string& authorization = signature.authorization;
  authorization.reserve(256);
  authorization.append(kAlgorithm);
  authorization.append(" Credential=").append(credentials_.access_key).append("/").append(scope_);
  authorization.append(", SignedHeaders=").append(header_names_);
  authorization.append(", Signature=").append(HexEncode(Sha256::Bytes(mac.value())));
  return signature;
}

}  // namespace objectpipes
