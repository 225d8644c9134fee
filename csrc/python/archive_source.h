// Where the bytes of an archive come from: memory, a streamed object, or any Python file.
#pragma once

#include <pybind11/pybind11.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "base/buffer.h"

namespace objectpipes {

// Bytes in memory, which `holder` keeps.
struct ArchivePiece {
  std::string_view bytes;               // empty at the end of the archive
  std::shared_ptr<BufferOwner> holder;  // destroyed with the GIL
};

class ArchiveSource {
 public:
  // Begins at the file's current position. Throws what the file throws.
  static std::unique_ptr<ArchiveSource> Open(const pybind11::object& file);
  virtual ~ArchiveSource() = default;

  // The piece at `position`, an offset from the beginning of the archive. May wait, and may run
  // Python.
  virtual ArchivePiece At(uint64_t position) = 0;
  // The size of the archive in bytes, if known.
  virtual std::optional<uint64_t> size() const { return std::nullopt; }
  // Whether At() accepts positions in any order.
  virtual bool seekable() const { return true; }
  // The offset in the file where the archive begins.
  virtual uint64_t begin() const = 0;
};

}  // namespace objectpipes
