// Python text as bytes and back. Keys are UTF-8 by rule and any bytes in practice: what is not
// UTF-8 travels as surrogates (PEP 383) and comes back as the same bytes.
#pragma once

#include <pybind11/pybind11.h>

#include <string>
#include <string_view>

namespace objectpipes {

// From str or bytes; throws TypeError for anything else.
std::string BytesOf(pybind11::handle text);

pybind11::str TextOf(std::string_view bytes);

// A name, for looking up attributes.
pybind11::str Interned(const char* name);

}  // namespace objectpipes
