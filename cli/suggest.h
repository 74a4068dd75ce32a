#pragma once

// "Did you mean ...?"

#include <span>
#include <string>
#include <string_view>

namespace cli {

// Insertions, deletions, replacements and swaps of neighbours that turn one into the other.
std::size_t edit_distance(std::string_view a, std::string_view b);

// The candidate that is closest to `word`, if it is close enough to be a slip of the fingers; otherwise empty.
std::string closest(std::string_view word, std::span<const std::string> candidates);

}  // namespace cli
