// Makes a Status a Python exception (objectpipes.errors.from_native).
#pragma once

#include <pybind11/pybind11.h>

#include <string_view>

#include "base/status.h"

namespace objectpipes {

// The exception object. `url` is what the user asked for; `endpoint` is the server, if the status
// does not say. Precondition: !status.ok().
pybind11::object ExceptionOf(const Status& status, pybind11::handle url,
                             std::string_view endpoint = {});

// Raises it.
[[noreturn]] void Raise(const Status& status, pybind11::handle url, std::string_view endpoint = {});

}  // namespace objectpipes
