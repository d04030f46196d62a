#include "cli/values.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/fail.h"
#include "base/words.h"

namespace idleheads::cli {
namespace {

std::string not_one_of(const std::string& word, const std::vector<std::string>& words) {
  if (words.size() == 2)
    return fmt::format("'{}' is neither '{}' nor '{}'", printable(word), words[0], words[1]);
  return fmt::format("'{}' is none of {}", printable(word), fmt::join(words, ", "));
}

// `range`: what the error says behind "is no".
template <typename Number, typename InRange>
CLI::Validator number_in(const InRange& is_in_range, const std::string& range) {
  const auto check = [=](std::string& text) -> std::string {
    Number value{};
    if (CLI::detail::lexical_cast(text, value) && is_in_range(value)) return "";
    return fmt::format("'{}' is no {}", printable(text), range);
  };
  return {check, ""};  // a description would stand in the help
}

}  // namespace

CLI::Validator one_of(const std::vector<std::string>& words,
                      const std::function<std::string(const std::string&)>& hint) {
  const auto spell = [=](std::string& text) -> std::string {
    for (const std::string& word : words) {
      if (lower_case(word) != lower_case(text)) continue;
      text = word;
      return "";
    }
    return not_one_of(text, words) + (hint ? hint(text) : "");
  };
  return {spell, fmt::format("{{{}}}", fmt::join(words, ","))};
}

CLI::Validator whole_number(int64_t least, int64_t most) {
  return number_in<int64_t>([=](int64_t value) { return value >= least && value <= most; },
                            fmt::format("whole number from {} to {}", least, most));
}

CLI::Validator number(double least, double most) {
  return number_in<double>([=](double value) { return value >= least && value <= most; },
                           fmt::format("number from {} to {}", least, most));
}

CLI::Validator positive_number(double most) {
  return number_in<double>([=](double value) { return value > 0 && value <= most; },
                           fmt::format("number above 0 and up to {}", most));
}

}  // namespace idleheads::cli
