// What strangers sent, made fit for a message of ours: one line, of bearable length.
#pragma once

#include <string>
#include <string_view>

namespace objectpipes {

// White space and control characters become single spaces; what is too long ends in "...".
std::string Excerpt(std::string_view text);

// Of the body of a reply, quoted: its <title> if it is a page that has one, otherwise how it
// begins.
std::string ExcerptOfPage(std::string_view body);

}  // namespace objectpipes
