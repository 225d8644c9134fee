// Reads MessagePack value by value, without copying.
//
// nlohmann/json, used for JSON (json.h), could read it, too. It takes 20 ms to make a tree of a
// page of 10,000 names. As events, it takes twice the time of this reader, and a handler that is
// longer than this file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace objectpipes::ais {

// Each method returns false if the next value is of another kind or cut off. Nothing can be read
// after that.
class MessagePackReader {
 public:
  explicit MessagePackReader(std::string_view bytes) : rest_(bytes) {}

  [[nodiscard]] bool ReadMap(uint64_t* pairs);       // keys and values follow
  [[nodiscard]] bool ReadArray(uint64_t* elements);  // they follow
  [[nodiscard]] bool ReadText(std::string_view* text);
  [[nodiscard]] bool ReadInteger(int64_t* value);
  [[nodiscard]] bool Skip();  // one value of any kind, with all values in it

  bool at_end() const { return rest_.empty(); }

 private:
  enum class Kind : uint8_t { kInvalid, kUnsigned, kSigned, kText, kArray, kMap, kOther };

  // The beginning of a value.
  struct Head {
    Kind kind;
    uint64_t number;  // the integer itself, in two's complement, or how many elements, pairs or
                      // bytes follow
  };

  std::optional<Head> TakeHead();
  bool ReadCount(Kind kind, uint64_t* count);
  bool TakeNumber(size_t size, uint64_t* number);
  bool TakeBytes(uint64_t size, std::string_view* bytes);

  std::string_view rest_;
};

}  // namespace objectpipes::ais
