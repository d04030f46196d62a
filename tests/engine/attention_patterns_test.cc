// The attention weights of chosen heads (RunOptions::attention): those of the slow forward pass, for every
// family, and that asking for them changes nothing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

#include "engine/cut_models.h"
#include "engine/family_bits.h"
#include "engine/family_golden.h"
#include "engine/head_grid.h"
#include "support/errors.h"

namespace idleheads {
namespace {

// Of all heads, in an order that is not theirs.
std::vector<HeadId> all_heads(const ModelSpec& spec) {
  std::vector<HeadId> heads = head_shape(spec).present();
  std::ranges::reverse(heads);
  return heads;
}

// One long sample, a beginning of it, and one that leaves it half way.
std::vector<Sample> some_samples(const ModelSpec& spec) {
  std::mt19937 random(11);
  std::vector<Sample> samples = {test::make_sample(test::random_tokens(random, 37, spec.vocabulary), 0)};
  std::vector<int32_t> tokens(samples[0].tokens.begin(), samples[0].tokens.begin() + 18);
  samples.push_back(test::make_sample(tokens, 1));
  for (const int32_t token : test::random_tokens(random, 5, spec.vocabulary)) tokens.push_back(token);
  samples.push_back(test::make_sample(tokens, 2));
  return samples;
}

const std::vector<Intervention> kRules = {std::monostate{}, parse_intervention("L0H1"),
                                          parse_intervention("random<0.3")};

class AttentionPatterns : public testing::TestWithParam<std::string> {
 protected:
  std::shared_ptr<const Model> model() const {
    return Model::open((test::family_folder() / GetParam()).string(), test::context_of(GetParam()));
  }
  std::vector<PathResult> run(const EngineOptions& options, const RunOptions& what = {.stats = true}) const {
    Engine engine(model(), options);
    return engine.run(some_samples(engine.model().spec()), kRules, what);
  }
};

TEST_P(AttentionPatterns, AreThoseOfTheReference) {
  const std::shared_ptr<const Model> model = this->model();
  const std::vector<Sample> samples = some_samples(model->spec());
  const std::vector<HeadId> heads = all_heads(model->spec());
  const std::vector<PathResult> got = run({.threads = 2, .precision = Precision::f32}, {.attention = heads});
  for (size_t i = 0; i < got.size(); ++i) {
    const reference::Result want =
        reference::forward(*model, samples[i / kRules.size()], kRules[i % kRules.size()]);
    ASSERT_EQ(got[i].attention.size(), heads.size());
    for (size_t n = 0; n < heads.size(); ++n) {
      const AttentionPattern& pattern = got[i].attention[n];
      const auto& rows =
          want.attention[static_cast<size_t>(heads[n].layer)][static_cast<size_t>(heads[n].head)];
      ASSERT_EQ(pattern.head(), heads[n]);
      ASSERT_EQ(static_cast<size_t>(pattern.tokens()), rows.size());
      for (size_t t = 0; t < rows.size(); ++t) {
        const std::span<const float> row = pattern.row(static_cast<int64_t>(t));
        for (size_t k = 0; k <= t; ++k)
          ASSERT_NEAR(row[k], rows[t][k], test::kStatTolerance)
              << i << " " << to_string(heads[n]) << " " << t << " " << k;
      }
    }
  }
}

// Rows sum to 1, and with a sink to what it leaves; columns give the token with the most of all.
TEST_P(AttentionPatterns, AddUpToTheStatistics) {
  const std::vector<HeadId> heads = all_heads(model()->spec());
  for (const PathResult& result :
       run({.threads = 1, .precision = Precision::f32}, {.stats = true, .attention = heads})) {
    for (const AttentionPattern& pattern : result.attention) {
      const HeadStats& stats =
          result.stats.layer(pattern.head().layer)[static_cast<size_t>(pattern.head().head)];
      double sum = 0, first = 0;
      for (int64_t t = 0; t < pattern.tokens(); ++t) {
        const std::span<const float> row = pattern.row(t);
        const double of_row = std::accumulate(row.begin(), row.end(), 0.0);
        if (get(stats, Stat::sink_weight) == 0) {
          EXPECT_NEAR(of_row, 1, 1e-5);
        }
        sum += of_row;
        first += double{row[0]};
      }
      const auto tokens = static_cast<double>(pattern.tokens());
      EXPECT_NEAR(sum / tokens, 1 - double{get(stats, Stat::sink_weight)}, 1e-5);
      EXPECT_NEAR(first / tokens, get(stats, Stat::first_weight), 1e-5);
      EXPECT_NEAR(std::ranges::max(pattern.received()), get(stats, Stat::top_weight), 1e-5);
    }
  }
}

// However samples come together; and no other result changes by asking.
TEST_P(AttentionPatterns, AreTheSameBitsAndChangeNone) {
  const std::vector<HeadId> heads = all_heads(model()->spec());
  const RunOptions asked = {.stats = true, .attention = heads};
  std::vector<Precision> precisions = {Precision::f32};
  if (has_bf16()) precisions.push_back(Precision::bf16);
  for (const Precision precision : precisions) {
    const std::vector<PathResult> unasked = run({.threads = 2, .precision = precision});
    const std::vector<PathResult> want = run({.threads = 1, .precision = precision, .sharing = false}, asked);
    for (const EngineOptions& options :
         {EngineOptions{.threads = 3, .precision = precision},
          EngineOptions{.threads = 2, .precision = precision, .rows = 40, .stream_weights = true}}) {
      const std::vector<PathResult> got = run(options, asked);
      for (size_t i = 0; i < got.size(); ++i) {
        test::expect_same_bits(unasked[i], got[i], fmt::format("path {}", i));
        for (size_t n = 0; n < heads.size(); ++n)
          EXPECT_TRUE(test::same_bits(want[i].attention[n].weights(), got[i].attention[n].weights())) << i;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, AttentionPatterns, testing::ValuesIn(test::family_names()),
                         [](const auto& test) { return test.param; });

TEST(AttentionPatternsOfCutModels, AreOfTheHeadsThatThereAre) {
  const std::shared_ptr<const Model> model = test::cut_model("no_attention");
  const std::vector<Sample> samples = some_samples(model->spec());
  const std::vector<HeadId> heads = all_heads(model->spec());
  Engine engine(model, {.threads = 1, .precision = Precision::f32});
  const auto got = engine.run(samples, kRules, {.attention = heads});
  const reference::Result want = reference::forward(*model, samples[0], std::monostate{});
  for (const AttentionPattern& pattern : got[0].attention) {
    const auto& row = want.attention[static_cast<size_t>(pattern.head().layer)]
                                    [static_cast<size_t>(pattern.head().head)][36];
    for (size_t k = 0; k < row.size(); ++k) EXPECT_NEAR(pattern.row(36)[k], row[k], test::kStatTolerance);
  }
  const auto fault_of = [&](HeadId head) {
    return test::error_of<UsageError>([&] { engine.run(samples, kRules, {.attention = {head}}); });
  };
  EXPECT_THAT(fault_of({1, 0}), testing::HasSubstr("head L1H0 does not exist: it was cut from this model"));
  EXPECT_THAT(fault_of({9, 0}), testing::HasSubstr("L9H0"));
}

class PatternMemory : public testing::Test {
 protected:
  static constexpr int64_t kTokens = 3000;
  PatternMemory() {
    std::mt19937 random(2);
    samples_.push_back(test::make_sample(test::random_tokens(random, kTokens, 97), 0));
  }
  static std::shared_ptr<const Model> model() {
    return Model::open((test::family_folder() / "qwen3").string(), kTokens);
  }
  std::vector<PathResult> run(int64_t memory) const {
    Engine engine(model(), {.threads = 1, .precision = Precision::f32, .memory = memory});
    return engine.run(samples_, {{std::monostate{}}}, {.attention = {{0, 0}, {1, 1}}});
  }
  std::vector<Sample> samples_;
};

// What the refusal asks for is enough, but for what the process itself takes on between two calls.
TEST_F(PatternMemory, IsBoundedAndNamed) {
  constexpr int64_t kMiB = 1 << 20;
  const auto memory_asked_for = [](const std::string& fault) {
    const size_t at = fault.find("at least ");
    return at == std::string::npos ? 0 : (std::stoll(fault.substr(at + 9)) + 4) * kMiB;
  };
  const int64_t for_rows = memory_asked_for(test::error_of<UsageError>([&] { run(kMiB); }));
  const std::string fault = test::error_of<UsageError>([&] { run(for_rows); });
  EXPECT_THAT(fault, testing::StartsWith("--memory: the attention patterns take 35 MiB "));
  EXPECT_THAT(fault, testing::HasSubstr("(heads: 2, prompts: 1 of up to 3000 tokens, interventions: 1)"));
  const std::vector<PathResult> got = run(memory_asked_for(fault)), want = run(0);
  for (size_t n = 0; n < 2; ++n)
    EXPECT_TRUE(test::same_bits(got[0].attention[n].weights(), want[0].attention[n].weights()));
}

}  // namespace
}  // namespace idleheads
