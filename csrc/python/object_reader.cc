#include "python/object_reader.h"

#include <pybind11/stl.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>
#include <optional>
#include <utility>

#include "python/failure.h"
#include "python/locked.h"
#include "python/text.h"

namespace py = pybind11;

namespace objectpipes {
namespace {

py::object ETagOf(const PyClient& client, const std::string& version) {
  const std::string_view etag = client.client()->transport->ETagOf(version);
  return etag.empty() ? py::object(py::none()) : TextOf(etag);
}

}  // namespace

ObjectReader::ObjectReader(std::shared_ptr<PyClient> client, py::object url, ReadResult result,
                           View view)
    : client_(std::move(client)),
      url_(std::move(url)),
      etag_(ETagOf(*client_, result.version)),
      whole_(std::move(result.buffer)),
      bytes_(client_->bytes_blocks()->Unwrap(&whole_)),
      view_(view),
      attempts_(result.attempts) {
  if (result.stream != nullptr) {
    size_ = result.stream->size();
    stream_ = new std::shared_ptr<Stream>(std::move(result.stream));
  } else {
    size_ = bytes_ ? static_cast<uint64_t>(PyBytes_GET_SIZE(bytes_.ptr())) : whole_.size();
  }
}

ObjectReader::ObjectReader(py::object url, py::object etag, Buffer whole, int attempts)
    : url_(std::move(url)),
      etag_(std::move(etag)),
      whole_(std::move(whole)),
      attempts_(attempts),
      size_(whole_.size()) {}

ObjectReader::~ObjectReader() { Close(); }

void ObjectReader::Close() {
  closed_ = true;
  if (stream_ == nullptr || !client_->in_its_process()) return;
  chunk_.reset();
  (*stream_)->Close();
  delete std::exchange(stream_, nullptr);
}

void ObjectReader::Detach() {
  if (pins_ > 0 || stream_ != nullptr || whole_.owner() == nullptr) return;
  char* const data = static_cast<char*>(std::malloc(whole_.size()));
  if (data == nullptr) throw std::bad_alloc();
  std::memcpy(data, whole_.data(), whole_.size());
  whole_ = Buffer(data, whole_.size(), whole_.size(), nullptr);
}

void ObjectReader::CheckOpen() const {
  if (closed_) throw py::value_error("I/O operation on closed file.");
}

std::shared_ptr<Chunk> ObjectReader::WaitForChunk(uint64_t position) {
  chunk_.reset();  // its memory may be what the next chunk comes in
  client_->client();
  const std::shared_ptr<Stream> stream = *stream_;  // close() may come while we wait
  std::shared_ptr<Chunk> chunk;
  Stream::Outcome outcome = Stream::Outcome::kNotYet;
  Status failure;
  client_->WaitFor(
      [&](int64_t max_wait_ms) {
        outcome = stream->Take(position, max_wait_ms, &chunk, &failure);
        return outcome != Stream::Outcome::kNotYet;
      },
      [this] { CheckOpen(); });
  CheckOpen();
  if (outcome != Stream::Outcome::kChunk) {
    if (failure.ok()) failure = Status(StatusCode::kInternal, "a read past the end");
    Raise(failure, url_);
  }
  return chunk;
}

ObjectReader::Piece ObjectReader::PieceAt(uint64_t position) {
  CheckOpen();
  if (stream_ == nullptr) {
    return {InMemory().substr(static_cast<size_t>(position)), nullptr};
  }
  std::shared_ptr<Chunk> chunk = chunk_;
  if (chunk == nullptr || position < chunk->begin || position >= chunk->end()) {
    chunk.reset();
    chunk = chunk_ = WaitForChunk(position);
  }
  const auto skipped = static_cast<size_t>(position - chunk->begin);
  return {{chunk->bytes.data() + skipped, chunk->bytes.size() - skipped}, std::move(chunk)};
}

void ObjectReader::CopyAt(uint64_t position, char* target, size_t size) {
  constexpr size_t kWorthReleasing = size_t{256} << 10;
  while (size > 0) {
    const Piece piece = PieceAt(position);
    const std::string_view bytes = piece.bytes.substr(0, size);
    if (bytes.size() >= kWorthReleasing) {
      const PinnedReader pinned(this);
      const py::gil_scoped_release release;
      std::memcpy(target, bytes.data(), bytes.size());
    } else {
      std::memcpy(target, bytes.data(), bytes.size());
    }
    target += bytes.size();
    position += bytes.size();
    size -= bytes.size();
  }
}

// Who asks for one object as bytes will do so for the next.
void ObjectReader::ExpectToBeAskedForAll() {
  if (std::exchange(asked_for_all_, true) || client_ == nullptr || !client_->in_its_process())
    return;
  client_->bytes_blocks()->OfferAnother(static_cast<size_t>(size_));
}

py::bytes ObjectReader::BytesAt(uint64_t position, uint64_t size) {
  if (stream_ == nullptr && size == size_) {
    ExpectToBeAskedForAll();
    if (bytes_) return py::reinterpret_borrow<py::bytes>(bytes_);
  }
  PyObject* bytes = PyBytes_FromStringAndSize(nullptr, static_cast<Py_ssize_t>(size));
  if (bytes == nullptr) throw py::error_already_set();
  auto result = py::reinterpret_steal<py::bytes>(bytes);
  PreferLargePages(PyBytes_AS_STRING(bytes), static_cast<size_t>(size));
  CopyAt(position, PyBytes_AS_STRING(bytes), static_cast<size_t>(size));
  return result;
}

py::bytes ObjectReader::Read(Size size) {
  CheckOpen();
  const uint64_t begin = position_;
  const uint64_t wanted =
      size.value_or(-1) < 0 ? Left() : std::min<uint64_t>(Left(), static_cast<uint64_t>(*size));
  py::bytes result = BytesAt(begin, wanted);
  position_ = begin + wanted;
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
  const uint64_t begin = position_;
  const auto wanted =
      static_cast<size_t>(std::min<uint64_t>(Left(), static_cast<uint64_t>(view.len)));
  CopyAt(begin, static_cast<char*>(view.buf), wanted);
  position_ = begin + wanted;
  return wanted;
}

py::bytes ObjectReader::ReadLine(Size limit) {
  CheckOpen();
  std::string line;
  uint64_t position = position_;
  uint64_t left = Left();
  if (limit.value_or(-1) >= 0) left = std::min<uint64_t>(left, static_cast<uint64_t>(*limit));
  while (left > 0) {
    const Piece piece = PieceAt(position);
    const std::string_view bytes = piece.bytes.substr(0, static_cast<size_t>(left));
    const size_t newline = bytes.find('\n');
    const size_t taken = newline == std::string_view::npos ? bytes.size() : newline + 1;
    position += taken;
    if (line.empty() && newline != std::string_view::npos) {
      position_ = position;
      return py::bytes(bytes.data(), taken);
    }
    line.append(bytes.substr(0, taken));
    if (newline != std::string_view::npos) break;
    left -= taken;
  }
  position_ = position;
  return py::bytes(line);
}

py::list ObjectReader::ReadLines(Size hint) {
  py::list lines;
  int64_t total = 0;
  while (hint.value_or(0) <= 0 || total < *hint) {
    const py::bytes line = ReadLine(std::nullopt);
    const auto length = static_cast<int64_t>(PyBytes_GET_SIZE(line.ptr()));
    if (length == 0) break;
    total += length;
    lines.append(line);
  }
  return lines;
}

py::bytes ObjectReader::NextLine() {
  py::bytes line = ReadLine(std::nullopt);
  if (PyBytes_GET_SIZE(line.ptr()) == 0) throw py::stop_iteration();
  return line;
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

uint64_t ObjectReader::Tell() const {
  CheckOpen();
  return position_;
}

py::bytes ObjectReader::GetValue() {
  CheckOpen();
  return BytesAt(0, size_);
}

std::string_view ObjectReader::Whole() {
  CheckOpen();
  if (stream_ != nullptr && view_ == View::kGather) {
    if (!gathered_) gathered_ = BytesAt(0, size_);
    return {PyBytes_AS_STRING(gathered_.ptr()), static_cast<size_t>(size_)};
  }
  if (stream_ != nullptr) {
    throw py::buffer_error(
        "this object is streamed and never in memory as a whole: read it in pieces, or give the "
        "loader a prefetch_bytes of at least four times its size");
  }
  return InMemory();
}

// Pickles as io.BytesIO at the same position: what a DataLoader worker sends to the main process.
py::tuple ObjectReader::Reduce(int /*protocol*/) {
  const uint64_t position = Tell();
  return py::make_tuple(py::module_::import("io").attr("BytesIO"), py::tuple(),
                        py::make_tuple(GetValue(), position, py::none()));
}

namespace {

// pybind11's own would say of every failure no more than "Error getting buffer".
int GetBuffer(PyObject* self, Py_buffer* view, int flags) {
  view->obj = nullptr;
  try {
    const py::scoped_critical_section section(self);
    auto& reader = py::handle(self).cast<ObjectReader&>();
    const std::string_view bytes = reader.Whole();
    const int failed =
        PyBuffer_FillInfo(view, self, const_cast<char*>(bytes.data()),
                          static_cast<Py_ssize_t>(bytes.size()), /*readonly=*/1, flags);
    if (failed == 0) reader.Pin();
    return failed;
  } catch (py::error_already_set& error) {
    error.restore();
  } catch (const py::builtin_exception& error) {
    error.set_error();
  }
  return -1;
}

void ReleaseBuffer(PyObject* self, Py_buffer* /*view*/) {
  const py::scoped_critical_section section(self);
  py::handle(self).cast<ObjectReader&>().Unpin();
}

void ExportBuffers(PyHeapTypeObject* type) {
  type->as_buffer.bf_getbuffer = &GetBuffer;
  type->as_buffer.bf_releasebuffer = &ReleaseBuffer;
  type->ht_type.tp_as_buffer = &type->as_buffer;
}

// As of any file, whether it can do something is no question to ask of a closed one.
auto Answer(bool answer) {
  return [answer](const py::object& self) {
    const py::scoped_critical_section section(self);
    self.cast<const ObjectReader&>().CheckOpen();
    return answer;
  };
}

py::object Itself(py::object self) {
  const py::scoped_critical_section section(self);
  self.cast<const ObjectReader&>().CheckOpen();
  return self;
}

void Refuse(const py::args& /*unused*/) {
  const py::object unsupported = py::module_::import("io").attr("UnsupportedOperation");
  py::set_error(unsupported, "an object in a store has no descriptor and cannot be written");
  throw py::error_already_set();
}

}  // namespace

void BindObjectReader(const py::module_& module) {
  using Self = ObjectReader;
  const py::arg_v no_size = py::arg("size") = py::none();
  py::class_<Self>(module, "ObjectReader", py::custom_type_setup(&ExportBuffers))
      .def("read", Locked(&Self::Read), no_size)
      .def("read1", Locked(&Self::Read), no_size)
      .def("readall", Locked(&Self::ReadAll))
      .def("readinto", Locked(&Self::ReadInto), py::arg("buffer"))
      .def("readinto1", Locked(&Self::ReadInto), py::arg("buffer"))
      .def("readline", Locked(&Self::ReadLine), no_size)
      .def("readlines", Locked(&Self::ReadLines), py::arg("hint") = py::none())
      .def("__iter__", &Itself)
      .def("__next__", Locked(&Self::NextLine))
      .def("seek", Locked(&Self::Seek), py::arg("offset"), py::arg("whence") = 0)
      .def("tell", Locked(&Self::Tell))
      .def("getbuffer", [](const py::object& self) { return py::memoryview(self); })
      .def("getvalue", Locked(&Self::GetValue))
      .def("close", Locked(&Self::Close))
      .def("fileno", &Refuse)
      .def("flush", [](Self&) {})
      .def("readable", Answer(true))
      .def("seekable", Answer(true))
      .def("writable", Answer(false))
      .def("isatty", Answer(false))
      .def("truncate", &Refuse)
      .def("write", &Refuse)
      .def("__enter__", &Itself)
      .def("__exit__", [](const py::object& self, const py::args&) { Locked (&Self::Close)(self); })
      .def("__reduce_ex__", Locked(&Self::Reduce))
      .def_property_readonly("closed", Locked(&Self::closed))
      .def_property_readonly("streamed", [](const Self& self) { return !self.in_memory(); })
      .def_property_readonly("size", &Self::size)
      .def_property_readonly("etag", &Self::etag)
      .def_property_readonly("attempts", &Self::attempts)
      .def_property_readonly("url", &Self::url);
}

}  // namespace objectpipes
