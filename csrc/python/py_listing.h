// Binds Listing: pages of URLs with the facts that the listing gave.
#pragma once

#include <pybind11/pybind11.h>

namespace objectpipes {

void BindListing(const pybind11::module_& module);

}  // namespace objectpipes
