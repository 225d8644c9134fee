// The lister's side of a Listing: pages of URLs that carry what the listing said.
#pragma once

#include <pybind11/pybind11.h>

namespace objectpipes {

void BindListing(const pybind11::module_& module);

}  // namespace objectpipes
