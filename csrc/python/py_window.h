// The loader's side of a ReadWindow: URLs in, readers out.
#pragma once

#include <pybind11/pybind11.h>

namespace objectpipes {

void BindWindow(const pybind11::module_& module);

}  // namespace objectpipes
