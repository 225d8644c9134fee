#include "formats/tar_stream.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <iterator>
#include <string>
#include <vector>

namespace objectpipes::formats {
namespace {

using std::string_literals::operator""s;

const std::string kEnd(1024, '\0');

std::string Octal(uint64_t value, int digits) {
  char text[32];
  std::snprintf(text, sizeof(text), "%0*llo", digits, static_cast<unsigned long long>(value));
  return std::string(text) + '\0';
}

// A header block; fields not given are NUL.
struct Header {
  std::string name;
  uint64_t size = 0;
  char type = '0';
  std::string prefix;
  std::string magic = "ustar\00000"s;
  std::string size_field;  // instead of the octal size

  std::string Block() const {
    std::string block(512, '\0');
    const auto put = [&block](size_t offset, const std::string& text) {
      block.replace(offset, text.size(), text);
    };
    put(0, name);
    put(100, Octal(0644, 7));
    put(124, size_field.empty() ? Octal(size, 11) : size_field);
    put(156, std::string(1, type));
    put(257, magic);
    put(345, prefix);
    put(148, "        ");
    uint64_t sum = 0;
    for (const char c : block) sum += static_cast<uint8_t>(c);
    put(148, Octal(sum, 6));
    return block;
  }
};

std::string Padded(std::string data) {
  data.resize((data.size() + 511) / 512 * 512);
  return data;
}

std::string Entry(Header header, const std::string& data) {
  header.size = data.size();
  return header.Block() + Padded(data);
}

std::string File(const std::string& name, const std::string& data) {
  Header header;
  header.name = name;
  return Entry(header, data);
}

std::string Extension(char type, const std::string& data) {
  Header header;
  header.name = "././@LongLink";
  header.type = type;
  return Entry(header, data);
}

std::string PaxRecord(const std::string& key, const std::string& value) {
  const std::string body = " " + key + "=" + value + "\n";
  size_t size = body.size();
  while (std::to_string(size).size() + body.size() != size) {
    size = std::to_string(size).size() + body.size();
  }
  return std::to_string(size) + body;
}

// Remembers what it was told, and checks the order of the calls.
class Recorder : public TarHandler {
 public:
  struct File {
    std::string name;
    std::string data;
    bool complete = false;
    uint64_t begin = 0;
    uint64_t offset = 0;  // of the data
  };

  Status OnMember(const TarMember& member) override {
    EXPECT_TRUE(files.empty() || files.back().complete);
    files.push_back({member.name, {}, false, member.begin, member.data});
    size_ = member.size;
    return on_member;
  }
  Status OnMemberData(std::string_view data) override {
    EXPECT_FALSE(data.empty());
    EXPECT_FALSE(files.back().complete);
    files.back().data.append(data);
    return Status::Ok();
  }
  Status OnMemberEnd() override {
    EXPECT_EQ(files.back().data.size(), size_);
    files.back().complete = true;
    return Status::Ok();
  }

  std::vector<File> files;
  Status on_member;

