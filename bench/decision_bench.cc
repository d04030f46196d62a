// How much of a full study the decisions on the paper's 14 models need, by model and block size: simulated
// answers, the program's own code. Prints a table.
#include <fmt/format.h>

#include <algorithm>

#include "analysis/simulated_study.h"

namespace {

using namespace idleheads;

constexpr int kRepeats = 5;

SimulatedWork mean_work(const PaperModel& model, bool many_flips, std::span<const int> subjects,
                        BlockOrderOptions options) {
  SimulatedWork mean;
  for (int i = 0; i < kRepeats; ++i, ++options.seed) {
    const SimulatedWork work = simulate(model, many_flips, subjects, options);
    mean.share += work.share / kRepeats;
    mean.decisions += work.decisions;
    mean.wrong += work.wrong;
  }
  return mean;
}

void print_table(bool many_flips, std::span<const int> subjects) {
  const std::vector<BlockOrderOptions> columns = {
      {8, 100, 1, 0}, {4, 100, 1, 0}, {2, 100, 1, 0}, {1, 100, 1, 0}, {1, 30, 1, 0}};
  fmt::print(
      "\n| {} answers change | 8 a block | 4 | 2 | 1 | 1, 30 rounds | wrong "
      "|\n|---|---|---|---|---|---|---|\n",
      many_flips ? "many" : "few");
  std::vector<double> means(columns.size(), 0.);
  const std::vector<PaperModel> models = paper_models(IDLEHEADS_PROJECT_DATA);
  int64_t wrong = 0, decisions = 0;
  for (const PaperModel& model : models) {
    fmt::print("| {} |", model.name);
    int64_t wrong_of_model = 0;
    for (size_t i = 0; i < columns.size(); ++i) {
      const SimulatedWork work = mean_work(model, many_flips, subjects, columns[i]);
      fmt::print(" {:.1f} % |", 100 * work.share);
      means[i] += work.share / static_cast<double>(models.size());
      wrong_of_model += work.wrong;
      decisions += work.decisions;
    }
    fmt::print(" {} |\n", wrong_of_model);
    wrong += wrong_of_model;
  }
  fmt::print("| mean |");
  for (const double mean : means) fmt::print(" {:.1f} % |", 100 * mean);
  fmt::print(" {} of {} |\n", wrong, decisions);
}

}  // namespace

int main() {
  const std::vector<int> subjects = mmlu_subjects(IDLEHEADS_TEST_DATA);
  for (const bool many_flips : {false, true}) print_table(many_flips, subjects);
}
