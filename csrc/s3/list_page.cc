#include "s3/list_page.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <limits>
#include <optional>
#include <pugixml.hpp>
#include <string_view>
#include <utility>

#include "base/excerpt.h"
#include "base/utc_time.h"
#include "s3/etag.h"

namespace objectpipes {
namespace {

// The parameters that a next_token may name.
constexpr std::string_view kContinuationToken = "continuation-token";  // V2
constexpr std::string_view kMarker = "marker";                         // V1

constexpr size_t kLongestPage = size_t{64} << 20;

std::string NextToken(std::string_view parameter, std::string_view value) {
  return std::string(parameter).append("=").append(value);
}

// As little as possible is built: text stays in its element, and white space counts only where it
// is all there is, as in the key " ".
constexpr unsigned kParseFlags = pugi::parse_minimal | pugi::parse_escapes | pugi::parse_cdata |
                                 pugi::parse_embed_pcdata | pugi::parse_ws_pcdata_single;

Status Malformed(const std::string& what, std::string_view culprit = {}) {
  return Status::Protocol("The server's listing is malformed: " + what + Excerpt(culprit));
}

// The fields of <Contents>; empty where missing.
struct ObjectFields {
  std::string_view key;
  std::string_view size;
  std::string_view etag;
  std::string_view last_modified;
};

ObjectFields ReadFields(const pugi::xml_node& contents) {
  ObjectFields fields;
  for (pugi::xml_node field = contents.first_child(); field; field = field.next_sibling()) {
    const std::string_view name = field.name();
    if (name == "Key") {
      fields.key = field.child_value();
    } else if (name == "Size") {
      fields.size = field.child_value();
    } else if (name == "ETag") {
      fields.etag = field.child_value();
    } else if (name == "LastModified") {
      fields.last_modified = field.child_value();
    }
  }
  return fields;
}

std::optional<int64_t> ParseSize(std::string_view text) {
  int64_t size = -1;
  const char* const end = text.data() + text.size();
  const auto [parsed_to, error] = std::from_chars(text.data(), end, size);
  if (error != std::errc() || parsed_to != end || size < 0) return std::nullopt;
  return size;
}

// Turns the parts of the document into those of a page.
class PageBuilder {
 public:
  explicit PageBuilder(bool url_encoded) : url_encoded_(url_encoded) {}

  Status AddObject(const ObjectFields& fields);
  Status AddPrefix(std::string_view prefix);
  void SortEntries();
  Status SetNextToken(const pugi::xml_node& root);
  ListPage Finish() { return std::move(page_); }

 private:
  ListEntry::Text TextFrom(size_t offset) const {
    return {static_cast<uint32_t>(offset), static_cast<uint32_t>(page_.text.size() - offset)};
  }
  Status AppendName(std::string_view name, std::string* out) const;

