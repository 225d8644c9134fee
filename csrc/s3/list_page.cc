#include "s3/list_page.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <string_view>
#include <utility>

#include "base/ascii.h"
#include "base/excerpt.h"
#include "base/utc_time.h"
#include "s3/etag.h"
#include "s3/xml.h"

namespace objectpipes {
namespace {

// The parameters that a next_token may name.
constexpr std::string_view kContinuationToken = "continuation-token";  // V2
constexpr std::string_view kStartAfter = "start-after";                // V2
constexpr std::string_view kMarker = "marker";                         // V1

constexpr size_t kMaxPageSize = size_t{64} << 20;
// Far beyond what a page has. Each element takes 64 bytes of memory, however short its text.
constexpr ptrdiff_t kMaxPageTags = 1'000'000;

std::string_view ParameterOf(std::string_view token) { return token.substr(0, token.find('=')); }

std::string NextToken(std::string_view parameter, std::string_view value) {
  return std::string(parameter).append("=").append(value);
}

// The size of S3's pages if the request names none.
constexpr size_t kDefaultMaxKeys = 1000;

// A listing that cannot be trusted.
Status Malformed(const std::string& what, std::string_view culprit = {}) {
  return Status(StatusCode::kProtocol,
                "The server's listing is malformed: " + what + Excerpt(culprit),
                StatusDetail{"MalformedListing"});
}

// A reply that is not a listing.
Status NoListing(const std::string& why) {
  return Status::Protocol("The server's reply is not a listing: " + why);
}

std::optional<int64_t> ParseCount(std::string_view text) {
  if (text.substr(0, 1) == "+") text.remove_prefix(1);
  const std::optional<int64_t> count = ParseInteger<int64_t>(text);
  return count.value_or(-1) < 0 ? std::nullopt : count;
}

// Turns the elements of the document into the parts of a page.
//
// A fact about an object that cannot be read is unknown. Only what could lose or change a key is an
// error.
class PageBuilder {
 public:
  PageBuilder(bool url_encoded, ListVersion asked) : url_encoded_(url_encoded), asked_(asked) {}

  Status AddObject(const pugi::xml_node& contents);
  Status AddPrefixes(const pugi::xml_node& common_prefixes);
  void SortEntries();
  Status SetNextToken(const pugi::xml_node& root);
  ListPage Finish() { return std::move(page_); }

 private:
  ListEntry::Text TextFrom(size_t offset) const {
    return {static_cast<uint32_t>(offset), static_cast<uint32_t>(page_.text.size() - offset)};
  }
  Status AppendName(const pugi::xml_node& element, std::string* out);
  Status SetMarker(const pugi::xml_node& root);
  bool IsFull(const pugi::xml_node& root) const;
  // The text of an element without white space around it; valid until the next call.
  std::string_view Value(const pugi::xml_node& element);

