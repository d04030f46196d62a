// The engine against the paper's authors' code (tests/data/golden/README.md): scores, masks, logits.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

#include "base/mapped_file.h"
#include "engine/golden_cases.h"
#include "format/json.h"
#include "idleheads/engine/engine.h"

namespace idleheads {
namespace {

const std::filesystem::path kGolden = std::filesystem::path(IDLEHEADS_TEST_DATA) / "golden";
const std::string kSmolLM2 = std::string(IDLEHEADS_MODELS) + "/SmolLM2-135M-Instruct.Q4_1.gguf";

Json load(const std::filesystem::path& path) { return parse_json(read_text_file(path), path.string()); }

// Largest differences seen, printed for docs/agreement.md.
struct Largest {
  double relative = 0;
  std::string where;
  void see(double difference, const std::string& place) {
    if (!(difference <= relative)) {
      relative = difference;
      where = place;
    }
  }
};

// The goldens are printed with seven decimals: `rounding` is half a unit of the last one, plus what float32
// leaves of entropies near zero (sums of terms of the order of 1, each right to 6e-8).
void compare_scores(const Json& golden, const SampleStats& stats, double tolerance, double rounding,
                    Largest& largest) {
  for (const Score& score : paper_scores()) {
    if (score.is_random) continue;
    test::for_each_head(score, stats, golden, [&](double got, const Json& number, const std::string& place) {
      const auto want = number.get<double>();
      EXPECT_NEAR(got, want, tolerance * std::abs(want) + rounding) << place;
      largest.see(std::max(0.0, std::abs(got - want) - rounding) / std::abs(want), place);
    });
  }
}

void compare_logits(const Json& golden, const std::vector<float>& logits, double tolerance, Largest& largest,
                    const std::string& place) {
  ASSERT_EQ(golden.size(), logits.size());
  for (size_t i = 0; i < logits.size(); ++i) {
    const double difference = std::abs(logits[i] - golden[i].get<double>());
    EXPECT_LE(difference, tolerance) << place << " logit " << i;
    largest.see(difference, place);
  }
}

class TinyGolden : public testing::TestWithParam<const char*> {};

TEST_P(TinyGolden, ScoresMasksAndLogits) {
  const std::filesystem::path folder = kGolden / "tiny" / GetParam();
  const Json golden = load(folder / "cases.json");
  const std::vector<Sample> samples = test::samples_of(golden.at("cases"));
  Engine engine(Model::open(folder.string()), {.threads = 2, .precision = Precision::f32});

  const std::vector<Intervention> interventions = test::interventions_of(golden.at("interventions"));
  const std::vector<PathResult> results = engine.run(samples, interventions, {.stats = true});
  Largest scores, logits;
  for (size_t s = 0; s < samples.size(); ++s) {
    const PathResult& baseline = results[s * interventions.size()];
    const Json& golden_case = golden.at("cases")[s];
    compare_scores(golden_case.at("scores"), baseline.stats, 1e-4, 5e-7, scores);
    compare_logits(golden_case.at("last_logits"), baseline.last_logits, 1e-3, logits,
                   fmt::format("sample {}", s));
    for (size_t i = 1; i < interventions.size(); ++i) {
      const PathResult& result = results[s * interventions.size() + i];
      const Json& ablated = golden.at("interventions")[i - 1].at("cases")[s];
      const std::string place = fmt::format("sample {} {}", s, to_string(interventions[i]));
      test::expect_mask(ablated.at("mask"), result.mask, place);
      compare_logits(ablated.at("last_logits"), result.last_logits, 1e-3, logits, place);
    }
  }
  RecordProperty("largest_score_difference", fmt::format("{:.2e} at {}", scores.relative, scores.where));
  std::printf("%s: largest relative score difference %.2e (%s), logits %.2e\n", GetParam(), scores.relative,
              scores.where.c_str(), logits.relative);
}

INSTANTIATE_TEST_SUITE_P(Families, TinyGolden, testing::Values("llama", "qwen2", "olmo2"),
                         [](const auto& test) { return std::string(test.param); });

TEST(SmolLM2Golden, ScoresMasksAndLogProbs) {
  if (!std::filesystem::exists(kSmolLM2))
    GTEST_SKIP() << kSmolLM2 << " is missing; run scripts/fetch_model.sh";
  const Json golden = load(kGolden / "smollm2" / "cases.json");
  std::vector<Sample> samples = test::samples_of(golden.at("cases"));
  for (size_t s = 0; s < samples.size(); ++s) {
    samples[s].want_last_logits = false;
    const auto last = static_cast<int32_t>(samples[s].tokens.size()) - 1;
    for (const Json& id : golden.at("cases")[s].at("abcd_ids"))
      samples[s].targets.push_back({last, id.get<int32_t>()});
    samples[s].targets.push_back({last, golden.at("cases")[s].at("argmax").get<int32_t>()});
  }
  Engine engine(Model::open(kSmolLM2), {.threads = 2, .precision = Precision::f32});
  const std::vector<Intervention> interventions = test::interventions_of(golden.at("interventions"));
  const std::vector<PathResult> results = engine.run(samples, interventions, {.stats = true});
  Largest scores;
  double largest_log_prob = 0;
  for (size_t s = 0; s < samples.size(); ++s) {
    const Json& golden_case = golden.at("cases")[s];
    compare_scores(golden_case.at("scores"), results[s * interventions.size()].stats, 2e-3, 5e-7, scores);
    EXPECT_TRUE(results[s * interventions.size()].is_greedy.back());
    for (size_t i = 0; i < interventions.size(); ++i) {
      const PathResult& result = results[s * interventions.size() + i];
      const Json& want = i == 0 ? golden_case : golden.at("interventions")[i - 1].at("cases")[s];
      const std::string place = fmt::format("sample {} {}", s, to_string(interventions[i]));
      if (i > 0) test::expect_mask(want.at("mask"), result.mask, place);
      for (size_t t = 0; t < 4; ++t) {
        const double difference = std::abs(result.log_probs[t] - want.at("abcd_logprobs")[t].get<double>());
        EXPECT_LE(difference, 5e-3) << place << " choice " << t;
        largest_log_prob = std::max(largest_log_prob, difference);
      }
    }
  }
  std::printf("smollm2: largest relative score difference %.2e (%s), log-probabilities %.2e\n",
              scores.relative, scores.where.c_str(), largest_log_prob);
}

}  // namespace
}  // namespace idleheads
