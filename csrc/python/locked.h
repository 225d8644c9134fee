// One thread at a time in a native object, with and without a GIL.
#pragma once

#include <pybind11/critical_section.h>
#include <pybind11/pybind11.h>

#include <utility>

namespace objectpipes {

// Wraps a method for Python: it runs inside the critical section of its object. Python releases
// that wherever it would release a GIL, while it waits and while other Python code runs. So it
// cannot deadlock. But afterwards another thread may have closed or used the object.
template <typename Self, typename Return, typename... Args>
auto Locked(Return (Self::*method)(Args...)) {
  return [method](const pybind11::object& self, Args... args) -> Return {
    const pybind11::scoped_critical_section section(self);
    return (self.cast<Self&>().*method)(std::forward<Args>(args)...);
  };
}

template <typename Self, typename Return, typename... Args>
auto Locked(Return (Self::*method)(Args...) const) {
  return [method](const pybind11::object& self, Args... args) -> Return {
    const pybind11::scoped_critical_section section(self);
    return (self.cast<const Self&>().*method)(std::forward<Args>(args)...);
  };
}

}  // namespace objectpipes
