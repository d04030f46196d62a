// The end of a descent: from the last layer's masks to what samples ask for.
#include <algorithm>
#include <map>

#include "engine/descent.h"
#include "engine/lm_head.h"

namespace idleheads {
namespace {

int64_t last_position(const Sample& sample) { return static_cast<int64_t>(sample.tokens.size()) - 1; }

std::vector<int32_t> distinct(std::vector<int32_t> tokens) {
  std::ranges::sort(tokens);
  const auto repeated = std::ranges::unique(tokens);
  tokens.erase(repeated.begin(), repeated.end());
  return tokens;
}

}  // namespace

// After the last layer's masks only the rows with something to score go on.
void Descent::finish_and_score(const PackedLayer& layer, int index, const Step& step) {
  std::map<int64_t, size_t> numbers;  // row of the full cohort -> row that goes on
  std::vector<RowSource> rows;
  std::vector<RowQuery> queries;
  const auto query_at = [&](const Path& path, int64_t position) -> size_t {
    const int64_t row = cohort_.row_of(path, position);
    const auto [entry, added] = numbers.try_emplace(row, rows.size());
    if (added) {
      rows.push_back(step.rows[static_cast<size_t>(row)]);
      queries.emplace_back();
    }
    return entry->second;
  };
  struct Answer {
    size_t row, place;
  };
  std::vector<std::vector<Answer>> answers(cohort_.paths().size());
  for (size_t p = 0; p < cohort_.paths().size(); ++p) {
    const Path& path = cohort_.paths()[p];
    const Sample& sample = samples_[static_cast<size_t>(path.sample)];
    for (const Target& target : sample.targets) {
      const size_t row = query_at(path, target.position);
      std::vector<int32_t>& tokens = queries[row].tokens;
      const auto found = std::find(tokens.begin(), tokens.end(), target.token);
      answers[p].push_back({row, static_cast<size_t>(found - tokens.begin())});
      if (found == tokens.end()) tokens.push_back(target.token);
    }
    if (sample.want_next_token || sample.want_last_logits) {
      const size_t row = query_at(path, last_position(sample));
      if (sample.want_last_logits) queries[row].all_logits = true;
      // Paths that share the row have the same tokens up to it.
      if (options_.repetition_penalty != 1) queries[row].penalized = distinct(sample.tokens);
    }
  }
  finish(layer, index, step.masks, rows);
  // finish() has left the rows in `hidden`, so `next_hidden` is free.
  const auto count = static_cast<int64_t>(rows.size());
  const ScoredRows scored = {{workspace_.hidden.data(), count, config_.hidden},
                             {workspace_.next_hidden.data(), whole_tiles(count), config_.hidden}};
  const std::vector<RowScores> scores =
      score_rows(weights_.head, config_, scored, queries, pool_, options_.repetition_penalty);
  for (size_t p = 0; p < cohort_.paths().size(); ++p) {
    const Path& path = cohort_.paths()[p];
    const Sample& sample = samples_[static_cast<size_t>(path.sample)];
    PathResult& result = results_[static_cast<size_t>(path.number)];
    for (size_t t = 0; t < answers[p].size(); ++t) {
      const RowScores& row = scores[answers[p][t].row];
      result.log_probs.push_back(row.log_probs[answers[p][t].place]);
      result.is_greedy.push_back(row.argmax == sample.targets[t].token);
    }
    if (sample.want_next_token || sample.want_last_logits) {
      const RowScores& last = scores[query_at(path, last_position(sample))];
      result.next_token = last.next_token;
      result.last_logits = last.logits;
    }
  }
}

}  // namespace idleheads
