#include "ais/list_page.h"

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <utility>

#include "ais/message_pack.h"

namespace objectpipes::ais {
namespace {

constexpr char kTokenSeparator = ':';  // no job's id has it

// Flags of an entry.
constexpr int64_t kIsInArchive = 1 << 7;
constexpr int64_t kIsDirectory = 1 << 8;

Status Malformed() { return Status::Protocol("AIStore sent a malformed or incomplete list page"); }

// More than a page of its largest size has with names as they are, also of archives. An entry takes
// ten times the memory of its bytes if they are few.
constexpr uint64_t kMaxPageEntries = 2'000'000;

// The known fields of a map that it had so far. Of one that is repeated, either value may be wrong.
class SeenFields {
 public:
  // False if the field is known and was there before.
  bool Add(std::string_view name, std::initializer_list<std::string_view> known) {
    const auto found = std::find(known.begin(), known.end(), name);
    if (found == known.end()) return true;
    const unsigned bit = 1U << (found - known.begin());
    return (std::exchange(seen_, seen_ | bit) & bit) == 0;
  }

 private:
  unsigned seen_ = 0;
};

bool ReadText(MessagePackReader* in, std::string* all, ListEntry::Text* piece) {
  std::string_view text;
  if (!in->ReadText(&text)) return false;
  piece->offset = static_cast<uint32_t>(all->size());
  piece->size = static_cast<uint32_t>(text.size());
  all->append(text);
  return true;
}

// The server leaves out fields that are empty or zero.
bool ReadEntry(MessagePackReader* in, ListPage* page) {
  ListEntry entry;
  entry.size = 0;
  int64_t flags = 0;
  uint64_t fields = 0;
  SeenFields seen;
  if (!in->ReadMap(&fields)) return false;
  for (; fields > 0; --fields) {
    std::string_view name;
    if (!in->ReadText(&name) || !seen.Add(name, {"n", "cs", "v", "s", "f"})) return false;
    const bool read = name == "n"    ? ReadText(in, &page->text, &entry.key)
                      : name == "cs" ? ReadText(in, &page->text, &entry.checksum)
                      : name == "v"  ? ReadText(in, &page->text, &entry.version)
                      : name == "s"  ? in->ReadInteger(&entry.size)
                      : name == "f"  ? in->ReadInteger(&flags)
                                     : in->Skip();
    if (!read) return false;
  }
  if (entry.key.size == 0 || entry.size < 0) return false;
  entry.is_prefix = (flags & kIsDirectory) != 0;
  if (entry.is_prefix) entry.size = -1;
  entry.in_archive = (flags & kIsInArchive) != 0;
  page->entries.push_back(entry);
  return true;
}

bool ReadEntries(MessagePackReader* in, ListPage* page) {
  uint64_t entries = 0;
  if (!in->ReadArray(&entries) || entries > kMaxPageEntries) return false;
  for (; entries > 0; --entries) {
    if (!ReadEntry(in, page)) return false;
  }
  return true;
}

}  // namespace

std::string JoinListToken(const ListToken& token) {
  if (token.name.empty()) return {};
  std::string joined(token.job);
  joined.push_back(kTokenSeparator);
  return joined.append(token.name);
}

ListToken SplitListToken(std::string_view token) {
  const size_t separator = token.find(kTokenSeparator);
  if (separator == std::string_view::npos) return {};
  return {token.substr(0, separator), token.substr(separator + 1)};
}

Result<ListReply> ParseListPage(std::string_view message_pack) {
  if (message_pack.size() > std::numeric_limits<uint32_t>::max()) return Malformed();
  MessagePackReader in(message_pack);
  ListReply reply;
  ListToken token;
  int64_t flags = 0;
  bool has_token = false;
  bool has_entries = false;
  uint64_t fields = 0;
  SeenFields seen;
  if (!in.ReadMap(&fields)) return Malformed();
  for (; fields > 0; --fields) {
    std::string_view name;
    if (!in.ReadText(&name) || !seen.Add(name, {"UUID", "ContinuationToken", "Entries", "Flags"})) {
      return Malformed();
    }
    bool read = false;
    if (name == "UUID") {
      read = in.ReadText(&token.job);
    } else if (name == "ContinuationToken") {
      read = has_token = in.ReadText(&token.name);
    } else if (name == "Entries") {
      read = has_entries = ReadEntries(&in, &reply.page);
    } else if (name == "Flags") {
      read = in.ReadInteger(&flags);
    } else {
      read = in.Skip();
    }
    if (!read) return Malformed();
  }
  if (!has_token || !has_entries || !in.at_end()) return Malformed();
  reply.page.next_token = JoinListToken(token);
  reply.rebalancing = flags != 0;  // the only flag there is
  return reply;
}

}  // namespace objectpipes::ais
