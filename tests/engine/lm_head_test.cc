// Log-probabilities over pieces of the vocabulary against a log-softmax in double.
#include "engine/cpu/lm_head.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>

#include "base/mapped_file.h"
#include "engine/random_values.h"
#include "format/json.h"

namespace idleheads {
namespace {

constexpr int64_t kHidden = 24;

using test::random_values;

struct Head {
  int64_t vocabulary;
  std::vector<float> matrix, norm;
  PackedHead packed;

  explicit Head(int64_t size) : Head(size, random_values(size * kHidden, 1)) {}
  Head(int64_t size, std::vector<float> weights)
      : vocabulary(size), matrix(std::move(weights)), norm(random_values(kHidden, 2)) {
    set_norm(norm);
    ThreadPool pool(1);
    packed.pieces = WeightSequence<Linear>::resident(
        (vocabulary + kVocabularyPiece - 1) / kVocabularyPiece, pool, [&](int64_t i) {
          const int64_t first = i * kVocabularyPiece, count = std::min(kVocabularyPiece, vocabulary - first);
          return Linear(std::span(matrix).subspan(static_cast<size_t>(first * kHidden),
                                                  static_cast<size_t>(count * kHidden)),
                        count, kHidden, Precision::f32);
        });
  }

  void set_norm(const std::vector<float>& weight) {
    norm = weight;
    NormWeights weights;
    weights.weight.resize(kHidden);
    std::ranges::copy(weight, weights.weight.data());
    packed.final_norm = Norm({.kind = NormSpec::Kind::rms, .epsilon = 1e-5f}, std::move(weights), kHidden);
  }

