// Converts between Python text and bytes. Keys should be UTF-8 but may be any bytes. Bytes that are
// not UTF-8 become surrogates (PEP 383), which convert back to the same bytes.
#pragma once

#include <pybind11/pybind11.h>

#include <string>
#include <string_view>

#include "base/result.h"

namespace objectpipes {

// From str or bytes; throws TypeError for anything else. kInvalidArgument for a str that no bytes
// become, such as "\ud800".
Result<std::string> Utf8Of(pybind11::handle text);

// The same; raises InvalidURLError for such a str.
std::string BytesOf(pybind11::handle text);

pybind11::str TextOf(std::string_view bytes);

// A name, for looking up attributes.
pybind11::str Interned(const char* name);

}  // namespace objectpipes
