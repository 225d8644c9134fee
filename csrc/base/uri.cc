#include "base/uri.h"

#include <algorithm>
#include <array>

#include "base/ascii.h"

namespace objectpipes {
namespace {

constexpr char kHexDigits[] = "0123456789ABCDEF";

constexpr bool IsUnreserved(char c) {
  return IsAlphanumeric(c) || c == '-' || c == '.' || c == '_' || c == '~';
}

using ByteSet = std::array<bool, 256>;

constexpr ByteSet MakeKeptSet(bool keep_slash) {
  ByteSet kept{};
  for (size_t c = 0; c < kept.size(); ++c) kept[c] = IsUnreserved(static_cast<char>(c));
  kept['/'] = keep_slash;
  return kept;
}

constexpr ByteSet kKeptInComponent = MakeKeptSet(false);
constexpr ByteSet kKeptInPath = MakeKeptSet(true);

std::string Encode(std::string_view text, const ByteSet& kept) {
  std::string out;
  out.reserve(text.size() + text.size() / 4);
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (kept[byte]) {
      out.push_back(c);
    } else {
      out.push_back('%');
      out.push_back(kHexDigits[byte >> 4]);
      out.push_back(kHexDigits[byte & 0xF]);
    }
  }
  return out;
}

}  // namespace

std::string UriEncode(std::string_view text) { return Encode(text, kKeptInComponent); }

std::string UriEncodePath(std::string_view path) { return Encode(path, kKeptInPath); }

bool AppendUriDecoded(std::string_view text, Plus plus, std::string* out) {
  const char space_in_form = plus == Plus::kSpace ? '+' : '%';
  const auto absent = [text](char c) { return text.find(c) == std::string_view::npos; };
  if (absent('%') && absent(space_in_form)) {  // true of most keys, and 10 times as fast to test
    out->append(text);
    return true;
  }
  while (true) {
    size_t plain = 0;
    while (plain < text.size() && text[plain] != '%' && text[plain] != space_in_form) ++plain;
    out->append(text.substr(0, plain));
    text.remove_prefix(plain);
    if (text.empty()) return true;
    if (text.front() == '+') {
      out->push_back(' ');
      text.remove_prefix(1);
      continue;
    }
    if (text.size() < 3) return false;
    const int high = HexValue(text[1]);
    const int low = HexValue(text[2]);
    if (high < 0 || low < 0) return false;
    out->push_back(static_cast<char>(high * 16 + low));
    text.remove_prefix(3);
  }
}

Result<std::string> UriDecode(std::string_view text, Plus plus) {
  std::string decoded;
  decoded.reserve(text.size());
  if (!AppendUriDecoded(text, plus, &decoded)) {
    return Status::InvalidArgument("Malformed percent-encoding: " + std::string(text));
  }
  return decoded;
}

std::string CanonicalQuery(const QueryParameters& parameters) {
  QueryParameters encoded;
  encoded.reserve(parameters.size());
  for (const auto& [name, value] : parameters) {
    encoded.emplace_back(UriEncode(name), UriEncode(value));
  }
  std::sort(encoded.begin(), encoded.end());  // after encoding: SigV4 sorts encoded names

  std::string query;
  for (const auto& [name, value] : encoded) {
    if (!query.empty()) query.push_back('&');
    query.append(name).append("=").append(value);
  }
  return query;
}

bool ParseQuery(std::string_view query, QueryParameters* parameters) {
  while (!query.empty()) {
    const size_t end = std::min(query.find('&'), query.size());
    const std::string_view parameter = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    if (parameter.empty()) continue;
    const size_t equals = std::min(parameter.find('='), parameter.size());
    auto& [name, value] = parameters->emplace_back();
    const std::string_view text = parameter.substr(std::min(equals + 1, parameter.size()));
    if (!AppendUriDecoded(parameter.substr(0, equals), Plus::kSpace, &name) ||
        !AppendUriDecoded(text, Plus::kSpace, &value)) {
      return false;
    }
  }
  return true;
}

}  // namespace objectpipes
