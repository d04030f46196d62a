#include "analysis/exact_match.h"

#include <algorithm>

#include "strings/regex.h"

namespace idleheads {
namespace {

constexpr std::string_view kInvalid = "[invalid]";

// What is compared of a text: the harness' regexes_to_ignore are deleted, case does not matter.
std::string comparable(std::string_view text) {
  static const Regex commas(","), dollars(R"(\$)"), to_the_mark("(?s).*#### ");
  static const Regex full_stop(
      R"(\.(\n?)\z)");  // \.$ in Python, where $ is before a line feed at the end, too
  std::string out =
      full_stop.replaced(to_the_mark.replaced(dollars.replaced(commas.replaced(text, ""), ""), ""), R"(\1)");
  std::ranges::transform(out, out.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return out;
}

}  // namespace

std::string strict_match(std::string_view response) {
  static const Regex pattern(R"(#### (\-?[0-9\.\,]+))");
  const std::optional<Regex::Match> match = pattern.find(response);
  return std::string(match ? (*match)[1] : kInvalid);
}

std::string flexible_extract(std::string_view response) {
  static const Regex pattern(R"((-?[$0-9.,]{2,})|(-?[0-9]+))");
  const std::vector<std::string_view> matches = pattern.find_all(response);
  return std::string(matches.empty() ? kInvalid : matches.back());
}

bool exact_match(std::string_view prediction, std::string_view reference) {
  return comparable(prediction) == comparable(reference);
}

std::vector<Contribution> contributions_of_response(std::string_view response, std::string_view reference) {
  const auto score = [&](const std::string& prediction) {
    return exact_match(prediction, reference) ? 1.0 : 0.0;
  };
  return {{Metric::exact_match_strict, score(strict_match(response))},
          {Metric::exact_match_flexible, score(flexible_extract(response))}};
}

}  // namespace idleheads
