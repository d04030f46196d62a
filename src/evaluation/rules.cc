#include "evaluation/rules.h"

namespace idleheads {

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

}  // namespace idleheads
