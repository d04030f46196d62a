// "Did you mean": the nearest valid name to a mistyped one.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace idleheads {

// Number of single-character insertions, deletions, substitutions and swaps of neighbours between `a` and
// `b`.
size_t edit_distance(std::string_view a, std::string_view b);

// The name with the smallest edit distance to `name` if it is plausibly meant (distance at most a third of
// the longer length, at least 2), else empty. Ties go to the first.
std::string_view nearest_name(std::string_view name, std::span<const std::string> names);

// ", did you mean 'x'?" or, with no plausible name, "; valid: a, b, c".
std::string suggestion(std::string_view name, std::span<const std::string> names);

}  // namespace idleheads
