// The part of the extension module that is about S3: s3.cc, or without_s3.cc if BUILD_S3 is OFF.
#pragma once

#include <pybind11/pybind11.h>

namespace objectpipes {

void BindS3(pybind11::module_& module);

}  // namespace objectpipes
