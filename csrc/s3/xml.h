// S3's XML as servers write it: with prefixes, indentation, CDATA sections and entities.
#pragma once

#include <pugixml.hpp>
#include <string>
#include <string_view>

#include "base/status.h"

namespace objectpipes {

// For AppendXmlText(): text stays as it was sent, including white space.
inline constexpr unsigned kXmlParseFlags =
    pugi::parse_minimal | pugi::parse_cdata | pugi::parse_embed_pcdata | pugi::parse_ws_pcdata;

// kProtocol unless the document is in UTF-8, declares no other encoding, and has no control
// characters that XML forbids. In another encoding, a name would become that of another object.
Status CheckXmlEncoding(std::string_view document);

// "Key" of <Key> and of <s3:Key>.
std::string_view XmlName(const pugi::xml_node& element);

// Appends the text of an element, with references replaced. kProtocol if it contains an element, or
// a reference that XML does not define.
Status AppendXmlText(const pugi::xml_node& element, std::string* out);

// The text of an element, without the white space around it; empty if it cannot be read. Not for
// names.
std::string XmlValue(const pugi::xml_node& element);

// Without the white space of XML at both ends.
std::string_view TrimXml(std::string_view text);

// The first child of that name, whatever its prefix.
pugi::xml_node XmlChild(const pugi::xml_node& element, std::string_view name);

}  // namespace objectpipes
