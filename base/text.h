#pragma once

// Text that people read: what others sent is shown in terminals, pages and logs. Pure; safe from any thread.

#include <cstddef>
#include <string>
#include <string_view>

namespace base {

// Bytes of the UTF-8 character at the front of `text` (RFC 3629: no overlong form, no surrogate, nothing above
// U+10FFFF); 0 if there is none, or `text` is empty.
std::size_t utf8_length(std::string_view text) noexcept;

// Empty if `text` can be shown to people as it is. Otherwise what is wrong, as the end of a sentence ("it is not
// UTF-8"): bytes that are no UTF-8; control characters (C0, DEL, C1, line and paragraph separators), which could fake
// the output of a terminal; characters that turn the direction of what stands beside them (U+202E and the others of
// Unicode's Bidi_Control); and those that cannot be seen (zero width, tags, noncharacters), by which two names look the
// same. The joiners U+200C and U+200D are let through: Persian and many other texts need them.
std::string_view flaw_of_text(std::string_view text) noexcept;

// `text` without flaws: each byte or character that has one is '?'. At most `bytes_max` bytes; no character is cut.
std::string without_flaws(std::string_view text, std::size_t bytes_max);

}  // namespace base
