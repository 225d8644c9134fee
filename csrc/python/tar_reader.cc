// Binds TarReader: the members of an archive, one after the other, as files.
#include <pybind11/stl.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "formats/tar_stream.h"
#include "python/archive_source.h"
#include "python/bindings.h"
#include "python/failure.h"
#include "python/locked.h"
#include "python/object_reader.h"
#include "python/text.h"

namespace py = pybind11;

namespace objectpipes {
namespace {

// How much is parsed at once: members are made a few at a time, even if the whole archive is in
// memory.
constexpr size_t kSliceBytes = size_t{1} << 20;
// A larger member is a section of the archive that is read on demand.
constexpr uint64_t kMaxInMemory = uint64_t{16} << 20;

// The bytes of a member while they arrive: a view if they lie in one block of memory, otherwise a
// copy.
class MemberBytes {
 public:
  void Begin(uint64_t size) { *this = MemberBytes(size); }

  void Append(std::string_view bytes, const std::shared_ptr<BufferOwner>& holder) {
    if (!copied() && view_.empty()) {
      view_ = bytes;
      holder_ = holder;
    } else if (!copied() && holder_ == holder && view_.data() + view_.size() == bytes.data()) {
      view_ = {view_.data(), view_.size() + bytes.size()};
    } else {
      if (!copied()) Copy(std::exchange(view_, {}));
      Copy(bytes);
    }
  }

  Buffer Take() {
    holder_ = copied() ? nullptr : std::move(holder_);
    if (copied()) return std::move(copy_);
    return {const_cast<char*>(view_.data()), view_.size(), view_.size(), std::move(holder_)};
  }

  MemberBytes() = default;

 private:
  explicit MemberBytes(uint64_t size) : size_(size) {}

  bool copied() const { return copy_.valid(); }

  // An archive may announce more than it has, so memory grows with the bytes that arrive.
  void Copy(std::string_view bytes) {
    const size_t end = copy_.size() + bytes.size();
    if (end > copy_.capacity()) {
      const uint64_t room = std::min<uint64_t>(size_, std::max<uint64_t>(2 * end, kSliceBytes));
      const auto capacity = static_cast<size_t>(std::max<uint64_t>(room, end));
      const size_t used = copy_.size();
      char* const data = static_cast<char*>(std::malloc(capacity));
      if (data == nullptr) throw std::bad_alloc();
      if (used > 0) std::memcpy(data, copy_.data(), used);
      copy_ = Buffer(data, used, capacity, nullptr);
    }
    std::memcpy(copy_.data() + copy_.size(), bytes.data(), bytes.size());
    copy_.set_size(end);
  }

  uint64_t size_ = 0;
  std::string_view view_;
  std::shared_ptr<BufferOwner> holder_;
  Buffer copy_;
};

// Members lie in the memory of the archive. When the reader moves on to the next piece, members
// still in use get memory of their own. So a few small members do not keep a large archive in
// memory.
class LentMembers {
 public:
  void Add(const py::object& member) { members_.emplace_back(member); }

  void Detach() {
    const std::vector<py::weakref> members = std::exchange(members_, {});
    for (const py::weakref& reference : members) {
      const py::object member = reference();
      if (member.is_none()) continue;
      const py::scoped_critical_section section(member);
      member.cast<ObjectReader&>().Detach();
    }
  }

 private:
  std::vector<py::weakref> members_;
};

class TarReader final : private formats::TarHandler {
 public:
  TarReader(const py::object& file, py::object url, std::string prefix, py::object path_of,
            py::object section, bool part)
      : source_(ArchiveSource::Open(file)),
        file_(file),
        url_(std::move(url)),
        prefix_(std::move(prefix)),
        path_of_(std::move(path_of)),
        section_(std::move(section)),
        part_(part),
        stream_(this) {}

  // (path, file), or StopIteration.
  py::tuple Next();

  // The offsets in the archive where the last member's first header begins, and where the member
  // ends.
  uint64_t begin() const { return begin_; }
  uint64_t end() const { return end_; }

 private:
  struct Member {
    formats::TarMember head;
    Buffer bytes;
    bool in_memory = true;
  };

  Status OnMember(const formats::TarMember& member) override;
  Status OnMemberData(std::string_view data) override;
  Status OnMemberEnd() override;

  bool Read();
  py::tuple Deliver(Member member);
  py::object PathOf(const std::string& name) const;
  [[noreturn]] void Fail();

  const std::unique_ptr<ArchiveSource> source_;
  const py::object file_;
  const py::object url_;
  const std::string prefix_;  // of the paths of plain names; empty: path_of_ makes all paths
  const py::object path_of_;
  const py::object section_;
  const bool part_;  // the file is a part of an archive

