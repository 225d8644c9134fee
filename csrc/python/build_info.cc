#include <ares.h>
#include <openssl/crypto.h>
#include <xxhash.h>

#include <initializer_list>
#include <nlohmann/json.hpp>
#include <string>

#include "base/crc_fold.h"
#include "python/bindings.h"

#if OBJECTPIPES_BUILD_S3
#include <pugixml.hpp>
#endif
#if OBJECTPIPES_USE_SYSTEM_AWS_SDK_CPP
#include "s3/aws/sdk.h"
#endif

namespace py = pybind11;

namespace objectpipes {
namespace {

std::string Version(std::initializer_list<int> numbers) {
  std::string version;
  for (const int number : numbers) {
    if (!version.empty()) version += '.';
    version += std::to_string(number);
  }
  return version;
}

}  // namespace

py::dict BuildInfo() {
  py::dict info;
  info["version"] = OBJECTPIPES_VERSION;
  info["compiler"] = OBJECTPIPES_COMPILER;
  info["build_type"] = OBJECTPIPES_BUILD_TYPE;
  info["build_s3"] = OBJECTPIPES_BUILD_S3 != 0;
  info["use_system_pybind11"] = OBJECTPIPES_USE_SYSTEM_PYBIND11 != 0;
  info["use_system_aws_sdk_cpp"] = OBJECTPIPES_USE_SYSTEM_AWS_SDK_CPP != 0;
  info["pybind11"] = Version({PYBIND11_VERSION_MAJOR, PYBIND11_VERSION_MINOR});
  info["c_ares"] = ares_version(nullptr);
  info["openssl"] = OpenSSL_version(OPENSSL_VERSION);
  info["xxhash"] = Version({XXH_VERSION_MAJOR, XXH_VERSION_MINOR, XXH_VERSION_RELEASE});
  info["nlohmann_json"] = Version(
      {NLOHMANN_JSON_VERSION_MAJOR, NLOHMANN_JSON_VERSION_MINOR, NLOHMANN_JSON_VERSION_PATCH});
  info["crc"] = DetectFolding() ? "instructions" : "tables";
  info["pugixml"] = "";
  info["aws_sdk_cpp"] = "";
  py::list transports;
#if OBJECTPIPES_BUILD_S3
  info["pugixml"] = Version({PUGIXML_VERSION / 1000, PUGIXML_VERSION % 1000 / 10});
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
