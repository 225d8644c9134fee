// One thread at a time in a native object, with and without a GIL.
#pragma once

#include <pybind11/critical_section.h>
#include <pybind11/pybind11.h>

#include <utility>

namespace objectpipes {

// The method as Python is to call it: inside the critical section of its object. That is let go of
// wherever a GIL would be, while waiting and while other Python code runs, so it cannot deadlock;
// and after that the object may have been closed, or moved on, by another thread.
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
