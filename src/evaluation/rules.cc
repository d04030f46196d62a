#include "evaluation/rules.h"

#include "base/fail.h"
#include "idleheads/studyfile/plan.h"
#include "model/checkpoint.h"

namespace idleheads {

Calibration calibration_of_study(const std::string& file, const Model& model) {
  auto store = std::make_shared<const StudyStore>(StudyStore::open_read_only(file));
  const Settings settings = store->settings();
  const auto found = settings.find("model.fingerprint");
  if (found == settings.end() || found->second != model.checkpoint().fingerprint()) {
    const auto name = settings.find("info.model");
    fail("study {}: it is of another model{}, not {}", printable(file, 300),
         name == settings.end() ? "" : fmt::format(" ({})", printable(name->second)),
         printable(model.name(), 300));
  }
  return [store, file](const ShareRule& rule) { return planned_rule(*store, rule, file).threshold; };
}

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
