#include "python/build_info.h"

#include <curl/curl.h>
#include <openssl/crypto.h>

#if OBJECTPIPES_BUILD_S3
#include <pugixml.hpp>
#endif
#if OBJECTPIPES_USE_SYSTEM_AWS_SDK_CPP
#include "transport/aws/sdk.h"
#endif

namespace py = pybind11;

namespace objectpipes {

py::dict BuildInfo() {
  py::dict info;
  info["version"] = OBJECTPIPES_VERSION;
  info["compiler"] = OBJECTPIPES_COMPILER;
  info["build_type"] = OBJECTPIPES_BUILD_TYPE;
  info["build_s3"] = static_cast<bool>(OBJECTPIPES_BUILD_S3);
  info["use_system_pybind11"] = static_cast<bool>(OBJECTPIPES_USE_SYSTEM_PYBIND11);
  info["use_system_aws_sdk_cpp"] = static_cast<bool>(OBJECTPIPES_USE_SYSTEM_AWS_SDK_CPP);
  info["pybind11"] =
      std::to_string(PYBIND11_VERSION_MAJOR) + "." + std::to_string(PYBIND11_VERSION_MINOR);
  const curl_version_info_data* curl = curl_version_info(CURLVERSION_NOW);
  info["curl"] = curl->version;
  info["curl_tls"] = curl->ssl_version == nullptr ? "" : curl->ssl_version;
  info["openssl"] = OpenSSL_version(OPENSSL_VERSION);
  info["pugixml"] = "";
  info["aws_sdk_cpp"] = "";
  py::list transports;
#if OBJECTPIPES_BUILD_S3
  info["pugixml"] =
      std::to_string(PUGIXML_VERSION / 1000) + "." + std::to_string(PUGIXML_VERSION % 1000 / 10);
  transports.append("http");
#endif
#if OBJECTPIPES_USE_SYSTEM_AWS_SDK_CPP
  info["aws_sdk_cpp"] = AwsSdkVersion();
  transports.append("aws");
#endif
  info["transports"] = transports;
  return info;
}

}  // namespace objectpipes
