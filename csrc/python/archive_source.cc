#include "python/archive_source.h"

#include <pybind11/critical_section.h>

#include <algorithm>
#include <utility>

#include "python/object_reader.h"

namespace py = pybind11;

namespace objectpipes {
namespace {

// Large enough that the cost of calls does not matter, small enough for a processor's cache.
constexpr py::ssize_t kReadBytes = 256 << 10;

class Holder final : public BufferOwner {
 public:
  Holder(py::object object, std::shared_ptr<const void> memory)
      : object_(std::move(object)), memory_(std::move(memory)) {}

 private:
  void Release(char* /*data*/, size_t /*capacity*/) override {}

  const py::object object_;
  const std::shared_ptr<const void> memory_;
};

std::shared_ptr<BufferOwner> Hold(py::object object) {
  return std::make_shared<Holder>(std::move(object), nullptr);
}

// A memoryview keeps bytes in place, whatever happens to their object.
class Memory final : public ArchiveSource {
 public:
  Memory(const py::object& file, uint64_t begin) : view_(py::memoryview(file)), begin_(begin) {
    const Py_buffer* buffer = PyMemoryView_GET_BUFFER(view_.ptr());
    const std::string_view all(static_cast<const char*>(buffer->buf),
                               static_cast<size_t>(buffer->len));
    bytes_ = all.substr(std::min<size_t>(static_cast<size_t>(begin), all.size()));
    holder_ = Hold(view_);
  }

  ArchivePiece At(uint64_t position) override {
    if (position >= bytes_.size()) return {};
    return {bytes_.substr(static_cast<size_t>(position)), holder_};
  }
  std::optional<uint64_t> size() const override { return bytes_.size(); }
  uint64_t begin() const override { return begin_; }

 private:
  const py::object view_;
  const uint64_t begin_;
  std::string_view bytes_;
  std::shared_ptr<BufferOwner> holder_;
};

class Streamed final : public ArchiveSource {
 public:
  Streamed(py::object file, ObjectReader* reader)
      : file_(std::move(file)), reader_(reader), begin_(reader->Tell()) {}

  ArchivePiece At(uint64_t position) override {
    const std::optional<uint64_t> end = size();
    if (end.has_value() && position >= *end) return {};
    const py::scoped_critical_section section(file_);
    ObjectReader::Piece piece = reader_->PieceAt(begin_ + position);
    return {piece.bytes, std::make_shared<Holder>(file_, std::move(piece.owner))};
  }
  std::optional<uint64_t> size() const override {
    const std::optional<uint64_t> all = reader_->size();
    if (!all.has_value()) return std::nullopt;
    return *all - std::min(begin_, *all);
  }
  uint64_t begin() const override { return begin_; }

 private:
  const py::object file_;  // keeps the reader
  ObjectReader* const reader_;
  const uint64_t begin_;
};

class File final : public ArchiveSource {
 public:
  explicit File(const py::object& file)
      : seek_(py::getattr(file, "seek", py::none())), read_(file.attr("read")) {
    const py::object seekable = py::getattr(file, "seekable", py::none());
    seekable_ = !seekable.is_none() && py::bool_(seekable());
    if (seekable_) begin_ = py::cast<uint64_t>(file.attr("tell")());
  }

  // A reader of a large member moves the position of the file, too.
  ArchivePiece At(uint64_t position) override {
    if (seekable_) seek_(begin_ + position);
    py::object bytes = read_(kReadBytes);
    if (!PyBytes_Check(bytes.ptr()))
      throw py::type_error("read() of the archive's file must return bytes");
    const std::string_view view(PyBytes_AS_STRING(bytes.ptr()),
                                static_cast<size_t>(PyBytes_GET_SIZE(bytes.ptr())));
    return {view, Hold(std::move(bytes))};
  }
  bool seekable() const override { return seekable_; }
  uint64_t begin() const override { return begin_; }

 private:
  const py::object seek_;
  const py::object read_;
  bool seekable_ = false;
  uint64_t begin_ = 0;
};

}  // namespace

std::unique_ptr<ArchiveSource> ArchiveSource::Open(const py::object& file) {
  if (!py::isinstance<ObjectReader>(file)) {
    if (PyBytes_Check(file.ptr()) || PyMemoryView_Check(file.ptr())) {
      return std::make_unique<Memory>(file, 0);
    }
    return std::make_unique<File>(file);
  }
  auto& reader = file.cast<ObjectReader&>();
  const py::scoped_critical_section section(file);
  reader.CheckOpen();
  if (reader.in_memory()) return std::make_unique<Memory>(file, reader.Tell());
  return std::make_unique<Streamed>(file, &reader);
}

}  // namespace objectpipes