  std::vector<double> logits(const float* x) const {
    double squares = 0;
    for (int64_t i = 0; i < kHidden; ++i) squares += double{x[i]} * x[i];
    const double scale = 1 / std::sqrt(squares / kHidden + 1e-5);
    std::vector<double> out;
    for (int64_t v = 0; v < vocabulary; ++v) {
      double sum = 0;
      for (int64_t i = 0; i < kHidden; ++i)
        sum += x[i] * scale * norm[static_cast<size_t>(i)] * matrix[static_cast<size_t>(v * kHidden + i)];
      out.push_back(sum);
    }
    return out;
  }
};

// score_rows with scratch of its own.
std::vector<RowScores> score(Head& head, const std::vector<float>& hidden, std::span<const RowQuery> queries,
                             ThreadPool& pool, float penalty = 1) {
  const auto rows = static_cast<int64_t>(queries.size());
  std::vector<float> normed(static_cast<size_t>(whole_tiles(rows) * kHidden), std::nanf(""));
  const ScoredRows scored = {{hidden.data(), rows, kHidden}, {normed.data(), whole_tiles(rows), kHidden}};
  return score_rows(head.packed, scored, queries, pool, penalty);
}

double log_sum_exp(const std::vector<double>& logits) {
  const double top = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (const double x : logits) sum += std::exp(x - top);
  return top + std::log(sum);
}

TEST(LmHead, EqualsLogSoftmaxInDouble) {
  ThreadPool pool(2);
  for (const int64_t vocabulary : {1, 97, 4095, 4096, 4097, 10000}) {
    Head head(vocabulary);
    const int64_t rows = vocabulary < 100 ? 130 : 5;
    const std::vector<float> hidden = random_values(rows * kHidden, 3);
    std::vector<RowQuery> queries(static_cast<size_t>(rows));
    const auto last = static_cast<int32_t>(vocabulary - 1);
    for (size_t r = 0; r < queries.size(); ++r) {
      queries[r].tokens = {last, 0, last / 2, std::min(last, 4095), std::min(last, 4096)};
      queries[r].all_logits = r % 3 == 0;
    }
    queries[1].tokens.clear();
    const auto got = score(head, hidden, queries, pool);
    for (size_t r = 0; r < queries.size(); ++r) {
      const std::vector<double> logits = head.logits(hidden.data() + static_cast<int64_t>(r) * kHidden);
      const std::string place = fmt::format("vocabulary {} row {}", vocabulary, r);
      ASSERT_EQ(got[r].log_probs.size(), queries[r].tokens.size()) << place;
      for (size_t i = 0; i < queries[r].tokens.size(); ++i) {
        EXPECT_NEAR(got[r].log_probs[i],
                    logits[static_cast<size_t>(queries[r].tokens[i])] - log_sum_exp(logits), 1e-4)
            << place;
      }
      const auto argmax = std::max_element(logits.begin(), logits.end()) - logits.begin();
      EXPECT_NEAR(logits[static_cast<size_t>(got[r].argmax)], logits[static_cast<size_t>(argmax)], 1e-5);
      ASSERT_EQ(got[r].logits.size(), queries[r].all_logits ? logits.size() : 0) << place;
      for (size_t v = 0; v < got[r].logits.size(); ++v)
        ASSERT_NEAR(got[r].logits[v], logits[v], 1e-4) << place;
    }
  }
}

// Equal logits, also in different pieces: the first token wins, and is_greedy means it alone.
TEST(LmHead, ArgmaxIsTheFirstOfTheLargest) {
  ThreadPool pool(1);
  // One term a sum, so that equal rows give equal logits on every processor.
  std::vector<float> weights(5000 * kHidden, 0.0f);
  for (size_t v = 0; v < 5000; ++v) weights[v * kHidden] = 0.5f;
  Head head(5000, weights);
  const std::vector<float> hidden = random_values(kHidden, 4);
  const std::vector<RowQuery> queries = {{{0, 4999}, false, {}}};
  const auto got = score(head, hidden, queries, pool);
  EXPECT_EQ(got[0].argmax, 0);
  for (const float x : got[0].log_probs) EXPECT_NEAR(x, -std::log(5000.0), 1e-5);
}

// Logits of some hundreds: probabilities underflow, their logarithms do not.
TEST(LmHead, VeryUnlikelyTokensKeepFiniteLogProbs) {
  ThreadPool pool(1);
  std::vector<float> weights(4200 * kHidden, 0.0f);
  for (int64_t i = 0; i < kHidden; ++i) weights[static_cast<size_t>(4150 * kHidden + i)] = 40;
  Head head(4200, weights);
  head.set_norm(std::vector<float>(kHidden, 1.0f));
  const std::vector<float> hidden(kHidden, 1.0f);
  const std::vector<RowQuery> queries = {{{4150, 7}, false, {}}};
  const auto got = score(head, hidden, queries, pool);
  EXPECT_EQ(got[0].argmax, 4150);
  EXPECT_NEAR(got[0].log_probs[0], 0, 1e-6);
  EXPECT_NEAR(got[0].log_probs[1], -40.0 * kHidden, 0.1);
}

// transformers' RepetitionPenaltyLogitsProcessor: a logit below 0 is multiplied, others are divided. One term
// a sum, so the logits are exact: 3 for token 4200, 2 for 10, -1 for 5, and -2 elsewhere.
TEST(LmHead, RepetitionPenaltyChangesTheChoiceAlone) {
  ThreadPool pool(1);
  std::vector<float> weights(5000 * kHidden, 0.0f);
  const auto set = [&](int64_t token, float logit) { weights[static_cast<size_t>(token * kHidden)] = logit; };
  for (int64_t v = 0; v < 5000; ++v) set(v, -2);
  set(5, -1);
  set(10, 2);
  set(4200, 3);
  Head head(5000, weights);
  head.set_norm(std::vector<float>(kHidden, 1.0f));
  const std::vector<float> hidden(kHidden, 1.0f);
  const auto choice = [&](std::vector<int32_t> penalized, float penalty) {
    const std::vector<RowQuery> queries = {{{10, 4200}, true, std::move(penalized)}};
    const RowScores scores = score(head, hidden, queries, pool, penalty)[0];
    EXPECT_EQ(scores.argmax, 4200);
    EXPECT_NEAR(scores.logits[4200], 3, 1e-4);
    EXPECT_NEAR(scores.log_probs[1] - scores.log_probs[0], 1, 1e-4);
    return scores.next_token;
  };
  EXPECT_EQ(choice({}, 2), 4200);
  EXPECT_EQ(choice({4200}, 1), 4200);
  EXPECT_EQ(choice({4200}, 2), 10);           // 1.5 against 2
  EXPECT_EQ(choice({10, 4200}, 2), 4200);     // 1.5 against 1
  EXPECT_EQ(choice({10, 4200}, 0.5f), 4200);  // 6 against 4
  std::vector<int32_t> all(5000);
  std::iota(all.begin(), all.end(), 0);
  EXPECT_EQ(choice(all, 2), 4200);
}

// Negative logits become smaller, not larger, so that what was written before loses against an equal.
TEST(LmHead, RepetitionPenaltyMultipliesNegativeLogits) {
  ThreadPool pool(1);
  std::vector<float> weights(300 * kHidden, 0.0f);
  for (size_t v = 0; v < 300; ++v) weights[v * kHidden] = -1;
  Head head(300, weights);
  head.set_norm(std::vector<float>(kHidden, 1.0f));
  const std::vector<float> hidden(kHidden, 1.0f);
  const std::vector<RowQuery> queries = {{{}, false, {0, 1, 2}}, {{}, false, {0, 2}}};
  std::vector<float> two(hidden);
  two.insert(two.end(), hidden.begin(), hidden.end());
  const auto scores = score(head, two, queries, pool, 1.5f);
  EXPECT_EQ(scores[0].next_token, 3);
  EXPECT_EQ(scores[1].next_token, 1);
  EXPECT_EQ(scores[0].argmax, 0);
}

// What transformers chooses (tools/make_repetition_penalty_golden.py).
TEST(LmHead, RepetitionPenaltyIsTransformers) {
  ThreadPool pool(1);
  const std::string path = std::string(IDLEHEADS_TEST_DATA) + "/golden/repetition_penalty.json";
  const Json file = parse_json(read_text_file(path), path);
  int changed = 0;
  for (const Json& golden : file.at("cases")) {
    const auto logits = golden.at("logits").get<std::vector<float>>();
    std::vector<float> weights(logits.size() * kHidden, 0.0f);
    for (size_t v = 0; v < logits.size(); ++v) weights[v * kHidden] = logits[v];
    Head head(std::ssize(logits), weights);
    head.set_norm(std::vector<float>(kHidden, 1.0f));
    const std::vector<float> hidden(kHidden, 1.0f);
    const std::vector<RowQuery> queries = {{{}, false, golden.at("tokens").get<std::vector<int32_t>>()}};
    const RowScores scores = score(head, hidden, queries, pool, golden.at("penalty").get<float>())[0];
    EXPECT_EQ(scores.next_token, golden.at("choice").get<int32_t>()) << golden.at("penalty");
    changed += scores.next_token != scores.argmax;
  }
  EXPECT_GT(changed, 5) << "the penalty makes a difference";
}

TEST(LmHead, NoRowsAreNoWork) {
  ThreadPool pool(2);
  Head head(97);
  EXPECT_TRUE(score(head, {}, {}, pool).empty());
}

}  // namespace
}  // namespace idleheads
