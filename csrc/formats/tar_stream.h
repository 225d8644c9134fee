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
  std::string name;   // literal bytes
  uint64_t size = 0;  // of the data that follows
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

  // After the last byte: kProtocol unless the archive had ended.
  Status Finish() const;

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
  Status TakeHeader(std::string_view* bytes);
  Status TakeContent(std::string_view* bytes);
  Status OnZeroBlock();
  Status OnHeader();
  Status OnMemberHeader(char type, uint64_t size);
  Status BeginContent(State state, uint64_t size);
  Status EndContent();
  Status ApplyPax();

  std::string_view Field(size_t offset, size_t size) const {
    return std::string_view(header_.data() + offset, size);
  }
  std::string HeaderName() const;

  TarHandler* handler_;
  Status status_;
  State state_ = State::kHeader;

  std::array<char, kBlockSize> header_{};
  size_t filled_ = 0;            // bytes of header_
  bool one_zero_block_ = false;  // a second one is the end of the archive

  uint64_t content_left_ = 0;  // bytes of the current entry's data still to come,
  size_t padding_left_ = 0;    // and of what fills its last block

  char extension_type_ = 0;
  std::string extension_;
  std::optional<std::string> next_name_;  // what extensions have said about the next member
  std::optional<uint64_t> next_size_;     //
};

}  // namespace objectpipes::formats
