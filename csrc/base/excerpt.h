// Makes text from a server fit into an error message: one line of limited length.
#pragma once

#include <string>
#include <string_view>

namespace objectpipes {

// Runs of white space and control characters become one space. A text that is too long ends in
// "...".
std::string Excerpt(std::string_view text);

// The same for the body of a reply, in quotes: the <title> of an HTML page that has one, otherwise
// the beginning.
std::string ExcerptOfPage(std::string_view body);

}  // namespace objectpipes
