// What each file adds to the extension module; module.cc calls all of it.
#pragma once

#include <pybind11/pybind11.h>

namespace objectpipes {

void BindClient(pybind11::module_& module);  // and ais_client()
void BindHandOver(pybind11::module_& module);
void BindListing(const pybind11::module_& module);
void BindObjectReader(const pybind11::module_& module);
void BindS3(pybind11::module_& module);  // s3.cc, or without_s3.cc if BUILD_S3 is OFF
void BindTarReader(const pybind11::module_& module);
void BindWindow(const pybind11::module_& module);

// What this extension was built with.
pybind11::dict BuildInfo();

}  // namespace objectpipes
