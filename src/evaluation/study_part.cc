#include "evaluation/study_part.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "base/fail.h"
#include "studyfile/store_check.h"

namespace idleheads {
namespace {

StudyStore joined_study(const PartSettings& request, const PartStudy& study) {
  StudyStore joined = StudyStore::open_read_only(request.plan);
  const std::string name = printable(request.plan, 300);
  require_same_settings(name, joined.settings(), study.settings);
  require_same_documents(name, joined.documents(), study.task.stored);
  if (joined.plan().empty())
    fail("{}: it has no thresholds yet; merge the baselines of all parts into it first", name);
  return joined;
}

// The next rounds of what the joined file has not decided.
std::vector<AskedDocuments> next_rounds(const StudyStore& joined, const DecisionOptions& terms,
                                        int64_t rounds) {
  std::vector<AskedDocuments> out;
  const PlanDecisions decisions(joined, terms);
  for (const PlanDecisions::Group& group : decisions.open_groups()) {
    AskedDocuments& asked = out.emplace_back(group.interventions, std::vector<int64_t>{});
    const size_t end =
        std::min(decisions.rounds(group.generation), group.round + static_cast<size_t>(rounds));
    for (size_t r = group.round; r < end; ++r) {
      const std::vector<int64_t> documents = decisions.documents_of(group.generation, r);
      asked.documents.insert(asked.documents.end(), documents.begin(), documents.end());
    }
  }
  return out;
}

// The plan of all parts, and what of it is to be asked now.
void take_plan(const PartSettings& request, const PartStudy& study, StudyStore& store,
               StudyOptions& options) {
  const StudyStore joined = joined_study(request, study);
  store.set_plan(joined.plan());
  store.set_order(joined.order().value_or(order_for(study.task)));
  store.take_outputs(joined.outputs());
  if (!options.decide) return;
  if (const auto terms = joined.decision_terms()) store.set_decision_terms(*terms);
  store.set_decision_terms(options.decide->terms);
  options.asked = next_rounds(joined, options.decide->terms, request.rounds);
}

}  // namespace

void begin_part(const PartSettings& request, const PartStudy& study, StudyStore& store,
                StudyOptions& options) {
  const Shard shard = request.shard;
  const Settings stored = store.settings();
  const auto begun = stored.find(kShardSetting);
  if (begun == stored.end() || begun->second != to_string(shard)) {
    fail("{}: begun as {}, not as part {}; use another --output", printable(study.output, 300),
         begun == stored.end() ? "a whole study" : "part " + begun->second, to_string(shard));
  }
  options.documents = shard_ranges(study.task.stored, shard.count)[static_cast<size_t>(shard.number - 1)];
  options.round = request.plan.empty() ? Round::baseline : Round::interventions;
  if (!request.plan.empty()) take_plan(request, study, store, options);
  options.decide.reset();  // which takes all parts
}

}  // namespace idleheads