  const bool url_encoded_;
  const ListVersion asked_;
  ListPage page_;
  std::string scratch_;
};

std::string_view PageBuilder::Value(const pugi::xml_node& element) {
  scratch_.clear();
  if (!AppendXmlText(element, &scratch_).ok()) return {};
  return TrimXml(scratch_);
}

// A key, prefix or marker.
Status PageBuilder::AppendName(const pugi::xml_node& element, std::string* out) {
  scratch_.clear();
  const Status read = AppendXmlText(element, url_encoded_ ? &scratch_ : out);
  if (!read.ok()) return Malformed("a name cannot be read: ", read.message());
  if (url_encoded_ && !AppendUriDecoded(scratch_, Plus::kSpace, out)) {
    return Malformed("a name is not percent-encoded: ", scratch_);
  }
  return Status::Ok();
}

// Sets a fact about an object. The same value twice leaves no doubt, as in CheckUnique().
Status SetFact(const pugi::xml_node& field, pugi::xml_node* fact) {
  if (*fact && XmlValue(*fact) != XmlValue(field)) {
    return Malformed("an object has different values of ", XmlName(field));
  }
  *fact = field;
  return Status::Ok();
}

Status PageBuilder::AddObject(const pugi::xml_node& contents) {
  ListEntry entry;
  pugi::xml_node key, size, etag, modified;
  for (const pugi::xml_node field : contents) {
    const std::string_view name = XmlName(field);
    if (name == "Key") {
      // Two keys are two objects that were merged, even if they are equal.
      if (key) return Malformed("an object has two keys");
      key = field;
      const size_t offset = page_.text.size();
      OBJECTPIPES_RETURN_IF_ERROR(AppendName(field, &page_.text));
      entry.key = TextFrom(offset);
    } else if (name == "Size") {
      OBJECTPIPES_RETURN_IF_ERROR(SetFact(field, &size));
      entry.size = ParseCount(Value(field)).value_or(-1);
    } else if (name == "ETag") {
      OBJECTPIPES_RETURN_IF_ERROR(SetFact(field, &etag));
      const size_t offset = page_.text.size();
      page_.text.append(WithoutQuotes(Value(field)));
      entry.etag = TextFrom(offset);
    } else if (name == "LastModified") {
      OBJECTPIPES_RETURN_IF_ERROR(SetFact(field, &modified));
      entry.mtime = ParseTime(Value(field)).value_or(kUnknownTime);
    }
  }
  if (entry.key.size == 0) return Malformed("an object has no key");
  page_.entries.push_back(entry);
  return Status::Ok();
}

Status PageBuilder::AddPrefixes(const pugi::xml_node& common_prefixes) {
  for (const pugi::xml_node prefix : common_prefixes) {
    if (XmlName(prefix) != "Prefix") continue;
    const size_t offset = page_.text.size();
    OBJECTPIPES_RETURN_IF_ERROR(AppendName(prefix, &page_.text));
    ListEntry entry;
    entry.key = TextFrom(offset);
    entry.is_prefix = true;
    if (entry.key.size == 0) return Malformed("a common prefix is empty");
    page_.entries.push_back(entry);
  }
  return Status::Ok();
}

void PageBuilder::SortEntries() {
  std::stable_sort(page_.entries.begin(), page_.entries.end(),
                   [this](const ListEntry& a, const ListEntry& b) {
                     return page_.view(a.key) < page_.view(b.key);
                   });
}

// Whether it has as many entries as the server puts into one page.
bool PageBuilder::IsFull(const pugi::xml_node& root) const {
  const int64_t max_keys = ParseCount(XmlValue(XmlChild(root, "MaxKeys"))).value_or(0);
  return page_.entries.size() >= (max_keys > 0 ? static_cast<size_t>(max_keys) : kDefaultMaxKeys);
}

Status PageBuilder::SetNextToken(const pugi::xml_node& root) {
  const std::string truncated = ToLower(XmlValue(XmlChild(root, "IsTruncated")));
  if (truncated == "false" || truncated == "0") return Status::Ok();
  const bool said = !truncated.empty();
  if (said && truncated != "true" && truncated != "1") {
    return Malformed("IsTruncated is neither true nor false: ", truncated);
  }

  const std::string token = XmlValue(XmlChild(root, "NextContinuationToken"));
  if (asked_ == ListVersion::kV2 && !token.empty()) {
    page_.next_token = NextToken(kContinuationToken, token);
    return Status::Ok();
  }
  if (!said && XmlValue(XmlChild(root, "NextMarker")).empty() && !IsFull(root)) return Status::Ok();
  const bool is_v1 = asked_ == ListVersion::kV1 || !XmlChild(root, "KeyCount");
  if (is_v1) return SetMarker(root);
  if (said || page_.entries.empty()) {
    return Malformed("it is incomplete, but has no token for the next page");
  }
  page_.next_token = NextToken(kStartAfter, page_.view(page_.entries.back().key));
  return Status::Ok();
}

// The next page begins after NextMarker or, as is usual without a delimiter, after the last name.
Status PageBuilder::SetMarker(const pugi::xml_node& root) {
  std::string marker;
  OBJECTPIPES_RETURN_IF_ERROR(AppendName(XmlChild(root, "NextMarker"), &marker));
  if (marker.empty() && page_.entries.empty()) {
    return Malformed("it is incomplete, but has no marker for the next page");
  }
  page_.next_token =
      NextToken(kMarker, marker.empty() ? page_.view(page_.entries.back().key) : marker);
  return Status::Ok();
}

// Elements that decide how names are read, and whether more of them follow, have one value.
Status CheckUnique(const pugi::xml_node& root) {
  for (const std::string_view name :
       {"EncodingType", "IsTruncated", "NextContinuationToken", "NextMarker"}) {
    std::optional<std::string> first;
    for (const pugi::xml_node part : root) {
      if (XmlName(part) != name) continue;
      std::string value = XmlValue(part);
      if (value != first.value_or(value)) {
        return Malformed("it has different values of ", name);
      }
      first = std::move(value);
    }
  }
  return Status::Ok();
}

}  // namespace

ListVersion VersionOf(const ListRequest& request, ListVersion first_page) {
  if (request.token.empty()) return first_page;
  return ParameterOf(request.token) == kMarker ? ListVersion::kV1 : ListVersion::kV2;
}

QueryParameters ListQuery(const ListRequest& request, ListVersion first_page) {
  QueryParameters query = {{"encoding-type", "url"}, {"prefix", request.prefix}};
  if (!request.delimiter.empty()) query.emplace_back("delimiter", request.delimiter);

  const bool v1 = VersionOf(request, first_page) == ListVersion::kV1;
  if (!v1) query.emplace_back("list-type", "2");
  if (!request.token.empty()) {
    const std::string_view token = request.token;
    query.emplace_back(ParameterOf(token), token.substr(ParameterOf(token).size() + 1));
  } else if (!request.start_after.empty()) {
    query.emplace_back(v1 ? kMarker : kStartAfter, request.start_after);
  }
  return query;
}

bool KnowsNoV2(const Status& failure, bool first_page, ListVersion asked) {
  return failure.code() == StatusCode::kNotSupported && first_page && asked == ListVersion::kV2;
}

Status AppendToPage(const char* data, size_t size, std::string* body) {
  if (body->size() + size > kMaxPageSize) {
    return Status::Protocol("The server sent a list page longer than any of S3");
  }
  body->append(data, size);
  return Status::Ok();
}

Result<ListPage> ParseListPage(std::string body, ListVersion asked) {
  if (body.size() > std::numeric_limits<uint32_t>::max()) return Malformed("it is too large");
  if (std::count(body.begin(), body.end(), '<') > kMaxPageTags) {
    return Malformed("it has more elements than any page");
  }
  const Status encoding = CheckXmlEncoding(body);
  if (!encoding.ok()) return Malformed(encoding.message());
  pugi::xml_document document;
  const pugi::xml_parse_result parsed =
      document.load_buffer_inplace(body.data(), body.size(), kXmlParseFlags, pugi::encoding_utf8);
  if (!parsed) {
    return NoListing(std::string(parsed.description()) + " at byte " +
                     std::to_string(parsed.offset) + " of " + std::to_string(body.size()));
  }
  const pugi::xml_node root = document.first_child();
  if (XmlName(root) != "ListBucketResult") {
    return NoListing("its root element is " + Excerpt(root.name()));
  }
  if (root.next_sibling()) return Malformed("it has two root elements");

  OBJECTPIPES_RETURN_IF_ERROR(CheckUnique(root));
  const std::string name_encoding = XmlValue(XmlChild(root, "EncodingType"));
  if (!name_encoding.empty() && ToLower(name_encoding) != "url") {
    return Malformed("its names are in an unknown encoding: ", name_encoding);
  }
  PageBuilder builder(!name_encoding.empty(), asked);
  bool has_prefixes = false;
  for (const pugi::xml_node part : root) {
    const std::string_view name = XmlName(part);
    if (name == "Contents") {
      OBJECTPIPES_RETURN_IF_ERROR(builder.AddObject(part));
    } else if (name == "CommonPrefixes") {
      OBJECTPIPES_RETURN_IF_ERROR(builder.AddPrefixes(part));
      has_prefixes = true;
    }
  }
  // Objects and prefixes come in two lists. A page has both in the order of keys.
  if (has_prefixes) builder.SortEntries();
  OBJECTPIPES_RETURN_IF_ERROR(builder.SetNextToken(root));
  return builder.Finish();
}

}  // namespace objectpipes
