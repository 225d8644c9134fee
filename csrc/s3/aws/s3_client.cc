#include "s3/aws/s3_client.h"

#include <aws/core/VersionConfig.h>
#include <aws/core/auth/AWSCredentialsProvider.h>
#include <aws/core/client/DefaultRetryStrategy.h>
#include <aws/s3/S3ClientConfiguration.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/uri.h"
#include "s3/endpoint.h"

namespace objectpipes {
namespace {

constexpr char kTag[] = "objectpipes";
constexpr std::string_view kRegionPlaceholder = "{region}";

// More than the engine ever uses: the engine's limits apply, not the SDK's.
constexpr unsigned kMaxConnections = 4096;

class CurrentCredentials final : public Aws::Auth::AWSCredentialsProvider {
 public:
  explicit CurrentCredentials(std::shared_ptr<CredentialStore> store) : store_(std::move(store)) {}

  Aws::Auth::AWSCredentials GetAWSCredentials() override {
    const Credentials current = store_->Get().first;
    return Aws::Auth::AWSCredentials(current.access_key, current.secret_key, current.session_token);
  }

 private:
  const std::shared_ptr<CredentialStore> store_;
};

bool Contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

// The name of the host shows which variant of AWS's endpoints it is.
void SetEndpoint(const S3Options& options, Aws::S3::S3ClientConfiguration* config) {
  if (SdkFindsEndpoint(options)) {
    config->useFIPS = Contains(options.endpoint_url, "-fips.");
    config->useDualStack = Contains(options.endpoint_url, ".dualstack.");
  } else {
    config->endpointOverride = options.endpoint_url;
  }
  config->scheme = options.endpoint_url.compare(0, 8, "https://") == 0 ? Aws::Http::Scheme::HTTPS
                                                                       : Aws::Http::Scheme::HTTP;
  config->useVirtualAddressing = options.addressing == Addressing::kVirtual;
}

struct Proxy {
  Endpoint endpoint;
  std::string user;
  std::string password;

  uint16_t port() const {
    if (endpoint.port != 0) return endpoint.port;
    return endpoint.scheme == "https" ? 443 : 80;
  }
};

// "[http[s]://][user[:password]@]host[:port]"
Result<Proxy> ParseProxy(std::string_view url) {
  Proxy proxy;
  const size_t colon = url.find("://");
  const std::string scheme(colon == std::string_view::npos ? "http" : url.substr(0, colon));
  if (colon != std::string_view::npos) url.remove_prefix(colon + 3);
  if (const size_t at = url.rfind('@'); at != std::string_view::npos) {
    const std::string_view user = url.substr(0, std::min(at, url.find(':')));
    const size_t password = std::min(at, user.size() + 1);
    if (!AppendUriDecoded(user, Plus::kLiteral, &proxy.user) ||
        !AppendUriDecoded(url.substr(password, at - password), Plus::kLiteral, &proxy.password)) {
      return Status(StatusCode::kConfig, "the proxy's user or password is malformed");
    }
    url.remove_prefix(at + 1);
  }
  Result<Endpoint> endpoint = ParseEndpoint(scheme + "://" + std::string(url), Addressing::kPath);
  if (!endpoint.ok()) return endpoint.status();
  proxy.endpoint = std::move(endpoint).value();
  return proxy;
}

void SetProxy(const Proxy& proxy, const HttpOptions& http, Aws::S3::S3ClientConfiguration* config) {
  const bool encrypted = proxy.endpoint.scheme == "https";
  config->proxyScheme = encrypted ? Aws::Http::Scheme::HTTPS : Aws::Http::Scheme::HTTP;
  config->proxyHost = proxy.endpoint.host;
  config->proxyPort = proxy.port();
  config->proxyUserName = proxy.user;
  config->proxyPassword = proxy.password;
  config->proxyCaFile = http.tls.ca_file;
  config->proxyCaPath = http.tls.ca_path;
}

void SetHttp(const HttpOptions& http, Aws::S3::S3ClientConfiguration* config) {
  config->caFile = http.tls.ca_file;
  config->caPath = http.tls.ca_path;
  config->verifySSL = http.tls.verify;
  config->userAgent = http.user_agent;
  // If the SDK followed redirects, it would mix the headers and bodies of two replies.
  config->followRedirects = Aws::Client::FollowRedirectsPolicy::NEVER;
  config->version = Aws::Http::Version::HTTP_VERSION_1_1;
  config->connectTimeoutMs = static_cast<long>(http.connect_timeout_ms);
  config->requestTimeoutMs = static_cast<long>(http.stall_timeout_ms);  // see stall_watch.h
  config->httpRequestTimeoutMs = 0;                                     // of a whole request
  config->maxConnections = kMaxConnections;
  if (!http.proxy.empty()) SetProxy(ParseProxy(http.proxy).value(), http, config);
}

}  // namespace

bool SdkFindsEndpoint(const S3Options& options) {
  return Contains(options.endpoint_url, kRegionPlaceholder);
}

std::string ProxyOf(const S3Options& options) {
  if (options.http.proxy.empty()) return {};
  const Proxy proxy = ParseProxy(options.http.proxy).value();
  return proxy.endpoint.host + ":" + std::to_string(proxy.port());
}

Status CheckAwsOptions(const S3Options& options) {
  if (!options.http.tls.client_cert.empty()) {
    return Status(StatusCode::kNotSupported,
                  "aws-sdk-cpp cannot present a client certificate; transport=\"http\" can");
  }
  if (!options.http.proxy.empty()) {
    OBJECTPIPES_RETURN_IF_ERROR(ParseProxy(options.http.proxy).status());
  }
  return Status::Ok();
}

std::shared_ptr<Aws::S3::S3Client> MakeS3Client(const S3Options& options, const std::string& region,
                                                std::shared_ptr<CredentialStore> credentials) {
  Aws::Client::ClientConfigurationInitValues init;
  init.shouldDisableIMDS = true;  // region and credentials are given
  Aws::S3::S3ClientConfiguration config(init);
  config.region = region;
  SetEndpoint(options, &config);
  SetHttp(options.http, &config);
  // The engine retries and compares checksums.
  config.retryStrategy = Aws::MakeShared<Aws::Client::DefaultRetryStrategy>(kTag, 0);
#if AWS_SDK_VERSION_MINOR > 11 || AWS_SDK_VERSION_PATCH >= 486
  config.checksumConfig.responseChecksumValidation =
      Aws::Client::ResponseChecksumValidation::WHEN_REQUIRED;
#endif
  return Aws::MakeShared<Aws::S3::S3Client>(
      kTag, Aws::MakeShared<CurrentCredentials>(kTag, std::move(credentials)), nullptr, config);
}

}  // namespace objectpipes
