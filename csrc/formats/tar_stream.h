// Reads a TAR as it arrives: bytes are pushed in, in pieces of any size, and members come out.
//
// USTAR, PAX (long and UTF-8 names, large sizes) and the GNU extensions for the same. Not
// libarchive: it pulls, which would take a thread for every stream, and copies what here goes from
// the socket to its place.
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
  uint64_t begin = 0;  // offset in the archive of its first header, extensions included,
  uint64_t data = 0;   // and of its data
};

// Receives the regular files of an archive, for each: OnMember, then OnMemberData until `size`
// bytes came, then OnMemberEnd, which therefore does not wait for anything behind the last byte.
// Directories, links and devices are left out. Any error ends the stream with it.
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

  // kProtocol if this is no TAR, kNotSupported for sparse files, or the handler's error; the same
  // again for every later call. What follows the end of the archive is ignored.
  Status Feed(std::string_view bytes);

  // Leaves out what is still to come of the member whose data is expected, without OnMemberEnd.
  // Returns how many bytes the next Feed() has to leave out.
  uint64_t SkipMember();

  // After the last byte: kProtocol if the archive ends in the middle.
  Status Finish() const;

  uint64_t offset() const { return offset_; }  // of the next byte to be fed
  bool ended() const { return state_ == State::kEnd; }
  // Whether a new member may begin here: where a part of an archive may end.
  bool between_members() const {
    return state_ == State::kHeader && filled_ == 0 && padding_left_ == 0 && !next_begin_;
  }

 private:
  static constexpr size_t kBlockSize = 512;

  enum class State {
    kHeader,     // collecting a header
    kMember,     // passing on the data of a regular file
    kExtension,  // collecting what is said about the next member
    kSkip,       // dropping the data of anything else
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

  // What a PAX header says in place of a header's own fields.
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
  uint64_t header_begin_ = 0;           // offset of the header that was read last,
  std::optional<uint64_t> next_begin_;  // and of the first one of the next member

  std::array<char, kBlockSize> header_{};
  size_t filled_ = 0;            // bytes of header_
  bool one_zero_block_ = false;  // a second one is the end of the archive

  uint64_t content_left_ = 0;  // bytes of the current entry's data still to come,
  size_t padding_left_ = 0;    // and of what fills its last block

  char extension_type_ = 0;
  std::string extension_;
  Override next_;    // of the next member,
  Override global_;  // and of all those behind
};

}  // namespace objectpipes::formats
