#include "prune/check.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "idleheads/study/evaluate.h"

namespace idleheads {
namespace {

using TaskResults = std::vector<StoredResult>;

std::vector<TaskResults> all_results(Engine& engine, const PreparedTask& task,
                                     std::span<const Intervention> interventions, const HeadMeans* means,
                                     const ProgressCallback& progress) {
  return results_under(engine, task, all_documents(task), interventions, task.task.name, progress, means);
}

bool same_bits(const StoredResult& a, const StoredResult& b) {
  const auto &x = a.log_likelihoods, &y = b.log_likelihoods;
  return a.response == b.response && x.size() == y.size() &&
         std::memcmp(x.data(), y.data(), x.size() * sizeof(float)) == 0;
}

void compare_bits(const TaskResults& expected, const TaskResults& results, WrittenCheck& check) {
  for (size_t i = 0; i < expected.size(); ++i) {
    check.other_bits += !same_bits(expected[i], results[i]);
    for (size_t k = 0; k < results[i].log_likelihoods.size(); ++k) {
      const double difference =
          double{results[i].log_likelihoods[k]} - double{expected[i].log_likelihoods[k]};
      check.largest_difference = std::max(check.largest_difference, std::abs(difference));
    }
  }
}

}  // namespace

std::vector<WrittenCheck> check_written(const std::shared_ptr<const Model>& original,
                                        const std::shared_ptr<const Model>& written, const FixedHeads& heads,
                                        const HeadMeans* means, const std::vector<PreparedTask>& tasks,
                                        const MakeEngine& make_engine, double confidence,
                                        const ProgressCallback& progress) {
  const std::vector<Intervention> both = {std::monostate{}, heads}, none = {std::monostate{}};
  std::vector<std::vector<TaskResults>> expected;
  {
    const std::unique_ptr<Engine> engine = make_engine(original);
    for (const PreparedTask& task : tasks)
      expected.push_back(all_results(*engine, task, both, means, progress));
  }
  std::vector<WrittenCheck> checks;
  const std::unique_ptr<Engine> engine = make_engine(written);
  for (size_t t = 0; t < tasks.size(); ++t) {
    const TaskResults results = std::move(all_results(*engine, tasks[t], none, nullptr, progress).front());
    WrittenCheck& check = checks.emplace_back();
    check.comparison = compare_answers(tasks[t], expected[t][0], results, confidence);
    compare_bits(expected[t][1], results, check);
  }
  return checks;
}

}  // namespace idleheads
