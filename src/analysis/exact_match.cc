#include "analysis/exact_match.h"

#include <algorithm>

namespace idleheads {
namespace {

constexpr std::string_view kMark = "#### ";
constexpr std::string_view kInvalid = "[invalid]";
constexpr std::string_view kDigits = "0123456789";

// Length of the run of `characters` that `text` has at `at`.
size_t run_length(std::string_view text, size_t at, std::string_view characters) {
  return std::min(text.find_first_not_of(characters, at), text.size()) - at;
}

// Length of the match of the flexible filter that begins at `at`; 0 if none does.
size_t flexible_match(std::string_view text, size_t at) {
  const size_t sign = text[at] == '-' ? 1 : 0;
  const size_t number = run_length(text, at + sign, "$0123456789.,");
  if (number >= 2) return sign + number;
  const size_t digits = run_length(text, at + sign, kDigits);
  return digits > 0 ? sign + digits : 0;
}

// What is compared of a text.
std::string comparable(std::string_view text) {
  std::string out;
  std::ranges::copy_if(text, std::back_inserter(out), [](char c) { return c != ',' && c != '$'; });
  if (const size_t mark = out.rfind(kMark); mark != std::string::npos) out.erase(0, mark + kMark.size());
  const size_t end = out.ends_with('\n') ? out.size() - 1 : out.size();
  if (out.ends_with('.')) {
    out.pop_back();
  } else if (end > 0 && out[end - 1] == '.') {
    out.erase(end - 1, 1);
  }
  std::ranges::transform(out, out.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return out;
}

}  // namespace

std::string strict_match(std::string_view response) {
  for (size_t mark = response.find(kMark); mark != std::string_view::npos;
       mark = response.find(kMark, mark + 1)) {
    const size_t begin = mark + kMark.size();
    const size_t sign = begin < response.size() && response[begin] == '-' ? 1 : 0;
    const size_t number = run_length(response, begin + sign, "0123456789.,");
    if (number > 0) return std::string(response.substr(begin, sign + number));
  }
  return std::string(kInvalid);
}

std::string flexible_extract(std::string_view response) {
  std::string_view last = kInvalid;
  for (size_t at = 0; at < response.size();) {
    const size_t length = flexible_match(response, at);
    if (length > 0) last = response.substr(at, length);
    at += std::max<size_t>(1, length);
  }
  return std::string(last);
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
