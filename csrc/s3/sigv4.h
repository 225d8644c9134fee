// AWS Signature Version 4 for S3: GET and HEAD requests, signed in their headers.
//
// Unlike all other services, S3 signs the path as it is sent: encoded once and never normalised.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/sha256.h"
#include "transport/credentials.h"

namespace objectpipes {

// The hash of an empty body. All servers accept it with and without TLS, unlike "UNSIGNED-PAYLOAD".
inline constexpr std::string_view kEmptyPayloadHash =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

struct HeaderView {
  std::string_view name;   // lower-case
  std::string_view value;  // without spaces around it
};

struct SigningRequest {
  std::string_view method;
  std::string_view host;
  std::string_view path;            // percent-encoded, as sent
  std::string_view query;           // CanonicalQuery()
  std::vector<HeaderView> headers;  // all other x-amz-* headers; others may stay unsigned
};

// Send it with "x-amz-content-sha256: kEmptyPayloadHash" and, if the credentials have a token,
// "x-amz-security-token". Both are signed, too.
struct Signature {
  std::string amz_date;       // the value of x-amz-date
  std::string authorization;  // the value of authorization
};

// Signs for one region and service with one set of credentials. Not thread-safe.
class Signer {
 public:
  Signer(Credentials credentials, std::string region, std::string service = "s3");

  // Fails only if Sha256 does.
  Result<Signature> Sign(const SigningRequest& request, int64_t unix_seconds);

 private:
  Status UseDay(std::string_view day);

  Credentials credentials_;
  std::string region_;
  std::string service_;
  Sha256 sha256_;

  std::string day_;    // the day of the scope and the key
  std::string scope_;  // "20130524/us-east-1/s3/aws4_request"
  Sha256::Digest day_key_{};

  // Members to keep their capacity.
  std::vector<HeaderView> headers_;
  std::string header_names_;
  std::string text_;
};

}  // namespace objectpipes