 private:
  uint64_t size_ = 0;
};

struct Outcome {
  std::vector<Recorder::File> files;
  Status status;
};

Outcome Read(std::string_view archive, size_t piece = std::string_view::npos) {
  Recorder recorder;
  TarStream stream(&recorder);
  while (!archive.empty()) {
    const std::string_view bytes = archive.substr(0, piece);
    archive.remove_prefix(bytes.size());
    if (!stream.Feed(bytes).ok()) break;
  }
  return {recorder.files, stream.Finish()};
}

// Reads an archive that must be whole and hold one file.
Recorder::File ReadOne(const std::string& archive) {
  const Outcome outcome = Read(archive);
  EXPECT_TRUE(outcome.status.ok()) << outcome.status.message();
  EXPECT_EQ(outcome.files.size(), 1U);
  if (outcome.files.size() != 1) return {};
  EXPECT_TRUE(outcome.files[0].complete);
  return outcome.files[0];
}

StatusCode CodeOf(const std::string& archive) { return Read(archive).status.code(); }

TEST(TarStream, DeliversFilesInOrder) {
  const Outcome outcome =
      Read(File("a", "1") + File("dir/b", std::string(512, 'x')) + File("a", "2") + kEnd);
  EXPECT_TRUE(outcome.status.ok());
  ASSERT_EQ(outcome.files.size(), 3U);
  EXPECT_EQ(outcome.files[0].data, "1");
  EXPECT_EQ(outcome.files[1].name, "dir/b");
  EXPECT_EQ(outcome.files[1].data, std::string(512, 'x'));
  EXPECT_EQ(outcome.files[2].name, "a");
  EXPECT_EQ(outcome.files[2].data, "2");
}

TEST(TarStream, TheSizeOfThePiecesMakesNoDifference) {
  const std::string archive = Extension('x', PaxRecord("path", std::string(300, 'p'))) +
                              File("a", std::string(700, 'a')) + File("empty", "") +
                              Extension('L', std::string(200, 'l') + '\0') +
                              File("b", std::string(1024, 'b')) + kEnd;
  const Outcome whole = Read(archive);
  ASSERT_EQ(whole.files.size(), 3U);
  for (const size_t piece : {1U, 7U, 511U, 512U, 513U, 4096U}) {
    const Outcome pieces = Read(archive, piece);
    EXPECT_TRUE(pieces.status.ok()) << piece;
    ASSERT_EQ(pieces.files.size(), whole.files.size());
    for (size_t i = 0; i < whole.files.size(); ++i) {
      EXPECT_EQ(pieces.files[i].name, whole.files[i].name);
      EXPECT_EQ(pieces.files[i].data, whole.files[i].data);
    }
  }
}

TEST(TarStream, AMemberEndsWithItsLastByte) {
  const std::string archive = File("a", "data");
  Recorder recorder;
  TarStream stream(&recorder);
  ASSERT_TRUE(stream.Feed(std::string_view(archive).substr(0, 512 + 3)).ok());
  EXPECT_FALSE(recorder.files.at(0).complete);
  ASSERT_TRUE(stream.Feed(std::string_view(archive).substr(512 + 3, 1)).ok());
  EXPECT_TRUE(recorder.files.at(0).complete) << "not after the padding";
}

TEST(TarStream, AnEmptyMemberEndsWithItsHeader) {
  Recorder recorder;
  TarStream stream(&recorder);
  ASSERT_TRUE(stream.Feed(File("empty", "")).ok());
  EXPECT_TRUE(recorder.files.at(0).complete);
}

TEST(TarStream, JoinsThePrefixOfUstarNames) {
  Header header;
  header.name = std::string(100, 'n');  // as long as the field: no NUL
  header.prefix = std::string(155, 'p');
  EXPECT_EQ(ReadOne(Entry(header, "x") + kEnd).name,
            std::string(155, 'p') + "/" + std::string(100, 'n'));
  header.magic = "ustar  \0"s;  // GNU: what is there is no prefix
  EXPECT_EQ(ReadOne(Entry(header, "x") + kEnd).name, std::string(100, 'n'));
}

TEST(TarStream, TakesNamesFromPaxHeaders) {
  const std::string name = "dir/\xC3\xA9 with = and \n" + std::string(5000, 'x');
  const std::string records =
      PaxRecord("mtime", "1.5") + PaxRecord("path", name) + PaxRecord("comment", "");
  EXPECT_EQ(ReadOne(Extension('x', records) + File("short", "x") + kEnd).name, name);
}

TEST(TarStream, TakesNamesFromGnuHeaders) {
  const std::string name(300, 'n');
  EXPECT_EQ(
      ReadOne(Extension('K', "target\0"s) + Extension('L', name + '\0') + File("n", "x") + kEnd)
          .name,
      name);
}

TEST(TarStream, AnExtendedHeaderIsForOneMember) {
  const Outcome outcome =
      Read(Extension('x', PaxRecord("path", "long")) + File("a", "") + File("b", "") + kEnd);
  ASSERT_EQ(outcome.files.size(), 2U);
  EXPECT_EQ(outcome.files[0].name, "long");
  EXPECT_EQ(outcome.files[1].name, "b");
}

TEST(TarStream, TakesSizesFromPaxHeaders) {
  const std::string archive = Extension('x', PaxRecord("size", "3"));
  Header header;
  header.name = "a";
  EXPECT_EQ(ReadOne(archive + header.Block() + Padded("abc") + kEnd).data, "abc");
}

TEST(TarStream, ReadsSizesInBase256) {
  Header header;
  header.name = "a";
  header.size_field = "\x80"s + std::string(10, '\0') + "\x03";
  EXPECT_EQ(ReadOne(header.Block() + Padded("abc") + kEnd).data, "abc");

  Recorder recorder;
  TarStream stream(&recorder);
  header.size_field = "\x80\0\0\0\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF"s;  // 2^63 - 1
  EXPECT_TRUE(stream.Feed(header.Block()).ok());
  EXPECT_EQ(stream.Finish().code(), StatusCode::kProtocol);
}

TEST(TarStream, ReadsOldArchives) {
  Header header;
  header.name = "v7";
  header.type = '\0';
  header.magic.clear();
  header.size_field = "        3 \0\0"s;
  EXPECT_EQ(ReadOne(header.Block() + Padded("abc") + kEnd).data, "abc");
}

TEST(TarStream, LeavesOutEverythingButFiles) {
  std::string archive = Extension('g', PaxRecord("comment", "of all"));
  for (const char type : {'1', '2', '3', '4', '5', '6'}) {
    Header header;
    header.name = "other/";
    header.type = type;
    header.size = 10;  // without data, whatever this says
    archive += header.Block();
  }
  Header vendor;
  vendor.name = "vendor";
  vendor.type = 'Z';
  archive += Entry(vendor, std::string(600, 'z')) + File("file", "data") + kEnd;
  EXPECT_EQ(ReadOne(archive).name, "file");
}

TEST(TarStream, AnOldDirectoryIsARegularFileWithASlash) {
  Header directory;
  directory.name = "dir/";
  directory.type = '\0';
  directory.size = 512;  // without data, whatever this says
  EXPECT_EQ(ReadOne(directory.Block() + File("a", "x") + kEnd).name, "a");
}

TEST(TarStream, AGlobalHeaderIsForAllMembersBehind) {
  const std::string global = Extension('g', PaxRecord("path", "all") + PaxRecord("size", "3"));
  Header header;
  header.name = "a";
  const std::string member = header.Block() + Padded("abc");
  const std::string own = Extension('x', PaxRecord("path", "own"));
  const std::string taken_back = Extension('g', PaxRecord("path", ""));
  const Outcome outcome = Read(global + member + own + member + taken_back + member + kEnd);
  ASSERT_TRUE(outcome.status.ok()) << outcome.status.message();
  ASSERT_EQ(outcome.files.size(), 3U);
  EXPECT_EQ(outcome.files[0].name, "all");
  EXPECT_EQ(outcome.files[1].name, "own");
  EXPECT_EQ(outcome.files[2].name, "a");
  for (const auto& file : outcome.files) EXPECT_EQ(file.data, "abc");
}

// A shard is read from the middle by these.
TEST(TarStream, TellsWhereMembersBegin) {
  const std::string first = File("a", std::string(513, 'x'));
  const std::string second =
      Extension('x', PaxRecord("path", "b")) + Extension('L', "long\0"s) + File("b", "data");
  const Outcome outcome = Read(first + second + kEnd, 100);
  ASSERT_EQ(outcome.files.size(), 2U);
  EXPECT_EQ(outcome.files[0].begin, 0U);
  EXPECT_EQ(outcome.files[0].offset, 512U);
  EXPECT_EQ(outcome.files[1].begin, first.size());
  EXPECT_EQ(outcome.files[1].offset, first.size() + second.size() - 512);
  const Outcome from_there = Read((first + second + kEnd).substr(outcome.files[1].begin));
  ASSERT_EQ(from_there.files.size(), 1U);
  EXPECT_EQ(from_there.files[0].name, outcome.files[1].name);
}

TEST(TarStream, SkipsTheRestOfAMember) {
  const std::string archive = File("large", std::string(1000, 'x')) + File("b", "data") + kEnd;
  Recorder recorder;
  TarStream stream(&recorder);
  ASSERT_TRUE(stream.Feed(std::string_view(archive).substr(0, 600)).ok());
  const uint64_t skipped = stream.SkipMember();
  EXPECT_EQ(skipped, 512 + 1024 - 600U);
  EXPECT_EQ(stream.offset(), 512 + 1024U);
  recorder.files.back().complete = true;
  ASSERT_TRUE(stream.Feed(std::string_view(archive).substr(600 + skipped)).ok());
  EXPECT_TRUE(stream.Finish().ok());
  ASSERT_EQ(recorder.files.size(), 2U);
  EXPECT_EQ(recorder.files[1].data, "data");
  EXPECT_EQ(stream.SkipMember(), 0U);
}

TEST(TarStream, ErrorsNameTheOffset) {
  const std::string file = File("a", std::string(600, 'x'));
  EXPECT_EQ(Read(file + std::string(512, 'x')).status.message(),
            "Malformed TAR: wrong header checksum at offset 1536");
  EXPECT_EQ(Read(file + file.substr(0, 700)).status.message(), "The TAR is cut off at offset 2236");
  Header sparse;
  sparse.name = "holes";
  sparse.type = 'S';
  EXPECT_EQ(Read(file + sparse.Block()).status.message(),
            "\"holes\" at offset 1536 of the TAR is a sparse file");
  const std::string pax = PaxRecord("path", "GNUSparseFile.1/holes") +
                          PaxRecord("GNU.sparse.major", "1") +
                          PaxRecord("GNU.sparse.name", "holes");
  EXPECT_NE(Read(Extension('x', pax) + file).status.message().find("\"holes\""), std::string::npos);
}

TEST(TarStream, IgnoresWhatFollowsTheEnd) {
  EXPECT_EQ(ReadOne(File("a", "x") + kEnd + std::string(8192, '\0') + "rubbish").name, "a");
}

TEST(TarStream, AnArchiveMayBeEmpty) {
  EXPECT_TRUE(Read(kEnd).status.ok());
  EXPECT_TRUE(Read(kEnd).files.empty());
}

TEST(TarStream, FinishTellsACutStream) {
  const std::string archive = File("a", "data") + kEnd;
  for (size_t size = 0; size < archive.size(); ++size) {
    EXPECT_EQ(CodeOf(archive.substr(0, size)), StatusCode::kProtocol) << size;
  }
}

TEST(TarStream, RefusesMalformedArchives) {
  Header negative;
  negative.size_field = std::string(12, '\xFF');
  Header huge;
  huge.size_field = "\x80\0\0\0\x80\0\0\0\0\0\0\0"s;
  Header no_number;
  no_number.size_field = "0000000008\0"s;
  Header two_numbers;
  two_numbers.size_field = "0001 000001\0"s;
  Header endless;
  endless.type = 'x';
  endless.size = (1 << 20) + 1;
  std::string flipped = File("a", "data");
  flipped[3] = 'x';

  const std::string cases[] = {
      negative.Block(),
      huge.Block(),
      no_number.Block(),
      two_numbers.Block(),
      endless.Block(),
      flipped,
      std::string(512, 'x'),
      std::string(512, '\0') + File("a", "data"),
      Extension('x', PaxRecord("path", "a")) + kEnd,
      Extension('x', "path=a\n"),
      Extension('x', "9 path=a"),
      Extension('x', "11 path=a\n"),
      Extension('x', "99999999999999999999 path=a\n"),
      Extension('x', "-9 path=a\n"),
      Extension('x', "0 path=a\n"),
      Extension('x', "1"),
      Extension('x', "2 \n"),
      Extension('x', "7 path\n"),
      Extension('x', PaxRecord("path", "a\0b"s)),
      Extension('x', PaxRecord("size", "")),
      Extension('x', PaxRecord("size", "-1")),
      Extension('x', PaxRecord("size", "9223372036854775808")),
  };
  for (size_t i = 0; i < std::size(cases); ++i) {
    const Outcome outcome = Read(cases[i] + File("b", "data") + kEnd);
    EXPECT_EQ(outcome.status.code(), StatusCode::kProtocol) << "case " << i;
    EXPECT_TRUE(outcome.files.empty()) << "case " << i;
  }
}

TEST(TarStream, RefusesSparseFiles) {
  EXPECT_EQ(CodeOf(Extension('S', "")), StatusCode::kNotSupported);
  EXPECT_EQ(CodeOf(Extension('x', PaxRecord("GNU.sparse.major", "1")) + File("a", "1")),
            StatusCode::kNotSupported);
}

TEST(TarStream, TheHandlersErrorIsFinal) {
  Recorder recorder;
  recorder.on_member = Status(StatusCode::kObjectChanged, "no");
  TarStream stream(&recorder);
  const std::string archive = File("a", "data") + File("b", "data") + kEnd;
  EXPECT_EQ(stream.Feed(archive).code(), StatusCode::kObjectChanged);
  EXPECT_EQ(stream.Feed(archive).code(), StatusCode::kObjectChanged);
  EXPECT_EQ(stream.Finish().code(), StatusCode::kObjectChanged);
  EXPECT_EQ(recorder.files.size(), 1U);
}

}  // namespace
}  // namespace objectpipes::formats
