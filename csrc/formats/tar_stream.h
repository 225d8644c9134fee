// Reads a TAR as it arrives: bytes are pushed in, in pieces of any size, and members come out.
//
// Reads USTAR, PAX (long and UTF-8 names, large sizes) and the GNU extensions for the same. Not
// libarchive: that pulls, which would take a thread for every stream, and it copies bytes that here
// go from the socket to their place.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/status.h"

namespace objectpipes::formats {

struct TarMember {
  std::string name;    // literal bytes
  uint64_t size = 0;   // of the data that follows
  uint64_t begin = 0;  // offset of its first header in the archive, including extended headers
  uint64_t data = 0;   // offset of its data
};

// Receives the regular files of an archive. For each: OnMember, then OnMemberData until `size`
// bytes have come, then OnMemberEnd, which waits for nothing after the last byte. Directories,
// links and devices are skipped. An error of the handler ends the stream.
class TarHandler {
 public:
  virtual Status OnMember(const TarMember& member) = 0;
  virtual Status OnMemberData(std::string_view data) = 0;
  virtual Status OnMemberEnd() = 0;

 protected:
  ~TarHandler() = default;
};

class TarStream {
 public:
  explicit TarStream(TarHandler* handler) : handler_(handler) {}

  // kProtocol if this is not a TAR, kNotSupported for sparse files, or the handler's error; every
  // later call returns the same. Bytes after the end of the archive are ignored.
  Status Feed(std::string_view bytes);

  // Skips the rest of the current member's data, without OnMemberEnd. Returns how many bytes the
  // caller leaves out before the next Feed().
  uint64_t SkipMember();

  // Call it after the last byte: kProtocol if the archive is cut off.
  Status Finish() const;

  uint64_t offset() const { return offset_; }  // of the next byte to be fed
  bool ended() const { return state_ == State::kEnd; }
  // Whether a member may begin here, so that a part of an archive may end here.
  bool between_members() const {
    return state_ == State::kHeader && filled_ == 0 && padding_left_ == 0 && !next_begin_;
  }

 private:
  static constexpr size_t kBlockSize = 512;

  enum class State {
    kHeader,     // collecting a header
    kMember,     // passing on the data of a regular file
    kExtension,  // collecting an extended header of the next member
    kSkip,       // skipping the data of anything else
    kEnd,
  };

  Status Take(std::string_view* bytes);
  void Drop(std::string_view* bytes, size_t size) {
    bytes->remove_prefix(size);
    offset_ += size;
  }
  Status TakeHeader(std::string_view* bytes);
  Status TakeContent(std::string_view* bytes);
  Status OnZeroBlock();
  Status OnHeader();
  Status OnMemberHeader(char type, uint64_t size);
  Status BeginContent(State state, uint64_t size);
  Status EndContent();
  Status ApplyPax();
  Status ApplyPaxRecord(std::string_view key, std::string_view value);
  Status Malformed(const std::string& what) const;
  Status SparseFile(const std::string& name) const;

  std::string_view Field(size_t offset, size_t size) const {
    return std::string_view(header_.data() + offset, size);
  }
  std::string HeaderName() const;

  // What a PAX header says instead of the fields of the header.
  struct Override {
    std::optional<std::string> name;
    std::optional<uint64_t> size;
    std::optional<std::string> sparse_name;
    bool sparse = false;
  };

  TarHandler* handler_;
  Status status_;
  State state_ = State::kHeader;
  uint64_t offset_ = 0;
  uint64_t header_begin_ = 0;           // offset of the last header,
  std::optional<uint64_t> next_begin_;  // and of the first header of the next member

  std::array<char, kBlockSize> header_{};
  size_t filled_ = 0;            // bytes of header_
  bool one_zero_block_ = false;  // a second one is the end of the archive

  uint64_t content_left_ = 0;  // bytes of the entry's data still to come,
  size_t padding_left_ = 0;    // and of the padding after them

  char extension_type_ = 0;
  std::string extension_;
  Override next_;    // for the next member,
  Override global_;  // and for all members after it
};

}  // namespace objectpipes::formats
