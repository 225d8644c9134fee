// Moves objects from a worker of a DataLoader to its main process through shared memory.
#pragma once

#include <pybind11/pybind11.h>

namespace objectpipes {

void BindHandOver(pybind11::module_& module);

}  // namespace objectpipes
