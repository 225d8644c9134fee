// Binds ReadWindow: takes URLs and gives readers.
#pragma once

#include <pybind11/pybind11.h>

namespace objectpipes {

void BindWindow(const pybind11::module_& module);

}  // namespace objectpipes
