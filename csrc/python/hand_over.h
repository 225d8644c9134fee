// Objects on their way from a worker of a DataLoader to its main process, without pipes.
#pragma once

#include <pybind11/pybind11.h>

namespace objectpipes {

void BindHandOver(pybind11::module_& module);

}  // namespace objectpipes
