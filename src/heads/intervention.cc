#include "idleheads/heads/intervention.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/fail.h"

namespace idleheads {
namespace {

template <typename T>
bool parse_number(std::string_view text, T& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() && !text.empty();
}

ScoreRule parse_score_rule(std::string_view text, size_t at) {
  const Score& score = require_score(text.substr(0, at));
  const char direction = score.inactive_above ? '>' : '<';
  if (text[at] != direction) {
    fail_usage("rule '{}': heads are inactive where {} is {} the threshold, write {}{}...", printable(text),
               score.slug, score.inactive_above ? "above" : "below", score.slug, direction);
  }
  float threshold = 0;
  if (!parse_number(text.substr(at + 1), threshold) || std::isnan(threshold)) {
    fail_usage("rule '{}': '{}' is not a number", printable(text), printable(text.substr(at + 1)));
  }
  return {&score, threshold};
}

ShareRule parse_share_rule(std::string_view text, size_t at) {
  const Score& score = require_score(text.substr(0, at));
  std::string_view digits = text.substr(at + 1);
  double percent = 0;
  if (!digits.ends_with('%') || !parse_number(digits.substr(0, digits.size() - 1), percent) ||
      !(percent >= 0 && percent <= 100)) {
    fail_usage("rule '{}': expected a share in percent from 0% to 100%, as in {}@15%", printable(text),
               score.slug);
  }
  return {&score, percent / 100};
}

FixedHeads parse_head_list(std::string_view text) {
  FixedHeads fixed;
  while (true) {
    const size_t comma = text.find(',');
    fixed.heads.push_back(parse_head(text.substr(0, comma)));
    if (comma == std::string_view::npos) break;
    text.remove_prefix(comma + 1);
  }
  std::sort(fixed.heads.begin(), fixed.heads.end());
  fixed.heads.erase(std::unique(fixed.heads.begin(), fixed.heads.end()), fixed.heads.end());
  return fixed;
}

bool looks_like_head(std::string_view text) {
  return !text.empty() && (std::isdigit(static_cast<unsigned char>(text[0])) ||
                           ((text[0] == 'L' || text[0] == 'l') && text.size() > 1 &&
                            std::isdigit(static_cast<unsigned char>(text[1]))));
}

}  // namespace

std::string to_string(HeadId id) { return fmt::format("L{}H{}", id.layer, id.head); }

HeadId parse_head(std::string_view text) {
  const auto malformed = [&] {
    fail_usage("'{}' is not a head; write layer and head counted from 0, as in L5H3, 5.3 or 5-3",
               printable(text));
  };
  std::string_view rest = text;
  if (rest.starts_with('L') || rest.starts_with('l')) rest.remove_prefix(1);
  const size_t split = rest.find_first_not_of("0123456789");
  if (split == std::string_view::npos) malformed();
  HeadId id;
  if (!parse_number(rest.substr(0, split), id.layer)) malformed();
  rest.remove_prefix(split);
  if (rest.starts_with(".H") || rest.starts_with(".h")) rest.remove_prefix(1);
  if (!(rest[0] == 'H' || rest[0] == 'h' || rest[0] == '.' || rest[0] == '-')) malformed();
  rest.remove_prefix(1);
  if (rest.starts_with('-') || !parse_number(rest, id.head)) malformed();
  return id;
}

int64_t HeadMask::count() const {
  return std::count_if(off_.begin(), off_.end(), [](uint8_t off) { return off != 0; });
}

double HeadMask::share() const {
  const int64_t heads = shape_.count();
  return heads == 0 ? 0 : static_cast<double>(count()) / static_cast<double>(heads);
}

std::string to_string(const Intervention& intervention) {
  if (const auto* rule = std::get_if<ScoreRule>(&intervention)) {
    return fmt::format("{}{}{}", rule->score->slug, rule->score->inactive_above ? '>' : '<', rule->threshold);
  }
  if (const auto* fixed = std::get_if<FixedHeads>(&intervention); fixed && !fixed->heads.empty()) {
    std::vector<std::string> names;
    for (const HeadId id : fixed->heads) names.push_back(to_string(id));
    return fmt::format("{}", fmt::join(names, ","));
  }
  return "none";
}

std::variant<Intervention, ShareRule> parse_rule(std::string_view text) {
  if (text == "none") return Intervention{};
  if (looks_like_head(text)) return Intervention{parse_head_list(text)};
  const size_t at = text.find_first_of("<>@");
  if (at == std::string_view::npos) {
    const size_t end = text.find_first_of("=: ");
    require_score(text.substr(0, end));  // the likelier mistake is the name
    fail_usage("rule '{}': expected {}<NUMBER, {}@SHARE% or a list of heads (L0H1,L5H3)", printable(text),
               printable(text.substr(0, end)), printable(text.substr(0, end)));
  }
  if (text[at] == '@') return parse_share_rule(text, at);
  return Intervention{parse_score_rule(text, at)};
}

Intervention parse_intervention(std::string_view text) {
  const auto rule = parse_rule(text);
  if (const auto* intervention = std::get_if<Intervention>(&rule)) return *intervention;
  fail_usage("rule '{}': a share needs a calibration, give a threshold here", printable(text));
}

void decide_mask(const Intervention& intervention, std::span<const HeadStats> layer, int layer_index,
                 RandomKey key, std::span<uint8_t> mask) {
  std::fill(mask.begin(), mask.end(), uint8_t{0});
  if (const auto* rule = std::get_if<ScoreRule>(&intervention)) {
    std::vector<float> scores(layer.size());
    compute_scores(*rule->score, layer, layer_index, key, scores);
    for (size_t h = 0; h < scores.size(); ++h)
      mask[h] = is_inactive(*rule->score, scores[h], rule->threshold);
  } else if (const auto* fixed = std::get_if<FixedHeads>(&intervention)) {
    for (const HeadId id : fixed->heads) {
      if (id.layer == layer_index) mask[static_cast<size_t>(id.head)] = 1;
    }
  }
}

}  // namespace idleheads
