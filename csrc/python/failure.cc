#include "python/failure.h"

#include "python/text.h"

namespace py = pybind11;

namespace objectpipes {
namespace {

const char* KindOf(StatusCode code) {
  switch (code) {
    case StatusCode::kOk:
      break;
    case StatusCode::kInvalidArgument:
      return "invalid_argument";
    case StatusCode::kConfig:
      return "config";
    case StatusCode::kObjectNotFound:
      return "object_not_found";
    case StatusCode::kBucketNotFound:
      return "bucket_not_found";
    case StatusCode::kAccessDenied:
      return "access_denied";
    case StatusCode::kInvalidCredentials:
      return "invalid_credentials";
    case StatusCode::kExpiredCredentials:
      return "expired_credentials";
    case StatusCode::kWrongRegion:
      return "wrong_region";
    case StatusCode::kClockSkew:
      return "clock_skew";
    case StatusCode::kThrottled:
      return "throttled";
    case StatusCode::kServer:
      return "server";
    case StatusCode::kEndpoint:
      return "endpoint";
    case StatusCode::kTls:
      return "tls";
    case StatusCode::kTimeout:
      return "timeout";
    case StatusCode::kProtocol:
      return "protocol";
    case StatusCode::kObjectChanged:
      return "object_changed";
    case StatusCode::kIntegrity:
      return "integrity";
    case StatusCode::kCancelled:
      return "cancelled";
    case StatusCode::kNotSupported:
      return "not_supported";
    case StatusCode::kInternal:
      break;
  }
  return "internal";
}

}  // namespace

py::object ExceptionOf(const Status& status, py::handle url, std::string_view endpoint) {
  const StatusDetail& detail = status.detail();
  if (!detail.endpoint.empty()) endpoint = detail.endpoint;
  return py::module_::import("objectpipes.errors")
      .attr("from_native")(
          KindOf(status.code()), TextOf(status.message()), py::arg("url") = url,
          py::arg("endpoint") = TextOf(endpoint), py::arg("status") = detail.http_status,
          py::arg("code") = TextOf(detail.code), py::arg("request_id") = TextOf(detail.request_id),
          py::arg("attempts") = detail.attempts);
}

void Raise(const Status& status, py::handle url, std::string_view endpoint) {
  const py::object exception = ExceptionOf(status, url, endpoint);
  PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(exception.ptr())), exception.ptr());
  throw py::error_already_set();
}

}  // namespace objectpipes
