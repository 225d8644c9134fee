// What the loader yields: one object as a binary file, open for reading.
#pragma once

#include <pybind11/pybind11.h>

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "engine/read_window.h"
#include "python/py_client.h"

namespace objectpipes {

class ObjectReader {
 public:
  ObjectReader(std::shared_ptr<PyClient> client, pybind11::object url, ReadResult result);
  ~ObjectReader();
  ObjectReader(const ObjectReader&) = delete;
  ObjectReader& operator=(const ObjectReader&) = delete;

  pybind11::bytes Read(int64_t size);
  size_t ReadInto(const pybind11::buffer& target);
  pybind11::bytes ReadLine(int64_t limit);
  uint64_t Seek(int64_t offset, int whence);
  uint64_t Tell();
  void Close();

  // All bytes; an exception if it is closed, or streamed.
  std::string_view Whole() const;
  pybind11::tuple Reduce();

  void CheckOpen() const;

  bool closed() const { return closed_; }
  uint64_t size() const { return size_; }
  const std::string& etag() const { return version_; }
  int attempts() const { return attempts_; }
  pybind11::object url() const { return url_; }

 private:
  // Copies bytes [position, position + size) of the object; GIL held.
  void CopyAt(uint64_t position, char* target, size_t size);
  // The longest piece at `position` that lies in one block of memory; at least a byte.
  std::string_view PieceAt(uint64_t position);

  const std::shared_ptr<PyClient> client_;
  const pybind11::object url_;
  Buffer whole_;
  std::shared_ptr<Stream>* stream_ = nullptr;  // leaked in a child of fork()
  std::shared_ptr<Chunk> chunk_;               // of the stream, around the position
  const std::string version_;
  const int attempts_;
  uint64_t size_ = 0;
  uint64_t position_ = 0;
  bool closed_ = false;
};

void BindObjectReader(pybind11::module_& module);

}  // namespace objectpipes
