#include "ais/message_pack.h"

namespace objectpipes::ais {

bool MessagePackReader::TakeBytes(uint64_t size, std::string_view* bytes) {
  if (size > rest_.size()) return false;
  *bytes = rest_.substr(0, static_cast<size_t>(size));
  rest_.remove_prefix(bytes->size());
  return true;
}

// Numbers in MessagePack are big-endian.
bool MessagePackReader::TakeNumber(size_t size, uint64_t* number) {
  std::string_view bytes;
  if (!TakeBytes(size, &bytes)) return false;
  *number = 0;
  for (const char c : bytes) *number = *number << 8 | static_cast<uint8_t>(c);
  return true;
}

// The first byte tells the format of a value (MessagePack specification, "Formats").
std::optional<MessagePackReader::Head> MessagePackReader::TakeHead() {
  if (rest_.empty()) return std::nullopt;
  const uint64_t first = static_cast<uint8_t>(rest_.front());
  rest_.remove_prefix(1);
  if (first <= 0x7F) return Head{Kind::kUnsigned, first};
  if (first <= 0x8F) return Head{Kind::kMap, first & 0x0F};
  if (first <= 0x9F) return Head{Kind::kArray, first & 0x0F};
  if (first <= 0xBF) return Head{Kind::kText, first & 0x1F};
  if (first >= 0xE0) return Head{Kind::kSigned, first | ~uint64_t{0xFF}};

  // For the first bytes 0xC0 to 0xDF: the size of the number that follows, and how many further
  // bytes there are besides those that the number counts.
  static constexpr struct {
    Kind kind;
    uint8_t number_size;
    uint8_t more;
  } kFormats[] = {
      {Kind::kOther, 0, 0},    {Kind::kInvalid, 0, 0},                         // nil, never used
      {Kind::kOther, 0, 0},    {Kind::kOther, 0, 0},                           // false, true
      {Kind::kOther, 1, 0},    {Kind::kOther, 2, 0},    {Kind::kOther, 4, 0},  // bin
      {Kind::kOther, 1, 1},    {Kind::kOther, 2, 1},    {Kind::kOther, 4, 1},  // ext
      {Kind::kOther, 0, 4},    {Kind::kOther, 0, 8},                           // float
      {Kind::kUnsigned, 1, 0}, {Kind::kUnsigned, 2, 0},                        // uint
      {Kind::kUnsigned, 4, 0}, {Kind::kUnsigned, 8, 0},                        //
      {Kind::kSigned, 1, 0},   {Kind::kSigned, 2, 0},                          // int
      {Kind::kSigned, 4, 0},   {Kind::kSigned, 8, 0},                          //
      {Kind::kOther, 0, 2},    {Kind::kOther, 0, 3},    {Kind::kOther, 0, 5},  // fixext
      {Kind::kOther, 0, 9},    {Kind::kOther, 0, 17},                          //
      {Kind::kText, 1, 0},     {Kind::kText, 2, 0},     {Kind::kText, 4, 0},   // str
      {Kind::kArray, 2, 0},    {Kind::kArray, 4, 0},                           // array
      {Kind::kMap, 2, 0},      {Kind::kMap, 4, 0},                             // map
  };
  const auto& format = kFormats[first - 0xC0];
  Head head{format.kind, 0};
  if (!TakeNumber(format.number_size, &head.number)) return std::nullopt;
  head.number += format.more;
  if (head.kind == Kind::kSigned) {
    const uint64_t sign = uint64_t{1} << (8 * format.number_size - 1);
    head.number = (head.number ^ sign) - sign;  // extends the sign
  }
  return head;
}

bool MessagePackReader::ReadCount(Kind kind, uint64_t* count) {
  const std::optional<Head> head = TakeHead();
  if (!head || head->kind != kind) return false;
  *count = head->number;
  return true;
}

bool MessagePackReader::ReadMap(uint64_t* pairs) { return ReadCount(Kind::kMap, pairs); }

bool MessagePackReader::ReadArray(uint64_t* elements) { return ReadCount(Kind::kArray, elements); }

bool MessagePackReader::ReadText(std::string_view* text) {
  uint64_t size = 0;
  return ReadCount(Kind::kText, &size) && TakeBytes(size, text);
}

bool MessagePackReader::ReadInteger(int64_t* value) {
  const std::optional<Head> head = TakeHead();
  if (!head) return false;
  *value = static_cast<int64_t>(head->number);
  return head->kind == Kind::kSigned || (head->kind == Kind::kUnsigned && *value >= 0);
}

bool MessagePackReader::Skip() {
  // Counts the values that are left instead of recursing: no nesting overflows the stack.
  for (uint64_t left = 1; left > 0; --left) {
    const std::optional<Head> head = TakeHead();
    if (!head) return false;
    std::string_view skipped;
    switch (head->kind) {
      case Kind::kInvalid:
        return false;
      case Kind::kUnsigned:
      case Kind::kSigned:
        break;
      case Kind::kArray:
        left += head->number;
        break;
      case Kind::kMap:
        left += 2 * head->number;
        break;
      case Kind::kText:
      case Kind::kOther:
        if (!TakeBytes(head->number, &skipped)) return false;
        break;
    }
  }
  return true;
}

}  // namespace objectpipes::ais
