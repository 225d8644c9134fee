// What of the extension module is about S3 alone: in s3.cc, or in without_s3.cc if BUILD_S3 is OFF.
#pragma once

#include <pybind11/pybind11.h>

namespace objectpipes {

void BindS3(pybind11::module_& module);

}  // namespace objectpipes
