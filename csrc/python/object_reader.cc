#include "python/object_reader.h"

#include <pybind11/stl.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

#include "python/bindings.h"
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

Buffer CopyOf(std::string_view bytes) {
  const size_t capacity = std::max<size_t>(bytes.size(), 1);
  char* const data = static_cast<char*>(std::malloc(capacity));
  if (data == nullptr) throw std::bad_alloc();
  std::copy(bytes.begin(), bytes.end(), data);
  return {data, bytes.size(), capacity, nullptr};
}

ObjectReader::ObjectReader(std::shared_ptr<PyClient> client, py::object url, ReadResult result,
                           View view)
    : client_(std::move(client)),
      url_(std::move(url)),
      etag_(ETagOf(*client_, result.version)),
      whole_(std::move(result.buffer)),
      bytes_(client_->bytes_blocks()->Unwrap(&whole_)),
      view_(view),
      attempts_(result.attempts) {
  if (result.stream) {
    size_ = result.stream.get()->size();
    stream_ = std::move(result.stream);
  } else {
    size_ = bytes_ ? static_cast<size_t>(PyBytes_GET_SIZE(bytes_.ptr())) : whole_.size();
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
  if (const auto stream = stream_.Release()) stream->Close();
}

void ObjectReader::Detach() {
  if (pins_ > 0 || stream_ || whole_.owner() == nullptr) return;
  whole_ = CopyOf({whole_.data(), whole_.size()});
}

void ObjectReader::CheckOpen() const {
  if (closed_) throw py::value_error("I/O operation on closed file.");
}

// Null at the end of the object.
std::shared_ptr<Chunk> ObjectReader::WaitForChunk(uint64_t position) {
  client_->client();
  const std::shared_ptr<Stream> stream = stream_.get();  // close() may come while we wait
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
  if (outcome == Stream::Outcome::kFailed) Raise(failure, url_, client_->endpoint());
  if (outcome == Stream::Outcome::kEnd) size_ = stream->size();
  return chunk;
}

ObjectReader::Piece ObjectReader::PieceAt(uint64_t position) {
  CheckOpen();
  if (!stream_) {
    return {InMemory().substr(static_cast<size_t>(position)), nullptr};
  }
  std::shared_ptr<Chunk> chunk = chunk_.lock();
  if (chunk == nullptr || position < chunk->begin || position >= chunk->end()) {
    chunk.reset();  // the next chunk may need its memory
    chunk = WaitForChunk(position);
    if (chunk == nullptr) return {};
    chunk_ = chunk;
  }
  const auto skipped = static_cast<size_t>(position - chunk->begin);
  return {{chunk->bytes.data() + skipped, chunk->bytes.size() - skipped}, std::move(chunk)};
}

size_t ObjectReader::CopyAt(uint64_t position, char* target, size_t size) {
  constexpr size_t kWorthReleasing = size_t{256} << 10;
  const size_t wanted = size;
  while (size > 0) {
    const Piece piece = PieceAt(position);
    const std::string_view bytes = piece.bytes.substr(0, size);
    if (bytes.empty()) break;
    const PinnedReader pinned(this);
    std::optional<py::gil_scoped_release> release;
    if (bytes.size() >= kWorthReleasing) release.emplace();
    std::memcpy(target, bytes.data(), bytes.size());
    target += bytes.size();
    position += bytes.size();
    size -= bytes.size();
  }
  return wanted - size;
}

// A caller who reads one object as bytes will do the same with the next.
void ObjectReader::ExpectToBeAskedForAll() {
  if (std::exchange(asked_for_all_, true) || client_ == nullptr || !client_->in_its_process())
    return;
  client_->bytes_blocks()->OfferAnother(static_cast<size_t>(*size_));
}

py::bytes ObjectReader::BytesAt(uint64_t position, uint64_t size) {
  if (!stream_ && size == size_) {
    ExpectToBeAskedForAll();
    if (bytes_) return py::reinterpret_borrow<py::bytes>(bytes_);
  }
  PyObject* bytes = PyBytes_FromStringAndSize(nullptr, static_cast<Py_ssize_t>(size));
  if (bytes == nullptr) {
    PyErr_Clear();
    py::set_error(PyExc_MemoryError, ("no memory for " + std::to_string(size) +
                                      " bytes of an object: read it in pieces")
                                         .c_str());
    throw py::error_already_set();
  }
  auto result = py::reinterpret_steal<py::bytes>(bytes);
  PreferLargePages(PyBytes_AS_STRING(bytes), static_cast<size_t>(size));
  CopyAt(position, PyBytes_AS_STRING(bytes), static_cast<size_t>(size));
  return result;
}

// For an object of unknown size: as many bytes as come.
py::bytes ObjectReader::BytesUpTo(uint64_t position, uint64_t limit) {
  constexpr size_t kMinCapacity = 64;  // Python may share shorter ones, whose size is fixed
  py::object result;
  size_t size = 0;
  size_t capacity = 0;
  const auto resize = [&result, &capacity](size_t bytes) {
    capacity = bytes;
    PyObject* moved = result.release().ptr();
    const auto length = static_cast<Py_ssize_t>(bytes);
    if (moved == nullptr)
      moved = PyBytes_FromStringAndSize(nullptr, length);
    else
      _PyBytes_Resize(&moved, length);
    if (moved == nullptr) throw py::error_already_set();
    result = py::reinterpret_steal<py::object>(moved);
  };
  while (size < limit) {
    const Piece piece = PieceAt(position + size);
    const auto taken = static_cast<size_t>(std::min<uint64_t>(piece.bytes.size(), limit - size));
    if (taken == 0) break;
    if (size + taken > capacity) resize(std::max({kMinCapacity, size + taken, size + size / 2}));
    std::memcpy(PyBytes_AS_STRING(result.ptr()) + size, piece.bytes.data(), taken);
    size += taken;
  }
  if (size == 0) return {};
  if (size < capacity) resize(size);
  return py::reinterpret_steal<py::bytes>(result.release());
}

py::bytes ObjectReader::Read(Size size) {
  CheckOpen();
  const uint64_t begin = position_;
  const uint64_t wanted =
      size.value_or(-1) < 0 ? Left() : std::min<uint64_t>(Left(), static_cast<uint64_t>(*size));
  py::bytes result = size_.has_value() ? BytesAt(begin, wanted) : BytesUpTo(begin, wanted);
  position_ = begin + static_cast<uint64_t>(PyBytes_GET_SIZE(result.ptr()));
  return result;
}

size_t ObjectReader::ReadInto(const py::buffer& target) {
  CheckOpen();
  Py_buffer view;
  if (PyObject_GetBuffer(target.ptr(), &view, PyBUF_WRITABLE | PyBUF_C_CONTIGUOUS) != 0) {
    PyErr_Clear();  // a BufferError: io.BytesIO raises a TypeError
    throw py::type_error("readinto() needs a writable, contiguous buffer, such as a bytearray");
  }
  const auto release = [&view](void*) { PyBuffer_Release(&view); };
  const std::unique_ptr<void, decltype(release)> guard(&view, release);
  const uint64_t begin = position_;
  const auto wanted =
      static_cast<size_t>(std::min<uint64_t>(Left(), static_cast<uint64_t>(view.len)));
  const size_t copied = CopyAt(begin, static_cast<char*>(view.buf), wanted);
  position_ = begin + copied;
  return copied;
}

py::bytes ObjectReader::ReadLine(Size limit) {
  CheckOpen();
  std::string line;
  uint64_t position = position_;
  uint64_t left = Left();
  if (limit.value_or(-1) >= 0) left = std::min<uint64_t>(left, static_cast<uint64_t>(*limit));
  while (left > 0) {
    const Piece piece = PieceAt(position);
    const std::string_view bytes =
        piece.bytes.substr(0, static_cast<size_t>(std::min<uint64_t>(left, piece.bytes.size())));
    if (bytes.empty()) break;
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

// An int that is too large is an OverflowError, as everywhere in Python.
uint64_t ObjectReader::SeekAsInPython(const py::object& offset, int whence) {
  const int64_t fitting = PyLong_AsLongLong(offset.ptr());
  if (fitting == -1 && PyErr_Occurred() != nullptr) throw py::error_already_set();
  return Seek(fitting, whence);
}

uint64_t ObjectReader::Seek(int64_t offset, int whence) {
  CheckOpen();
  if (whence < 0 || whence > 2) {
    throw py::value_error("whence must be 0, 1 or 2, not " + std::to_string(whence));
  }
  const uint64_t base = whence == 0 ? 0 : whence == 1 ? position_ : FindSize();
  if (offset > 0 && base > static_cast<uint64_t>(std::numeric_limits<int64_t>::max() - offset)) {
    py::set_error(PyExc_OverflowError, "new position too large");
    throw py::error_already_set();
  }
  const int64_t target = static_cast<int64_t>(base) + offset;
  if (target < 0 && whence == 0) {
    throw py::value_error("negative seek value " + std::to_string(offset));
  }
  position_ = static_cast<uint64_t>(std::max<int64_t>(target, 0));  // like io.BytesIO
  return position_;
}

// Reads to the end of the object if the server did not tell its size.
uint64_t ObjectReader::FindSize() {
  uint64_t position = position_;
  while (!size_.has_value()) position += PieceAt(position).bytes.size();
  return *size_;
}

uint64_t ObjectReader::Tell() const {
  CheckOpen();
  return position_;
}

py::bytes ObjectReader::GetValue() {
  CheckOpen();
  return size_.has_value() ? BytesAt(0, *size_) : BytesUpTo(0, Left());
}

std::string_view ObjectReader::Whole() {
  CheckOpen();
  if (stream_ && view_ == View::kGather) {
    if (!gathered_) gathered_ = GetValue();
    return {PyBytes_AS_STRING(gathered_.ptr()),
            static_cast<size_t>(PyBytes_GET_SIZE(gathered_.ptr()))};
  }
  if (stream_) {
    throw py::buffer_error(
        "this object is streamed, so memory never holds all of it: read it in pieces, or give the "
        "loader a prefetch_bytes= of at least four times its size");
  }
  return InMemory();
}

// Pickles as an io.BytesIO at the same position, as when a DataLoader worker sends it to the main
// process.
py::tuple ObjectReader::Reduce(int /*protocol*/) {
  const uint64_t position = Tell();
  return py::make_tuple(py::module_::import("io").attr("BytesIO"), py::tuple(),
                        py::make_tuple(GetValue(), position, py::none()));
}

namespace {

// pybind11's own function would say only "Error getting buffer", whatever failed.
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

// As with any file, readable() and the like raise an error if the file is closed.
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

// An attribute that exists only if it works: libraries check for it (hashlib.file_digest).
py::object GetBufferOf(const py::object& self) {
  const py::scoped_critical_section section(self);
  if (!self.cast<const ObjectReader&>().has_buffer()) {
    throw py::attribute_error("a streamed object has no buffer");
  }
  return py::module_::import("functools")
      .attr("partial")(py::module_::import("builtins").attr("memoryview"), self);
}

void Refuse(const py::args& /*unused*/) {
  const py::object unsupported = py::module_::import("io").attr("UnsupportedOperation");
  py::set_error(unsupported, "an object in a store is read-only and has no file descriptor");
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
      .def("seek", Locked(&Self::SeekAsInPython), py::arg("offset"), py::arg("whence") = 0)
      .def("tell", Locked(&Self::Tell))
      .def_property_readonly("getbuffer", &GetBufferOf)
      .def("getvalue", Locked(&Self::GetValue))
      .def("close", Locked(&Self::Close))
      .def("fileno", &Refuse)
      .def("flush", Locked(&Self::CheckOpen))
      .def("readable", Answer(true))
      .def("seekable", Answer(true))
      .def("writable", Answer(false))
      .def("isatty", Answer(false))
      .def("truncate", &Refuse)
      .def("write", &Refuse)
      .def("writelines", &Refuse)
      .def("detach", &Refuse)
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
