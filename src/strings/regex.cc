#include "strings/regex.h"

#include <algorithm>
#include <cstdint>
#include <stdexcept>

#include "idleheads_text.h"

namespace idleheads {

void Regex::Deleter::operator()(idleheads_regex* regex) const { idleheads_regex_free(regex); }

Regex::Regex(std::string_view pattern) {
  idleheads_string error = {nullptr, 0};
  regex_.reset(idleheads_regex_compile({pattern.data(), pattern.size()}, &error));
  if (!regex_) {
    const std::string message(error.data, error.size);
    idleheads_string_free(error);
    throw std::logic_error("regular expression: " + message);
  }
  groups_ += static_cast<size_t>(std::ranges::count(pattern, '('));  // or a few more than it has
}

std::optional<Regex::Match> Regex::find(std::string_view text, size_t from) const {
  std::vector<idleheads_span> spans(groups_);
  if (!idleheads_regex_find(regex_.get(), {text.data(), text.size()}, from, spans.data(), spans.size()))
    return std::nullopt;
  Match match;
  for (const idleheads_span& span : spans)
    match.push_back(span.end == SIZE_MAX ? std::string_view()
                                         : text.substr(span.begin, span.end - span.begin));
  return match;
}

std::vector<std::string_view> Regex::find_all(std::string_view text) const {
  std::vector<std::string_view> found;
  for (size_t at = 0; at <= text.size();) {
    const std::optional<Match> match = find(text, at);
    if (!match) break;
    found.push_back((*match)[0]);
    at = static_cast<size_t>((*match)[0].data() - text.data()) + std::max<size_t>(1, (*match)[0].size());
  }
  return found;
}

std::string Regex::replaced(std::string_view text, std::string_view to) const {
  std::string out;
  size_t at = 0;  // what is before it is in `out`
  for (size_t from = 0; from <= text.size();) {
    const std::optional<Match> match = find(text, from);
    if (!match) break;
    const std::string_view whole = (*match)[0];
    const auto begin = static_cast<size_t>(whole.data() - text.data());
    out.append(text, at, begin - at);
    for (size_t i = 0; i < to.size(); ++i) {
      const bool group = to[i] == '\\' && i + 1 < to.size() && to[i + 1] >= '1' && to[i + 1] <= '9';
      if (!group) {
        out += to[i];
        continue;
      }
      const auto number = static_cast<size_t>(to[++i] - '0');
      out += number < match->size() ? (*match)[number] : std::string_view();
    }
    at = begin + whole.size();
    from = at + (whole.empty() ? 1 : 0);
  }
  return out.append(text, at);
}

}  // namespace idleheads
