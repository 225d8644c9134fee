// One object as a binary file, open for reading: what loaders yield.
#pragma once

#include <pybind11/pybind11.h>

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string_view>

#include "base/fork_leaked.h"
#include "engine/read_result.h"
#include "python/py_client.h"

namespace objectpipes {

// In memory of its own, valid even if empty. Throws if there is no memory.
Buffer CopyOf(std::string_view bytes);

class ObjectReader {
 public:
  // What a view of a streamed object does: it gathers the object in memory, or fails.
  enum class View { kGather, kRefuse };

  ObjectReader(std::shared_ptr<PyClient> client, pybind11::object url, ReadResult result,
               View view = View::kRefuse);
  // A reader of an object that another process has read.
  ObjectReader(pybind11::object url, pybind11::object etag, Buffer whole, int attempts);
  ~ObjectReader();
  ObjectReader(const ObjectReader&) = delete;
  ObjectReader& operator=(const ObjectReader&) = delete;

  // None or negative: to the end. For readlines(), the size of all lines together.
  using Size = std::optional<int64_t>;
  pybind11::bytes Read(Size size);
  pybind11::bytes ReadAll() { return Read(std::nullopt); }
  size_t ReadInto(const pybind11::buffer& target);
  pybind11::bytes ReadLine(Size limit);
  pybind11::list ReadLines(Size hint);
  pybind11::bytes NextLine();
  uint64_t Seek(int64_t offset, int whence);
  uint64_t SeekAsInPython(const pybind11::object& offset, int whence);
  uint64_t Tell() const;
  pybind11::bytes GetValue();
  void Close();

  struct Piece {
    std::string_view bytes;
    std::shared_ptr<Chunk> owner;  // keeps the bytes if another thread closes the reader
  };
  // The longest piece at `position` in one block of memory; empty only at the end of the object.
  Piece PieceAt(uint64_t position);

  // All bytes. Throws if the reader is closed, or streamed and not gathering.
  std::string_view Whole();
  pybind11::tuple Reduce(int protocol);

  // Copies the bytes out of a larger block of memory, unless a view or a copy in progress pins
  // them.
  void Detach();
  void Pin() { ++pins_; }
  void Unpin() { --pins_; }

  void CheckOpen() const;

  bool closed() const { return closed_; }
  bool in_memory() const { return !stream_; }  // otherwise it is streamed
  bool has_buffer() const { return in_memory() || view_ == View::kGather; }
  // Nothing until the end of a stream whose server does not tell the size.
  std::optional<uint64_t> size() const { return size_; }
  pybind11::object etag() const { return etag_; }
  int attempts() const { return attempts_; }
  pybind11::object url() const { return url_; }

 private:
  // How many bytes follow the position, as far as is known.
  uint64_t Left() const {
    if (!size_.has_value()) return std::numeric_limits<uint64_t>::max();
    return position_ < *size_ ? *size_ - position_ : 0;
  }
  pybind11::bytes BytesAt(uint64_t position, uint64_t size);
  pybind11::bytes BytesUpTo(uint64_t position, uint64_t limit);
  void ExpectToBeAskedForAll();
  // Copies bytes [position, position + size) of the object, as far as it has them, and returns
  // their number. GIL held.
  size_t CopyAt(uint64_t position, char* target, size_t size);
  uint64_t FindSize();
  std::string_view InMemory() const {
    if (bytes_) return {PyBytes_AS_STRING(bytes_.ptr()), static_cast<size_t>(*size_)};
    return {whole_.data(), whole_.size()};
  }
  std::shared_ptr<Chunk> WaitForChunk(uint64_t position);

  const std::shared_ptr<PyClient> client_;  // of a stream; null: another process has read it
  const pybind11::object url_;
  const pybind11::object etag_;  // without quotes, as in ObjectUrl; None: unknown
  Buffer whole_;
  const pybind11::object bytes_;  // instead of whole_, if that was inside of a bytes object
  ForkLeaked<Stream> stream_;
  std::weak_ptr<Chunk> chunk_;  // of the stream, around the position
  const View view_ = View::kRefuse;
  pybind11::object gathered_;  // the bytes of a streamed object, once it has been viewed
  const int attempts_;
  std::optional<uint64_t> size_;
  uint64_t position_ = 0;
  bool closed_ = false;
  bool asked_for_all_ = false;
  int pins_ = 0;
};

// While it exists, the bytes stay in place. GIL held when it is made and destroyed.
class PinnedReader {
 public:
  explicit PinnedReader(ObjectReader* reader) : reader_(reader) { reader_->Pin(); }
  ~PinnedReader() { reader_->Unpin(); }
  PinnedReader(const PinnedReader&) = delete;
  PinnedReader& operator=(const PinnedReader&) = delete;

 private:
  ObjectReader* const reader_;
};

}  // namespace objectpipes
