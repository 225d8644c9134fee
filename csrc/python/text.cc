#include "python/text.h"

#include <utility>

#include "python/failure.h"

namespace py = pybind11;

namespace objectpipes {

Result<std::string> Utf8Of(py::handle text) {
  if (PyBytes_Check(text.ptr())) {
    return std::string(PyBytes_AS_STRING(text.ptr()),
                       static_cast<size_t>(PyBytes_GET_SIZE(text.ptr())));
  }
  if (!PyUnicode_Check(text.ptr())) {
    throw py::type_error("a URL must be str or bytes, not " +
                         std::string(Py_TYPE(text.ptr())->tp_name));
  }
  Py_ssize_t size = 0;
  if (const char* utf8 = PyUnicode_AsUTF8AndSize(text.ptr(), &size)) {
    return std::string(utf8, static_cast<size_t>(size));
  }
  PyErr_Clear();
  const auto encoded = py::reinterpret_steal<py::bytes>(
      PyUnicode_AsEncodedString(text.ptr(), "utf-8", "surrogateescape"));
  if (encoded) return std::string(encoded);
  PyErr_Clear();
  return Status(StatusCode::kInvalidArgument,
                "a text has an unpaired surrogate, which is not a character");
}

std::string BytesOf(py::handle text) {
  Result<std::string> bytes = Utf8Of(text);
  if (!bytes.ok()) Raise(bytes.status(), text);
  return std::move(bytes).value();
}

py::str TextOf(std::string_view bytes) {
  PyObject* text =
      PyUnicode_DecodeUTF8(bytes.data(), static_cast<Py_ssize_t>(bytes.size()), "surrogateescape");
  if (text == nullptr) throw py::error_already_set();
  return py::reinterpret_steal<py::str>(text);
}

py::str Interned(const char* name) {
  return py::reinterpret_steal<py::str>(PyUnicode_InternFromString(name));
}

}  // namespace objectpipes
