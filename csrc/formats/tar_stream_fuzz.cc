// libFuzzer: any bytes, cut into any pieces, give the same members and the same end, and a member
// never more data than it announced.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "formats/tar_stream.h"

namespace {

using objectpipes::Status;
using objectpipes::formats::TarHandler;
using objectpipes::formats::TarMember;
using objectpipes::formats::TarStream;

class Transcript : public TarHandler {
 public:
  Status OnMember(const TarMember& member) override {
    left_ = member.size;
    text.append(member.name).append("\n").append(std::to_string(left_)).append("\n");
    return Status::Ok();
  }
  Status OnMemberData(std::string_view data) override {
    if (data.size() > left_) abort();
    left_ -= data.size();
    text.append(data);
    return Status::Ok();
  }
  Status OnMemberEnd() override {
    if (left_ != 0) abort();
    text.append("\nend\n");
    return Status::Ok();
  }

  std::string text;

 private:
  uint64_t left_ = 0;
};

std::string Read(std::string_view archive, size_t piece) {
  Transcript transcript;
  TarStream stream(&transcript);
  for (; !archive.empty(); archive.remove_prefix(std::min(piece, archive.size()))) {
    if (!stream.Feed(archive.substr(0, piece)).ok()) break;
  }
  return transcript.text + stream.Finish().message();
}

// Gives every block that may be a header its right checksum, which mutations would hardly hit.
std::string WithChecksums(std::string archive) {
  constexpr size_t kBlock = 512;
  for (size_t begin = 0; begin + kBlock <= archive.size(); begin += kBlock) {
    if (archive.compare(begin + 257, 5, "ustar") != 0) continue;
    archive.replace(begin + 148, 8, 8, ' ');
    unsigned sum = 0;
    for (size_t i = begin; i < begin + kBlock; ++i) sum += static_cast<uint8_t>(archive[i]);
    char text[8];
    std::snprintf(text, sizeof(text), "%06o", sum);
    archive.replace(begin + 148, sizeof(text), text, sizeof(text));
  }
  return archive;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string archive =
      WithChecksums(std::string(reinterpret_cast<const char*>(data) + 1, size - 1));
  if (Read(archive, archive.size()) != Read(archive, data[0] + 1U)) abort();
  return 0;
}
