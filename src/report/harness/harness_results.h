// Results as lm-evaluation-harness 0.4.5 writes them: results_*.json with samples_*.jsonl beside it, for
// scripts that read those (docs/tasks.md says what is left out). And its table for the terminal.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "idleheads/analysis/accuracy.h"
#include "idleheads/analysis/frequency.h"
#include "idleheads/studyfile/store.h"
#include "report/exports/output_file.h"

namespace idleheads {

// A task under one intervention.
struct HarnessTask {
  std::string name;           // "mmlu"
  std::string version;        // of the format: "1.0"
  std::string group_version;  // of rows over several subjects: "2"
  std::string output_type;    // "multiple_choice"
  int shots = 0;
  std::vector<Metric> metrics;
  std::vector<SubjectRow> rows;                                 // subject_rows()
  std::map<std::string, int64_t, std::less<>> documents;        // by subject: of the data set
  std::map<std::string, int64_t, std::less<>> documents_taken;  // by subject: after --limit
  std::vector<std::string> until;                               // stop strings, where text is generated
  std::map<std::string, std::string, std::less<>> configs;      // by subject: Task::harness_configs
};

// The harness' name of a row's task or group: "mmlu", "mmlu_social_sciences", "mmlu_formal_logic".
std::string harness_name(std::string_view task, std::string_view subject);

// The tables that the harness prints: tasks with their subjects, and below it the rows over several subjects.
std::string harness_tables(std::span<const HarnessTask> tasks);

// The run that results are of.
struct HarnessRun {
  std::string model;   // without the folders of this machine (base/portable_name.h)
  std::string commit;  // of idleheads
  int64_t parameters = 0;
  std::string dtype;  // "bf16"
  std::optional<double> limit;
  int64_t max_length = 0;
  uint64_t fewshot_seed = 1234;
  std::optional<std::string> chat_template;
  bool multiturn = false;
  std::string system;
  std::optional<std::pair<std::string, int64_t>> bos, eos;  // text and id
  double start = 0, end = 0;                                // Unix time
  Settings settings;  // what decides the results (study/describe.h), written as they are
};

// Heads that were switched off, for the keys that the paper's scripts add.
struct HarnessAblation {
  std::string rule;  // to_string(Intervention)
  HeadFrequency frequency;
  bool mean = false;  // they gave their means, not zeros
};

// The text of results_*.json. `hashes`: of the samples by task, from HarnessSampleFile; may be empty.
std::string harness_results_json(const HarnessRun& run, std::span<const HarnessTask> tasks,
                                 const std::optional<HarnessAblation>& ablation,
                                 const std::map<std::string, std::string>& hashes);

// A document as it was put to the model, with what came out.
struct HarnessSample {
  struct Request {
    std::string_view context;
    std::optional<std::string_view> continuation;  // multiple_choice
  };
  int64_t number = 0;    // within the subject
  std::string_view row;  // of the data set: a JSON object
  std::string_view target;
  std::vector<Request> requests;  // one a choice, or one
  const StoredDocument* document = nullptr;
  const StoredResult* result = nullptr;
};

// The filters of a task's metrics in their order; a sample has a line for each.
std::vector<std::string> harness_filters(const HarnessTask& task);

// One samples_*.jsonl; it appears at finish().
class HarnessSampleFile {
 public:
  // Keeps a reference to `task`.
  HarnessSampleFile(const HarnessTask& task, const std::filesystem::path& path);
  void add(const HarnessSample& sample, std::string_view filter);
  // Returns the hash of all samples that results_*.json has.
  std::string finish();

 private:
  const HarnessTask& task_;
  OutputFile file_;
  std::string hashes_;
};

// Any text as the harness makes a part of a path of it: each run of "<>:/|\?*[] becomes "__".
std::string harness_path_name(std::string_view text);

}  // namespace idleheads
