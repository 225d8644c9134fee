#include "python/object_reader.h"

#include <pybind11/stl.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

#include "python/failure.h"

namespace py = pybind11;

namespace objectpipes {

ObjectReader::ObjectReader(std::shared_ptr<PyClient> client, py::object url, ReadResult result)
    : client_(std::move(client)),
      url_(std::move(url)),
      whole_(std::move(result.buffer)),
      version_(std::move(result.version)),
      attempts_(result.attempts) {
  if (result.stream != nullptr) {
    size_ = result.stream->size();
    stream_ = new std::shared_ptr<Stream>(std::move(result.stream));
  } else {
    size_ = whole_.size();
  }
}

ObjectReader::~ObjectReader() { Close(); }

void ObjectReader::Close() {
  closed_ = true;
  if (stream_ == nullptr || !client_->in_its_process()) return;
  chunk_.reset();
  (*stream_)->Close();
  delete std::exchange(stream_, nullptr);
}

void ObjectReader::CheckOpen() const {
  if (closed_) throw py::value_error("I/O operation on closed file.");
}

std::string_view ObjectReader::PieceAt(uint64_t position) {
  if (stream_ == nullptr) return {whole_.data() + position, static_cast<size_t>(size_ - position)};
  if (chunk_ == nullptr || position < chunk_->begin || position >= chunk_->end()) {
    chunk_.reset();  // its memory may be what the next chunk comes in
    client_->client();
    Stream::Outcome outcome = Stream::Outcome::kNotYet;
    Status failure;
    client_->WaitFor([&](int64_t max_wait_ms) {
      outcome = (*stream_)->Take(position, max_wait_ms, &chunk_, &failure);
      return outcome != Stream::Outcome::kNotYet;
    });
    if (outcome != Stream::Outcome::kChunk) {
      if (failure.ok()) failure = Status(StatusCode::kInternal, "a read past the end");
      Raise(failure, url_);
    }
  }
  const size_t skipped = static_cast<size_t>(position - chunk_->begin);
  return {chunk_->bytes.data() + skipped, chunk_->bytes.size() - skipped};
}

void ObjectReader::CopyAt(uint64_t position, char* target, size_t size) {
  constexpr size_t kWorthReleasing = size_t{256} << 10;
  while (size > 0) {
    const std::string_view piece = PieceAt(position).substr(0, size);
    if (piece.size() >= kWorthReleasing) {
      const py::gil_scoped_release release;
      std::memcpy(target, piece.data(), piece.size());
    } else {
      std::memcpy(target, piece.data(), piece.size());
    }
    target += piece.size();
    position += piece.size();
    size -= piece.size();
  }
}

py::bytes ObjectReader::Read(int64_t size) {
  CheckOpen();
  const uint64_t left = position_ < size_ ? size_ - position_ : 0;
  const uint64_t wanted = size < 0 ? left : std::min<uint64_t>(left, static_cast<uint64_t>(size));
  PyObject* bytes = PyBytes_FromStringAndSize(nullptr, static_cast<Py_ssize_t>(wanted));
  if (bytes == nullptr) throw py::error_already_set();
  auto result = py::reinterpret_steal<py::bytes>(bytes);
  CopyAt(position_, PyBytes_AS_STRING(bytes), static_cast<size_t>(wanted));
  position_ += wanted;
  return result;
}

size_t ObjectReader::ReadInto(const py::buffer& target) {
  CheckOpen();
  Py_buffer view;
  if (PyObject_GetBuffer(target.ptr(), &view, PyBUF_WRITABLE | PyBUF_C_CONTIGUOUS) != 0) {
    throw py::error_already_set();
  }
  const auto release = [&view](void*) { PyBuffer_Release(&view); };
  const std::unique_ptr<void, decltype(release)> guard(&view, release);
  const uint64_t left = position_ < size_ ? size_ - position_ : 0;
  const auto wanted =
      static_cast<size_t>(std::min<uint64_t>(left, static_cast<uint64_t>(view.len)));
  CopyAt(position_, static_cast<char*>(view.buf), wanted);
  position_ += wanted;
  return wanted;
}

py::bytes ObjectReader::ReadLine(int64_t limit) {
  CheckOpen();
  std::string line;
  uint64_t left = position_ < size_ ? size_ - position_ : 0;
  if (limit >= 0) left = std::min<uint64_t>(left, static_cast<uint64_t>(limit));
  while (left > 0) {
    const std::string_view piece = PieceAt(position_).substr(0, static_cast<size_t>(left));
    const size_t newline = piece.find('\n');
    const size_t taken = newline == std::string_view::npos ? piece.size() : newline + 1;
    position_ += taken;
    if (line.empty() && newline != std::string_view::npos) return py::bytes(piece.data(), taken);
    line.append(piece.substr(0, taken));
    if (newline != std::string_view::npos) break;
    left -= taken;
  }
  return py::bytes(line);
}

uint64_t ObjectReader::Seek(int64_t offset, int whence) {
  CheckOpen();
  if (whence < 0 || whence > 2) {
    throw py::value_error("whence must be 0, 1 or 2, not " + std::to_string(whence));
  }
  const uint64_t base = whence == 0 ? 0 : whence == 1 ? position_ : size_;
  const int64_t target = static_cast<int64_t>(base) + offset;
  if (target < 0 && whence == 0) {
    throw py::value_error("negative seek value " + std::to_string(offset));
  }
  position_ = static_cast<uint64_t>(std::max<int64_t>(target, 0));  // as io.BytesIO does
  return position_;
}

uint64_t ObjectReader::Tell() {
  CheckOpen();
  return position_;
}

std::string_view ObjectReader::Whole() const {
  CheckOpen();
  if (stream_ != nullptr) {
    throw py::buffer_error(
        "this object is streamed and never in memory as a whole: read it in pieces, or give the "
        "loader a prefetch_bytes of at least four times its size");
  }
  return {whole_.data(), whole_.size()};
}

// Pickles as io.BytesIO at the same position: what a DataLoader worker sends to the main process.
py::tuple ObjectReader::Reduce() {
  CheckOpen();
  const uint64_t position = position_;
  position_ = 0;
  const py::bytes content = Read(-1);
  position_ = position;
  return py::make_tuple(py::module_::import("io").attr("BytesIO"), py::tuple(),
                        py::make_tuple(content, position, py::none()));
}

namespace {

// pybind11's own would say of every failure no more than "Error getting buffer".
int GetBuffer(PyObject* self, Py_buffer* view, int flags) {
  view->obj = nullptr;
  try {
    const std::string_view bytes = py::handle(self).cast<const ObjectReader&>().Whole();
    return PyBuffer_FillInfo(view, self, const_cast<char*>(bytes.data()),
                             static_cast<Py_ssize_t>(bytes.size()), /*readonly=*/1, flags);
  } catch (const py::builtin_exception& error) {
    error.set_error();
    return -1;
  }
}

void ExportBuffers(PyHeapTypeObject* type) {
  type->as_buffer.bf_getbuffer = &GetBuffer;
  type->ht_type.tp_as_buffer = &type->as_buffer;
}

// As of any file, whether it can do something is no question to ask of a closed one.
auto Answer(bool answer) {
  return [answer](const ObjectReader& self) {
    self.CheckOpen();
    return answer;
  };
}

py::object Itself(py::object self) {
  self.cast<const ObjectReader&>().CheckOpen();
  return self;
}

void Refuse(const py::args& /*unused*/) {
  const py::object unsupported = py::module_::import("io").attr("UnsupportedOperation");
  py::set_error(unsupported, "an object in a store has no descriptor and cannot be written");
  throw py::error_already_set();
}

}  // namespace

void BindObjectReader(py::module_& module) {
  using Lines = py::list;
  py::class_<ObjectReader>(module, "ObjectReader", py::custom_type_setup(&ExportBuffers))
      .def(
          "read",
          [](ObjectReader& self, std::optional<int64_t> size) {
            return self.Read(size.value_or(-1));
          },
          py::arg("size") = py::none())
      .def(
          "read1",
          [](ObjectReader& self, std::optional<int64_t> size) {
            return self.Read(size.value_or(-1));
          },
          py::arg("size") = py::none())
      .def("readall", [](ObjectReader& self) { return self.Read(-1); })
      .def("readinto", &ObjectReader::ReadInto, py::arg("buffer"))
      .def("readinto1", &ObjectReader::ReadInto, py::arg("buffer"))
      .def(
          "readline",
          [](ObjectReader& self, std::optional<int64_t> size) {
            return self.ReadLine(size.value_or(-1));
          },
          py::arg("size") = py::none())
      .def(
          "readlines",
          [](ObjectReader& self, std::optional<int64_t> hint) {
            Lines lines;
            int64_t total = 0;
            while (hint.value_or(0) <= 0 || total < *hint) {
              const py::bytes line = self.ReadLine(-1);
              const auto length = static_cast<int64_t>(PyBytes_GET_SIZE(line.ptr()));
              if (length == 0) break;
              total += length;
              lines.append(line);
            }
            return lines;
          },
          py::arg("hint") = py::none())
      .def("__iter__", &Itself)
      .def("__next__",
           [](ObjectReader& self) {
             py::bytes line = self.ReadLine(-1);
             if (PyBytes_GET_SIZE(line.ptr()) == 0) throw py::stop_iteration();
             return line;
           })
      .def("seek", &ObjectReader::Seek, py::arg("offset"), py::arg("whence") = 0)
      .def("tell", &ObjectReader::Tell)
      .def("getbuffer", [](py::object self) { return py::memoryview(self); })
      .def("getvalue",
           [](ObjectReader& self) {
             const uint64_t position = self.Tell();
             self.Seek(0, 0);
             py::bytes value = self.Read(-1);
             self.Seek(static_cast<int64_t>(position), 0);
             return value;
           })
      .def("close", &ObjectReader::Close)
      .def("fileno", &Refuse)
      .def("flush", [](ObjectReader&) {})
      .def("readable", Answer(true))
      .def("seekable", Answer(true))
      .def("writable", Answer(false))
      .def("isatty", Answer(false))
      .def("truncate", &Refuse)
      .def("write", &Refuse)
      .def("__enter__", &Itself)
      .def("__exit__", [](ObjectReader& self, const py::args&) { self.Close(); })
      .def("__reduce_ex__", [](ObjectReader& self, int) { return self.Reduce(); })
      .def_property_readonly("closed", &ObjectReader::closed)
      .def_property_readonly("size", &ObjectReader::size)
      .def_property_readonly("etag", &ObjectReader::etag)
      .def_property_readonly("attempts", &ObjectReader::attempts)
      .def_property_readonly("url", &ObjectReader::url);
}

}  // namespace objectpipes
