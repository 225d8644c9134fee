#include "s3/xml.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <optional>
#include <utility>

#include "base/ascii.h"
#include "base/excerpt.h"

namespace objectpipes {
namespace {

constexpr std::string_view kWhiteSpace = " \t\r\n";

// The encoding in <?xml ... encoding="..."?>; empty if there is none.
std::string_view DeclaredEncoding(std::string_view document) {
  constexpr std::string_view kOpen = "<?xml";
  if (document.substr(0, kOpen.size()) != kOpen) return {};
  document = document.substr(0, document.find("?>"));
  const size_t name = document.find("encoding");
  if (name == std::string_view::npos) return {};
  const size_t quote = document.find_first_of("\"'", name);
  if (quote == std::string_view::npos) return {};
  const std::string_view value = document.substr(quote + 1);
  return value.substr(0, value.find(document[quote]));
}

// How many bytes at the front of `text` are printable ASCII, in steps of eight. Nearly all of a
// listing is.
size_t PlainLength(std::string_view text) {
  constexpr uint64_t kSpaces = 0x2020202020202020;
  constexpr uint64_t kTopBits = 0x8080808080808080;
  size_t length = 0;
  for (uint64_t eight = 0; length + sizeof eight <= text.size(); length += sizeof eight) {
    std::memcpy(&eight, text.data() + length, sizeof eight);
    if ((((eight - kSpaces) | eight) & kTopBits) != 0) break;  // one is below ' ', or above '~'
  }
  return length;
}

// The length of the character at the front of `text`, which is not empty; 0 if it is not valid
// UTF-8 (RFC 3629), or not allowed in XML.
size_t CharacterLength(std::string_view text) {
  const auto byte = [text](size_t i) -> unsigned {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0;
  };
  const unsigned first = byte(0);
  if (first < 0x80) {
    return first >= 0x20 || kWhiteSpace.find(text[0]) != std::string_view::npos ? 1 : 0;
  }
  const size_t length = first < 0xC2   ? 0
                        : first < 0xE0 ? 2
                        : first < 0xF0 ? 3
                        : first < 0xF5 ? 4
                                       : 0;
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  const bool overlong = (first == 0xE0 && byte(1) < 0xA0) || (first == 0xF0 && byte(1) < 0x90);
  const bool surrogate = first == 0xED && byte(1) >= 0xA0;
  const bool too_large = first == 0xF4 && byte(1) >= 0x90;
  return overlong || surrogate || too_large ? 0 : length;
}

bool AppendUtf8(uint32_t code, std::string* out) {
  const auto put = [out](uint32_t byte) { out->push_back(static_cast<char>(byte)); };
  if (code == 0 || (code >= 0xD800 && code < 0xE000) || code > 0x10FFFF) return false;
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0 | code >> 6);
    put(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    put(0xE0 | code >> 12);
    put(0x80 | (code >> 6 & 0x3F));
    put(0x80 | (code & 0x3F));
  } else {
    put(0xF0 | code >> 18);
    put(0x80 | (code >> 12 & 0x3F));
    put(0x80 | (code >> 6 & 0x3F));
    put(0x80 | (code & 0x3F));
  }
  return true;
}

// `name` is the text between '&' and ';'.
bool AppendReference(std::string_view name, std::string* out) {
  constexpr std::pair<std::string_view, char> kNamed[] = {
      {"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'}, {"apos", '\''}};
  const auto* const named = std::find_if(std::begin(kNamed), std::end(kNamed),
                                         [name](const auto& known) { return known.first == name; });
  if (named != std::end(kNamed)) {
    out->push_back(named->second);
    return true;
  }
  if (name.substr(0, 1) != "#") return false;
  const bool hexadecimal = name.substr(1, 1) == "x";
  name.remove_prefix(hexadecimal ? 2 : 1);
  const std::optional<uint32_t> code = ParseInteger<uint32_t>(name, hexadecimal ? 16 : 10);
  return code.has_value() && AppendUtf8(*code, out);
}

Status AppendCharacterData(std::string_view text, std::string* out) {
  size_t ampersand = 0;
  while ((ampersand = text.find('&')) != std::string_view::npos) {
    out->append(text.substr(0, ampersand));
    const size_t semicolon = text.find(';', ampersand);
    const std::string_view name = text.substr(ampersand + 1, semicolon - ampersand - 1);
    if (semicolon == std::string_view::npos || !AppendReference(name, out)) {
      return Status::Protocol("it has a reference that XML does not define: " +
                              Excerpt(text.substr(ampersand, semicolon - ampersand + 1)));
    }
    text.remove_prefix(semicolon + 1);
  }
  out->append(text);
  return Status::Ok();
}

}  // namespace

Status CheckXmlEncoding(std::string_view document) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (document.substr(0, 3) == kByteOrderMark) document.remove_prefix(3);
  const std::string_view declared = DeclaredEncoding(document);
  if (!declared.empty() && !EqualsIgnoringCase(declared, "utf-8") &&
      !EqualsIgnoringCase(declared, "utf8") && !EqualsIgnoringCase(declared, "us-ascii")) {
    return Status::Protocol("it is in " + Excerpt(declared) + ", not in UTF-8");
  }
  for (size_t at = PlainLength(document); at < document.size();
       at += PlainLength(document.substr(at))) {
    const size_t length = CharacterLength(document.substr(at, 4));
    if (length == 0) {
      return Status::Protocol("byte " + std::to_string(at) +
                              " does not begin a valid character of XML in UTF-8");
    }
    at += length;
  }
  return Status::Ok();
}

std::string_view XmlName(const pugi::xml_node& element) {
  const std::string_view name = element.name();
  return name.substr(name.find(':') + 1);  // npos + 1 is 0
}

Status AppendXmlText(const pugi::xml_node& element, std::string* out) {
  OBJECTPIPES_RETURN_IF_ERROR(AppendCharacterData(element.value(), out));
  for (const pugi::xml_node part : element) {
    if (part.type() == pugi::node_cdata) {
      out->append(part.value());
    } else if (part.type() == pugi::node_pcdata) {
      OBJECTPIPES_RETURN_IF_ERROR(AppendCharacterData(part.value(), out));
    } else {
      return Status::Protocol("there is an element within " + Excerpt(element.name()));
    }
  }
  return Status::Ok();
}

std::string XmlValue(const pugi::xml_node& element) {
  std::string text;
  if (!AppendXmlText(element, &text).ok()) return {};
  return std::string(TrimXml(text));
}

std::string_view TrimXml(std::string_view text) {
  const size_t begin = text.find_first_not_of(kWhiteSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kWhiteSpace) - begin + 1);
}

pugi::xml_node XmlChild(const pugi::xml_node& element, std::string_view name) {
  for (const pugi::xml_node child : element) {
    if (XmlName(child) == name) return child;
  }
  return {};
}

}  // namespace objectpipes
