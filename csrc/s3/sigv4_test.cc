#include "s3/sigv4.h"

#include <gtest/gtest.h>

#include <string>

#include "base/uri.h"
#include "s3/endpoint.h"

namespace objectpipes {
namespace {

// The keys of AWS's documentation.
const char kAccessKey[] = "AKIAIOSFODNN7EXAMPLE";
const char kSecretKey[] = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
constexpr int64_t kMay24 = 1369353600;  // 2013-05-24T00:00:00Z

std::string SignatureOf(const Signature& signature) {
  return signature.authorization.substr(signature.authorization.rfind('=') + 1);
}

// AWS publishes its examples under "Authenticating Requests: Using the Authorization Header".
class AwsExample : public testing::Test {
 protected:
  Signer signer_{{kAccessKey, kSecretKey, ""}, "us-east-1"};
  SigningRequest request_{"GET", "examplebucket.s3.amazonaws.com", "/", "", {}};
};

TEST_F(AwsExample, GetObject) {
  request_.path = "/test.txt";
  request_.headers = {{"range", "bytes=0-9"}};
  const Signature signature = signer_.Sign(request_, kMay24).value();
  EXPECT_EQ(signature.amz_date, "20130524T000000Z");
  EXPECT_EQ(signature.authorization,
            "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, "
            "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, "
            "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
}

TEST_F(AwsExample, GetBucketLifecycle) {
  const std::string query = CanonicalQuery({{"lifecycle", ""}});
  request_.query = query;
  EXPECT_EQ(SignatureOf(signer_.Sign(request_, kMay24).value()),
            "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");
}

TEST_F(AwsExample, ListObjects) {
  const std::string query = CanonicalQuery({{"max-keys", "2"}, {"prefix", "J"}});
  request_.query = query;
  EXPECT_EQ(SignatureOf(signer_.Sign(request_, kMay24).value()),
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
}

TEST(Signer, AgreesWithBotocoreOnAwkwardNames) {
  const struct {
    std::string operation;
    const char* endpoint;
    Addressing addressing;
    const char* name;
    const char* session_token;
    int64_t time;
    const char* signature;
  } kCases[] = {
#include "s3/testdata/sigv4_vectors.inc"
  };
  for (const auto& c : kCases) {
    const bool is_list = c.operation == "LIST";
    const std::string query = is_list ? CanonicalQuery({{"list-type", "2"},
                                                        {"prefix", c.name},
                                                        {"delimiter", "/"},
                                                        {"encoding-type", "url"}})
                                      : "";
    const Endpoint endpoint = ParseEndpoint(c.endpoint, c.addressing).value();
    const RequestTarget target =
        MakeRequestTarget(endpoint, "bucket", is_list ? "" : c.name, query);
    Signer signer({kAccessKey, kSecretKey, c.session_token}, "eu-central-1");
    const Signature signature =
        signer.Sign({is_list ? "GET" : c.operation, target.host, target.path, query, {}}, c.time)
            .value();
    EXPECT_EQ(SignatureOf(signature), c.signature) << c.operation << " " << target.url;
  }
}

TEST(Signer, DependsOnNothingSignedBefore) {
  const SigningRequest request{"GET", "h", "/b/k", "", {{"x-amz-request-payer", "requester"}}};
  const Credentials credentials{kAccessKey, kSecretKey, "token"};
  Signer reused(credentials, "us-east-1");
  for (const int64_t time : {kMay24, kMay24 + 86399, kMay24 + 86400, kMay24}) {
    Signer fresh(credentials, "us-east-1");
    EXPECT_EQ(reused.Sign(request, time).value().authorization,
              fresh.Sign(request, time).value().authorization);
    (void)reused.Sign({"HEAD", "other", "/", "a=b", {}}, time).value();
  }
}

TEST(Signer, SignsEveryHeaderInTheOrderOfNames) {
  Signer signer({kAccessKey, kSecretKey, "token"}, "us-east-1");
  const Signature signature =
      signer
          .Sign({"GET",
                 "h",
                 "/",
                 "",
                 {{"x-amz-request-payer", "requester"}, {"x-amz-checksum-mode", "ENABLED"}}},
                kMay24)
          .value();
  EXPECT_NE(signature.authorization.find(
                "SignedHeaders=host;x-amz-checksum-mode;x-amz-content-sha256;x-amz-date;"
                "x-amz-request-payer;x-amz-security-token, "),
            std::string::npos);
}

}  // namespace
}  // namespace objectpipes
