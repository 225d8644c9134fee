#include "python/bindings.h"
#include "python/failure.h"

namespace py = pybind11;

namespace objectpipes {
namespace {

void Refuse(const py::args&) {
  Raise(Status(StatusCode::kNotSupported, "this build has no S3 (BUILD_S3=OFF)"), py::none());
}

}  // namespace

void BindS3(py::module_& module) {
  module.def("s3_client", &Refuse);
  module.def("parse_s3_url", &Refuse);
}

}  // namespace objectpipes