  const bool url_encoded_;
  ListPage page_;
};

// A key, prefix or marker.
Status PageBuilder::AppendName(std::string_view name, std::string* out) const {
  if (!url_encoded_) {
    out->append(name);
  } else if (!AppendUriDecoded(name, Plus::kSpace, out)) {
    return Malformed("a name is not percent-encoded: ", name);
  }
  return Status::Ok();
}

Status PageBuilder::AddObject(const ObjectFields& fields) {
  ListEntry entry;
  if (fields.key.empty()) return Malformed("an object has no key");
  const size_t key_offset = page_.text.size();
  OBJECTPIPES_RETURN_IF_ERROR(AppendName(fields.key, &page_.text));
  entry.key = TextFrom(key_offset);

  const size_t etag_offset = page_.text.size();
  page_.text.append(WithoutQuotes(fields.etag));
  entry.etag = TextFrom(etag_offset);

  const std::optional<int64_t> size = ParseSize(fields.size);
  if (!size) return Malformed("an object's size is ", fields.size);
  entry.size = *size;

  if (!fields.last_modified.empty()) {
    const std::optional<double> mtime = ParseIso8601(fields.last_modified);
    if (!mtime) {
      return Malformed("an object's time is ", fields.last_modified);
    }
    entry.mtime = *mtime;
  }
  page_.entries.push_back(entry);
  return Status::Ok();
}

Status PageBuilder::AddPrefix(std::string_view prefix) {
  if (prefix.empty()) return Malformed("a common prefix is empty");
  const size_t offset = page_.text.size();
  OBJECTPIPES_RETURN_IF_ERROR(AppendName(prefix, &page_.text));
  ListEntry entry;
  entry.key = TextFrom(offset);
  entry.is_prefix = true;
  page_.entries.push_back(entry);
  return Status::Ok();
}

void PageBuilder::SortEntries() {
  std::stable_sort(page_.entries.begin(), page_.entries.end(),
                   [this](const ListEntry& a, const ListEntry& b) {
                     return page_.view(a.key) < page_.view(b.key);
                   });
}

Status PageBuilder::SetNextToken(const pugi::xml_node& root) {
  const std::string_view is_truncated = root.child_value("IsTruncated");
  if (is_truncated == "false") return Status::Ok();
  if (is_truncated != "true") return Malformed("it does not say whether it is complete");

  const std::string_view token = root.child_value("NextContinuationToken");
  if (!token.empty()) {
    page_.next_token = NextToken(kContinuationToken, token);
    return Status::Ok();
  }
  const bool is_v1 = !root.child("KeyCount");
  const std::string_view next_marker = root.child_value("NextMarker");
  if (!is_v1 || (next_marker.empty() && page_.entries.empty())) {
    return Malformed("it is not complete, and nothing tells how to go on");
  }
  if (next_marker.empty()) {  // as is usual without a delimiter
    page_.next_token = NextToken(kMarker, page_.view(page_.entries.back().key));
    return Status::Ok();
  }
  page_.next_token = NextToken(kMarker, "");
  return AppendName(next_marker, &page_.next_token);
}

}  // namespace

QueryParameters ListQuery(const ListRequest& request, ListVersion version) {
  QueryParameters query = {{"encoding-type", "url"}, {"prefix", request.prefix}};
  if (!request.delimiter.empty()) query.emplace_back("delimiter", request.delimiter);
  if (request.max_keys > 0) query.emplace_back("max-keys", std::to_string(request.max_keys));

  const std::string_view token = request.token;
  const std::string_view parameter = token.substr(0, token.find('='));
  const bool v1 = token.empty() ? version == ListVersion::kV1 : parameter == kMarker;
  if (!v1) query.emplace_back("list-type", "2");
  if (!token.empty()) {
    query.emplace_back(parameter, token.substr(parameter.size() + 1));
  } else if (!request.start_after.empty()) {
    query.emplace_back(v1 ? kMarker : "start-after", request.start_after);
  }
  return query;
}

bool KnowsNoV2(const Status& failure, bool first_page, ListVersion asked) {
  return failure.code() == StatusCode::kNotSupported && first_page && asked == ListVersion::kV2;
}

Status AppendToPage(const char* data, size_t size, std::string* body) {
  if (body->size() + size > kLongestPage) {
    return Status::Protocol("the list page is longer than any that S3 makes");
  }
  body->append(data, size);
  return Status::Ok();
}

Result<ListPage> ParseListPage(std::string body) {
  if (body.size() > std::numeric_limits<uint32_t>::max()) return Malformed("it is too large");
  pugi::xml_document document;
  const pugi::xml_parse_result parsed =
      document.load_buffer_inplace(body.data(), body.size(), kParseFlags, pugi::encoding_utf8);
  if (!parsed) {
    return Malformed(std::string(parsed.description()) + " at byte " +
                     std::to_string(parsed.offset) + " of " + std::to_string(body.size()));
  }
  const pugi::xml_node root = document.first_child();
  if (std::string_view(root.name()) != "ListBucketResult") {
    return Malformed("its root element is ", root.name());
  }

  PageBuilder builder(std::string_view(root.child_value("EncodingType")) == "url");
  bool has_prefixes = false;
  for (pugi::xml_node part = root.first_child(); part; part = part.next_sibling()) {
    const std::string_view name = part.name();
    if (name == "Contents") {
      OBJECTPIPES_RETURN_IF_ERROR(builder.AddObject(ReadFields(part)));
    } else if (name == "CommonPrefixes") {
      OBJECTPIPES_RETURN_IF_ERROR(builder.AddPrefix(part.child_value("Prefix")));
      has_prefixes = true;
    }
  }
  // Objects and prefixes come in two lists; a page has the one order of keys.
  if (has_prefixes) builder.SortEntries();
  OBJECTPIPES_RETURN_IF_ERROR(builder.SetNextToken(root));
  return builder.Finish();
}

}  // namespace objectpipes
