// The end of a forward pass: from the last layer's masks to what samples ask for.
#include <algorithm>
#include <unordered_map>

#include "engine/forward_pass.h"

namespace idleheads {
namespace {

int64_t last_position(const Sample& sample) { return std::ssize(sample.tokens) - 1; }

std::vector<int32_t> distinct(std::vector<int32_t> tokens) {
  std::ranges::sort(tokens);
  const auto repeated = std::ranges::unique(tokens);
  tokens.erase(repeated.begin(), repeated.end());
  return tokens;
}

// The rows that somebody asks something of, each once.
class Questions {
 public:
  Questions(const RowBatch& batch, std::span<const RowSource> sources) : batch_(batch), sources_(sources) {}

  // The number among those asked of a path's row.
  size_t at(const Path& path, int64_t position) {
    const int64_t row = batch_.row_of(path, position);
    const auto [entry, added] = numbers_.try_emplace(row, rows.size());
    if (added) {
      rows.push_back(sources_[static_cast<size_t>(row)]);
      queries.emplace_back();
    }
    return entry->second;
  }

  // The place of a token's log-probability in the row's answer.
  size_t ask(size_t row, int32_t token) {
    std::vector<int32_t>& tokens = queries[row].tokens;
    const auto found = std::ranges::find(tokens, token);
    const auto place = static_cast<size_t>(found - tokens.begin());
    if (found == tokens.end()) tokens.push_back(token);
    return place;
  }

  std::vector<RowSource> rows;
  std::vector<RowQuery> queries;

 private:
  const RowBatch& batch_;
  std::span<const RowSource> sources_;
  std::unordered_map<int64_t, size_t> numbers_;  // by row of the batch
};

}  // namespace

void ForwardPass::finish_and_score(const Branching& branching) {
  struct Answer {
    size_t row, place;
  };
  Questions questions(batch_, branching.rows);
  std::vector<std::vector<Answer>> answers(batch_.paths().size());
  for (size_t p = 0; p < answers.size(); ++p) {
    const Path& path = batch_.paths()[p];
    const Sample& sample = samples_[static_cast<size_t>(path.sample)];
    for (const Target& target : sample.targets) {
      const size_t row = questions.at(path, target.position);
      answers[p].push_back({row, questions.ask(row, target.token)});
    }
    if (sample.want_next_token || sample.want_last_logits) {
      const size_t row = questions.at(path, last_position(sample));
      if (sample.want_last_logits) questions.queries[row].all_logits = true;
      // Paths that share the row have the same tokens up to it.
      if (options_.repetition_penalty != 1) questions.queries[row].penalized = distinct(sample.tokens);
    }
  }
  backend_.finish_layer(branching.masks, questions.rows);
  const std::vector<RowScores> scores = backend_.score(questions.queries, options_.repetition_penalty);
  for (size_t p = 0; p < answers.size(); ++p) {
    const Path& path = batch_.paths()[p];
    const Sample& sample = samples_[static_cast<size_t>(path.sample)];
    PathResult& result = results_[static_cast<size_t>(path.number)];
    for (size_t t = 0; t < answers[p].size(); ++t) {
      const RowScores& row = scores[answers[p][t].row];
      result.log_probs.push_back(row.log_probs[answers[p][t].place]);
      result.is_greedy.push_back(row.argmax == sample.targets[t].token);
    }
    if (sample.want_next_token || sample.want_last_logits) {
      const RowScores& last = scores[questions.at(path, last_position(sample))];
      result.next_token = last.next_token;
      result.last_logits = last.logits;
    }
  }
}

}  // namespace idleheads
