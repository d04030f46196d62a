#include "cli/rules.h"

#include <algorithm>

#include "base/error.h"
#include "base/mapped_file.h"
#include "format/json.h"

namespace idleheads::cli {

std::vector<Intervention> parse_rules(const std::vector<std::string>& rules, const Calibration& calibration) {
  std::vector<Intervention> out;
  for (const std::string& text : rules) {
    const auto rule = parse_rule(text);
    if (const auto* share = std::get_if<ShareRule>(&rule)) {
      out.push_back(ScoreRule{share->score, calibration(*share)});
    } else {
      out.push_back(std::get<Intervention>(rule));
    }
  }
  return out;
}

FixedHeads read_mask(const std::string& file) {
  const Json json = parse_json(read_text_file(file), file);
  if (!json.is_object())
    fail("{}: expected an object of layers with lists of heads, as in {{\"5\": [0, 3]}}", file);
  FixedHeads fixed;
  for (const auto& [layer, heads] : json.items()) {
    if (!heads.is_array()) fail("{}: layer '{}': expected a list of head numbers", file, printable(layer));
    for (const Json& head : heads) {
      if (!head.is_number_integer())
        fail("{}: layer '{}': expected a list of head numbers", file, printable(layer));
      fixed.heads.push_back(parse_head(fmt::format("{}.{}", layer, head.get<int64_t>())));
    }
  }
  std::sort(fixed.heads.begin(), fixed.heads.end());
  fixed.heads.erase(std::unique(fixed.heads.begin(), fixed.heads.end()), fixed.heads.end());
  return fixed;
}

}  // namespace idleheads::cli
