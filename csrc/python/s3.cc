#include <string>
#include <type_traits>
#include <utility>

#include "python/bindings.h"
#include "python/failure.h"
#include "python/py_client.h"
#include "python/text.h"
#include "s3/s3_transport.h"
#include "s3/url.h"
#if OBJECTPIPES_USE_SYSTEM_AWS_SDK_CPP
#include "s3/aws/aws_transport.h"
#endif

namespace py = pybind11;

namespace objectpipes {
namespace {

Result<std::unique_ptr<Transport>> MakeS3Transport(const std::string& name, EventLoop* loop,
                                                   S3Options options,
                                                   std::shared_ptr<CredentialStore> credentials) {
  if (name == "http") {
    return S3Transport::Create(&loop->http(), std::move(options), std::move(credentials));
  }
#if OBJECTPIPES_USE_SYSTEM_AWS_SDK_CPP
  if (name == "aws") return AwsTransport::Create(loop, std::move(options), std::move(credentials));
#endif
  return Status(StatusCode::kNotSupported,
                "this build does not have the transport \"" + name +
                    "\"; objectpipes.build_info() lists those that it has");
}

std::shared_ptr<PyClient> MakeS3Client(const py::dict& options, py::function provider) {
  S3Options s3;
  s3.ForEach([&](const char* name, auto* value) {
    *value = options[name].cast<std::decay_t<decltype(*value)>>();
  });
  const bool is_virtual = options["addressing_style"].cast<std::string>() == "virtual";
  s3.addressing = is_virtual ? Addressing::kVirtual : Addressing::kPath;
  if (options["list_version"].cast<int>() == 1) s3.list_version = ListVersion::kV1;
  s3.http = HttpOptionsFrom(options);

  Engine* engine = Engine::OfThisProcess();
  auto credentials = std::make_shared<CredentialStore>();
  auto transport = MakeS3Transport(options["transport"].cast<std::string>(), engine->loop(),
                                   std::move(s3), credentials);
  if (!transport.ok()) Raise(transport.status(), options["endpoint_url"]);
  return MakeClient(engine, std::move(transport).value(), std::move(credentials), options,
                    std::move(provider));
}

py::tuple ParseS3(const py::object& url) {
  const Result<ObjectPath> path = ParseS3Url(BytesOf(url));
  if (!path.ok()) Raise(path.status(), url);
  const std::string root = "s3://" + path.value().bucket + "/";
  return py::make_tuple(TextOf(path.value().bucket), TextOf(path.value().key), TextOf(root));
}

}  // namespace

void BindS3(py::module_& module) {
  module.def("s3_client", &MakeS3Client, py::arg("options"), py::arg("credentials"));
  module.def("parse_s3_url", &ParseS3, py::arg("url"));
}

}  // namespace objectpipes