  formats::TarStream stream_;
  ArchivePiece piece_;  // the rest of it is parsed next
  formats::TarMember head_;
  MemberBytes bytes_;
  std::deque<Member> ready_;
  LentMembers lent_;
  Status status_;
  bool finished_ = false;
  bool reading_ = false;
  uint64_t begin_ = 0;
  uint64_t end_ = 0;
};

Status TarReader::OnMember(const formats::TarMember& member) {
  const std::optional<uint64_t> size = source_->size();
  if (size && (member.data > *size || member.size > *size - member.data)) {
    return Status::Protocol("The TAR is cut off at offset " + std::to_string(*size) + ": \"" +
                            member.name + "\" has " + std::to_string(member.size) +
                            " bytes from offset " + std::to_string(member.data) + " on");
  }
  head_ = member;
  bytes_.Begin(member.size);
  return Status::Ok();
}

Status TarReader::OnMemberData(std::string_view data) {
  bytes_.Append(data, piece_.holder);
  return Status::Ok();
}

Status TarReader::OnMemberEnd() {
  ready_.push_back({std::move(head_), bytes_.Take(), true});
  return Status::Ok();
}

// Parses some more of the archive. False: there is no more.
bool TarReader::Read() {
  if (finished_) return false;
  if (piece_.bytes.empty()) {
    lent_.Detach();
    piece_.holder.reset();
    piece_ = source_->At(stream_.offset());
    if (piece_.bytes.empty()) {
      finished_ = true;
      if (!part_ || !stream_.between_members()) status_ = stream_.Finish();
      return status_.ok();
    }
  }
  const std::string_view slice = piece_.bytes.substr(0, kSliceBytes);
  piece_.bytes.remove_prefix(slice.size());
  status_ = stream_.Feed(slice);
  finished_ = !status_.ok() || stream_.ended();
  // Delivers only members that lie in memory as a whole.
  const bool in_piece = head_.size <= piece_.bytes.size() + slice.size();
  if (!finished_ && head_.size > kMaxInMemory && !in_piece && source_->seekable()) {
    const uint64_t skipped = stream_.SkipMember();
    if (skipped > 0) {
      piece_.bytes.remove_prefix(
          static_cast<size_t>(std::min<uint64_t>(skipped, piece_.bytes.size())));
      bytes_.Begin(0);
      ready_.push_back({std::move(head_), Buffer(), false});
      head_ = {};
    }
  }
  return true;
}

py::tuple TarReader::Next() {
  if (reading_) throw py::value_error("another thread is reading this archive");
  reading_ = true;
  const auto done = [this](void*) { reading_ = false; };
  const std::unique_ptr<void, decltype(done)> guard(this, done);
  while (ready_.empty()) {
    if (!status_.ok()) Fail();
    if (Read()) continue;
    if (!status_.ok()) Fail();
    lent_.Detach();
    piece_ = {};
    throw py::stop_iteration();
  }
  Member member = std::move(ready_.front());
  ready_.pop_front();
  return Deliver(std::move(member));
}

py::tuple TarReader::Deliver(Member member) {
  begin_ = member.head.begin;
  end_ = member.head.data + (member.head.size + 511) / 512 * 512;
  const py::object path = PathOf(member.head.name);
  if (!member.in_memory) {
    const py::object section =
        section_(file_, source_->begin() + member.head.data, member.head.size, path);
    return py::make_tuple(path, section);
  }
  const bool lent = member.bytes.owner() != nullptr;
  if (!member.bytes.valid()) member.bytes = CopyOf({});
  const py::object reader = py::cast(
      std::make_unique<ObjectReader>(path, py::none(), std::move(member.bytes), /*attempts=*/0));
  if (lent) lent_.Add(reader);
  return py::make_tuple(path, reader);
}

// Whether a path is as os.path.normpath would leave it: without ".", "..", empty parts.
bool IsNormal(std::string_view name) {
  size_t begin = 0;
  while (begin <= name.size()) {
    const size_t end = std::min(name.find('/', begin), name.size());
    const std::string_view part = name.substr(begin, end - begin);
    if (part.empty() || part == "." || part == "..") return false;
    begin = end + 1;
  }
  return true;
}

py::object TarReader::PathOf(const std::string& name) const {
  if (!prefix_.empty() && IsNormal(name)) return TextOf(prefix_ + name);
  return path_of_(TextOf(name));
}

void TarReader::Fail() {
  if (status_.code() != StatusCode::kProtocol) Raise(status_, url_);
  const py::object type = py::module_::import("objectpipes.errors").attr("ArchiveError");
  const py::object error = type(TextOf(status_.message()), py::arg("url") = url_);
  PyErr_SetObject(type.ptr(), error.ptr());
  throw py::error_already_set();
}

}  // namespace

void BindTarReader(const py::module_& module) {
  py::class_<TarReader>(module, "TarReader")
      .def(py::init<const py::object&, py::object, std::string, py::object, py::object, bool>(),
           py::arg("file"), py::kw_only(), py::arg("url"), py::arg("prefix"), py::arg("path_of"),
           py::arg("section"), py::arg("part"))
      .def("__iter__", [](const py::object& self) { return self; })
      .def("__next__", Locked(&TarReader::Next))
      .def_property_readonly("begin", Locked(&TarReader::begin))
      .def_property_readonly("end", Locked(&TarReader::end));
}

}  // namespace objectpipes
