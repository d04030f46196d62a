// Regular expressions as Python's `re` writes them, by the Rust crate `regex`: linear in the length of the
// text.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

struct idleheads_regex;

namespace idleheads {

// Immutable; may be used by several threads. Patterns are the program's own, so a wrong one is a logic_error.
// Not as in Python: `$` is the end of the text alone (write \n?\z for Python's), literal braces need a
// backslash, and there is no look-around.
class Regex {
 public:
  explicit Regex(std::string_view pattern);

  // The first match that begins at `from` or later: [0] is the whole of it, then its groups (those that did
  // not take part are empty and have no data).
  using Match = std::vector<std::string_view>;
  std::optional<Match> find(std::string_view text, size_t from = 0) const;

  // Every match replaced, from the left: Python's re.sub. In `to`, \1 to \9 stand for the match's groups.
  std::string replaced(std::string_view text, std::string_view to) const;

  // All matches that do not overlap, from the left: [0] of each.
  std::vector<std::string_view> find_all(std::string_view text) const;

 private:
  struct Deleter {
    void operator()(idleheads_regex* regex) const;
  };
  std::unique_ptr<idleheads_regex, Deleter> regex_;
  size_t groups_ = 1;  // the whole match counted
};

}  // namespace idleheads
