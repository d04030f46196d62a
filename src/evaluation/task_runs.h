// Tasks under interventions, as an Evaluation runs them.
#pragma once

#include <string>
#include <vector>

#include "idleheads/evaluation/evaluation.h"
#include "idleheads/study/evaluate.h"

namespace idleheads {

// Rules as users write them (parse_rule), as interventions for one task: shares become thresholds, for the
// statistics of the model with all heads on over the same questions. These are made once, and only if a rule
// needs them.
std::vector<Intervention> interventions_for(Engine& engine, const PreparedTask& task,
                                            const std::vector<std::string>& rules,
                                            const EvaluateOptions& options);

// Runs the task and adds it to the runs of its interventions, new ones at the end; what gives zeros and what
// gives means (options.means) are two.
void evaluate_task(Engine& engine, const PreparedTask& task, const std::vector<Intervention>& interventions,
                   const EvaluateOptions& options, std::vector<RuleRun>& runs);

// Compares each run with the baseline, if there is one.
void add_differences(std::vector<RuleRun>& runs, uint64_t seed);

}  // namespace idleheads
