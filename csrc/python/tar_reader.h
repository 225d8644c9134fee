// Binds TarReader: the members of an archive, one after the other, as files.
#pragma once

#include <pybind11/pybind11.h>

namespace objectpipes {

void BindTarReader(const pybind11::module_& module);

}  // namespace objectpipes
