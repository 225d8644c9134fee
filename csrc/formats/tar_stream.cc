#include "formats/tar_stream.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/ascii.h"

namespace objectpipes::formats {
namespace {

// Far more than any name needs; limits how much memory an archive can make us use.
constexpr uint64_t kMaxExtensionSize = 1 << 20;

// Types of entries.
constexpr char kRegular = '0';
constexpr char kOldRegular = '\0';
constexpr char kContiguous = '7';
constexpr char kPaxNext = 'x';
constexpr char kPaxGlobal = 'g';
constexpr char kGnuLongName = 'L';
constexpr char kGnuLongLink = 'K';
constexpr char kGnuSparse = 'S';
constexpr std::string_view kGnuSparsePrefix = "GNU.sparse.";  // the same, in a PAX header

// Links, devices, directories and FIFOs have no data, whatever their size field says.
bool HasNoData(char type) { return type >= '1' && type <= '6'; }

// Up to the first NUL, if there is one.
std::string_view CString(std::string_view field) { return field.substr(0, field.find('\0')); }

// Octal digits between spaces and NULs; empty is 0.
std::optional<uint64_t> ParseOctal(std::string_view field) {
  constexpr std::string_view kFill(" \0", 2);
  const size_t begin = std::min(field.find_first_not_of(kFill), field.size());
  const size_t end = std::min(field.find_first_of(kFill, begin), field.size());
  if (field.find_first_not_of(kFill, end) != std::string_view::npos) return std::nullopt;
  uint64_t value = 0;
  for (const char c : field.substr(begin, end - begin)) {
    if (c < '0' || c > '7') return std::nullopt;
    value = value * 8 + static_cast<uint64_t>(c - '0');  // 12 digits at most: no overflow
  }
  return value;
}

// GNU's form for numbers that do not fit into octal: big-endian two's complement after a set first
// bit.
std::optional<uint64_t> ParseBase256(std::string_view field) {
  uint64_t value = static_cast<uint8_t>(field.front()) & 0x7FU;
  if (value & 0x40U) return std::nullopt;  // negative
  for (const char c : field.substr(1)) {
    if (value > std::numeric_limits<int64_t>::max() >> 8) return std::nullopt;
    value = value << 8 | static_cast<uint8_t>(c);
  }
  return value;
}

std::optional<uint64_t> ParseNumber(std::string_view field) {
  const bool base_256 = (static_cast<uint8_t>(field.front()) & 0x80U) != 0;
  return base_256 ? ParseBase256(field) : ParseOctal(field);
}

// The whole of `text`, as decimal digits, within int64_t.
std::optional<uint64_t> ParseDecimal(std::string_view text) {
  const std::optional<int64_t> value = ParseInteger<int64_t>(text);
  if (value.value_or(-1) < 0) return std::nullopt;
  return static_cast<uint64_t>(*value);
}

// The sum of all bytes, where those of the checksum itself count as spaces.
bool HasValidChecksum(std::string_view header) {
  constexpr size_t kOffset = 148;
  constexpr size_t kSize = 8;
  uint64_t sum = kSize * ' ';
  for (size_t i = 0; i < header.size(); ++i) {
    const bool in_checksum = i >= kOffset && i < kOffset + kSize;
    if (!in_checksum) sum += static_cast<uint8_t>(header[i]);
  }
  return ParseOctal(header.substr(kOffset, kSize)) == sum;
}

}  // namespace

Status TarStream::Malformed(const std::string& what) const {
  return Status::Protocol("Malformed TAR: " + what + " at offset " + std::to_string(header_begin_));
}

Status TarStream::SparseFile(const std::string& name) const {
  return Status(StatusCode::kNotSupported,
                "\"" + name + "\" at offset " + std::to_string(header_begin_) +
                    " of the TAR is a sparse file",
                StatusDetail{"SparseFile"});
}

Status TarStream::Feed(std::string_view bytes) {
  while (status_.ok() && !bytes.empty()) status_ = Take(&bytes);
  return status_;
}

uint64_t TarStream::SkipMember() {
  if (state_ != State::kMember) return 0;
  const uint64_t skipped = content_left_ + padding_left_;
  offset_ += skipped;
  content_left_ = 0;
  padding_left_ = 0;
  state_ = State::kHeader;
  return skipped;
}

Status TarStream::Finish() const {
  if (!status_.ok() || state_ == State::kEnd) return status_;
  return Status::Protocol("The TAR is cut off at offset " + std::to_string(offset_));
}

Status TarStream::Take(std::string_view* bytes) {
  switch (state_) {
    case State::kHeader:
      return TakeHeader(bytes);
    case State::kMember:
    case State::kExtension:
    case State::kSkip:
      return TakeContent(bytes);
    case State::kEnd:
      break;
  }
  Drop(bytes, bytes->size());
  return Status::Ok();
}

Status TarStream::TakeHeader(std::string_view* bytes) {
  const size_t padding = std::min(padding_left_, bytes->size());
  Drop(bytes, padding);
  padding_left_ -= padding;

  const size_t taken = bytes->copy(header_.data() + filled_, kBlockSize - filled_);
  Drop(bytes, taken);
  filled_ += taken;
  if (filled_ < kBlockSize) return Status::Ok();
  filled_ = 0;
  header_begin_ = offset_ - kBlockSize;
  const bool zero = std::all_of(header_.begin(), header_.end(), [](char c) { return c == 0; });
  return zero ? OnZeroBlock() : OnHeader();
}

Status TarStream::OnZeroBlock() {
  if (next_.name || next_.size) return Malformed("an extended header is not followed by a member");
  if (one_zero_block_) state_ = State::kEnd;
  one_zero_block_ = true;
  return Status::Ok();
}

// Offsets and sizes of fields here and below: POSIX.1-2017, pax, "ustar Interchange Format".
Status TarStream::OnHeader() {
  if (one_zero_block_) return Malformed("a header follows the end of the archive");
  if (!HasValidChecksum({header_.data(), header_.size()}))
    return Malformed("wrong header checksum");
  const std::optional<uint64_t> size = ParseNumber(Field(124, 12));
  if (!size) return Malformed("a size");

  const char type = header_[156];
  switch (type) {
    case kPaxNext:
    case kPaxGlobal:
    case kGnuLongName:
      if (!next_begin_) next_begin_ = header_begin_;
      if (*size > kMaxExtensionSize) return Malformed("an extended header of more than 1 MiB");
      extension_type_ = type;
      extension_.clear();
      return BeginContent(State::kExtension, *size);
    case kGnuLongLink:  // belongs to a link, which is skipped
      if (!next_begin_) next_begin_ = header_begin_;
      return BeginContent(State::kSkip, *size);
    default:
      return OnMemberHeader(type, *size);
  }
}

Status TarStream::OnMemberHeader(char type, uint64_t size) {
  const auto chosen = [](auto* next, auto* global, auto own) {
    return next->has_value() ? **next : global->value_or(std::move(own));
  };
  TarMember member;
  member.name = chosen(&next_.name, &global_.name, HeaderName());
  member.size = chosen(&next_.size, &global_.size, size);
  member.begin = next_begin_.value_or(header_begin_);
  member.data = offset_;
  if (type == kGnuSparse || next_.sparse) {
    return SparseFile(next_.sparse_name.value_or(member.name));
  }
  next_ = Override();
  next_begin_.reset();
  if (type == kOldRegular && !member.name.empty() && member.name.back() == '/') {
    return BeginContent(State::kSkip,
                        0);  // a directory, in an old archive
  }
  if (type != kRegular && type != kOldRegular && type != kContiguous) {
    return BeginContent(State::kSkip, HasNoData(type) ? 0 : member.size);
  }
  OBJECTPIPES_RETURN_IF_ERROR(handler_->OnMember(member));
  return BeginContent(State::kMember, member.size);
}

Status TarStream::BeginContent(State state, uint64_t size) {
  state_ = state;
  content_left_ = size;
  padding_left_ = static_cast<size_t>((kBlockSize - size % kBlockSize) % kBlockSize);
  return size == 0 ? EndContent() : Status::Ok();
}

Status TarStream::TakeContent(std::string_view* bytes) {
  const std::string_view content =
      bytes->substr(0, static_cast<size_t>(std::min<uint64_t>(content_left_, bytes->size())));
  Drop(bytes, content.size());
  content_left_ -= content.size();
  if (state_ == State::kMember) OBJECTPIPES_RETURN_IF_ERROR(handler_->OnMemberData(content));
  if (state_ == State::kExtension) extension_.append(content);
  return content_left_ == 0 ? EndContent() : Status::Ok();
}

Status TarStream::EndContent() {
  const State ended = std::exchange(state_, State::kHeader);
  if (ended == State::kMember) return handler_->OnMemberEnd();
  if (ended == State::kSkip) return Status::Ok();
  if (extension_type_ != kGnuLongName) return ApplyPax();
  next_.name = CString(extension_);
  return Status::Ok();
}

// Records of the form "27 path=dir/file with spaces\n", the number counting the whole record.
Status TarStream::ApplyPax() {
  std::string_view rest = extension_;
  while (!rest.empty()) {
    const size_t space = std::min(rest.find(' '), rest.size());
    const uint64_t size = ParseDecimal(rest.substr(0, space)).value_or(0);
    if (size < space + 2 || size > rest.size() || rest[size - 1] != '\n') {
      return Malformed("an extended header");
    }
    const std::string_view record = rest.substr(space + 1, size - space - 2);
    rest.remove_prefix(size);

    const size_t equals = record.find('=');
    if (equals == std::string_view::npos) return Malformed("an extended header");
    OBJECTPIPES_RETURN_IF_ERROR(
        ApplyPaxRecord(record.substr(0, equals), record.substr(equals + 1)));
  }
  return Status::Ok();
}

// An empty value cancels an earlier one.
Status TarStream::ApplyPaxRecord(std::string_view key, std::string_view value) {
  Override& said = extension_type_ == kPaxGlobal ? global_ : next_;
  if (key == "path") {
    if (value.find('\0') != std::string_view::npos) return Malformed("a name");
    said.name.reset();
    if (!value.empty()) said.name = value;
  } else if (key == "size") {
    said.size = ParseDecimal(value);
    if (!said.size) return Malformed("a size");
  } else if (key.substr(0, kGnuSparsePrefix.size()) == kGnuSparsePrefix) {
    said.sparse = true;
    if (key == "GNU.sparse.name") said.sparse_name = value;
  }
  return Status::Ok();
}

std::string TarStream::HeaderName() const {
  std::string name;
  // Only POSIX archives have a prefix; GNU archives keep times in its place.
  if (Field(257, 6) == std::string_view("ustar\0", 6)) name = CString(Field(345, 155));
  if (!name.empty()) name.push_back('/');
  return name.append(CString(Field(0, 100)));
}

}  // namespace objectpipes::formats
