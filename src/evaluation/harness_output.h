// An evaluation as text and files, as lm-evaluation-harness has them.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "evaluation/task_runs.h"
#include "report/harness/harness_results.h"

namespace idleheads {

std::vector<HarnessTask> harness_tasks(const RuleRun& run);

// What was run, the tables of lm-evaluation-harness, one set an intervention, and what differs from all heads
// on, in `width` columns where it fits.
std::string eval_text(const HarnessRun& described, const std::vector<RuleRun>& runs, int width);
std::string eval_json(const std::string& model, const std::vector<RuleRun>& runs);

// Writes results_*.json, and samples_*.jsonl if asked for, below `folder`: <model>/, and <model>/<rule>/
// where heads were switched off. Returns the paths of the results. Throws Error for what cannot be written.
std::vector<std::string> write_eval(const std::string& folder, const HarnessRun& described,
                                    const std::vector<RuleRun>& runs, bool samples);

}  // namespace idleheads
