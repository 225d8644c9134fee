#include "s3/aws/s3_client.h"

#include <gtest/gtest.h>

#include "s3/aws/sdk.h"

namespace objectpipes {
namespace {

S3Options WithProxy(const char* proxy) {
  S3Options options;
  options.endpoint_url = "http://127.0.0.1:9000";
  options.http.proxy = proxy;
  return options;
}

TEST(CheckAwsOptions, TakesTheProxiesOfAnEnvironment) {
  for (const char* proxy : {"", "http://proxy:3128", "proxy:3128", "http://user:p%40ss@proxy",
                            "https://proxy/", "http://user@[::1]:3128"}) {
    EXPECT_TRUE(CheckAwsOptions(WithProxy(proxy)).ok()) << proxy;
  }
}

TEST(CheckAwsOptions, RefusesAProxyThatIsNone) {
  for (const char* proxy :
       {"socks5://proxy:1080", "http://", "http://proxy:port", "http://user:%zz@proxy"}) {
    EXPECT_EQ(CheckAwsOptions(WithProxy(proxy)).code(), StatusCode::kConfig) << proxy;
  }
}

TEST(CheckAwsOptions, RefusesAClientCertificate) {
  S3Options options = WithProxy("");
  options.http.tls.client_cert = "cert.pem";
  EXPECT_EQ(CheckAwsOptions(options).code(), StatusCode::kNotSupported);
}

TEST(MakeS3Client, MakesAClientWithoutAnyNetwork) {
  ASSERT_TRUE(StartAwsSdk().ok());
  S3Options options = WithProxy("http://user:password@proxy");
  options.endpoint_url = "https://s3.{region}.amazonaws.com";
  EXPECT_NE(MakeS3Client(options, "eu-west-1", std::make_shared<CredentialStore>()), nullptr);
}

}  // namespace
}  // namespace objectpipes
