// What this extension was built with.
#pragma once

#include <pybind11/pybind11.h>

namespace objectpipes {

pybind11::dict BuildInfo();

}  // namespace objectpipes
