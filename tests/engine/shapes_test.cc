// The engine in float32 against the reference over generated shapes: group sizes, head sizes, families,
// lengths, token trees, and every score with a threshold in the middle of its values.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "engine/compare.h"
#include "engine/engine_fixture.h"
#include "idleheads/engine/engine.h"
#include "reference/naive_scores.h"
#include "reference/reference.h"

namespace idleheads {
namespace {

struct Shape {
  const char* family;
  int group, kv_heads, head_dim;
  bool bias = false;
};

std::string name_of(const Shape& s) {
  return fmt::format("{}_group{}_kv{}_dim{}{}", s.family, s.group, s.kv_heads, s.head_dim,
                     s.bias ? "_biased" : "");
}

reference::RandomSpec spec_of(const Shape& s) {
  reference::RandomSpec spec;
  spec.family = s.family;
  spec.heads = s.group * s.kv_heads;
  spec.kv_heads = s.kv_heads;
  spec.head_dim = s.head_dim;
  spec.attention_bias = s.bias;
  spec.mlp_bias = s.bias && spec.family == "llama";  // the MLPs of the others have none
  spec.tied = s.kv_heads % 2 == 0;
  spec.seed = static_cast<unsigned>(1000 * s.group + 10 * s.head_dim + s.kv_heads);
  return spec;
}

std::vector<Sample> samples_of_lengths(std::mt19937& random, const std::vector<size_t>& lengths) {
  std::vector<Sample> samples;
  for (const size_t length : lengths) {
    samples.push_back(test::make_sample(test::random_tokens(random, length, 97), samples.size()));
    samples.back().want_last_logits = true;
  }
  return samples;
}

// For every score a rule whose threshold lies between the two middle values of an unablated pass; random; a
// fixed list; none.
std::vector<Intervention> median_rules(const Model& model, const std::vector<Sample>& samples) {
  std::vector<SampleStats> stats;
  for (const Sample& sample : samples)
    stats.push_back(reference::forward(model, sample, std::monostate{}).stats);
  std::vector<Intervention> rules = {std::monostate{}, parse_intervention("L0H0,L1H0")};
  for (const Score& score : all_scores()) {
    if (score.slug == "sink" && !model.spec().layers[0].attention.sinks) continue;
    std::vector<double> values;
    for (const SampleStats& s : stats) {
      for (int l = 0; l < s.layers; ++l) {
        for (int h = 0; h < s.heads; ++h)
          values.push_back(
              reference::naive_score(score.slug, s.layer(l), static_cast<size_t>(h), l, RandomKey{}));
      }
    }
    const double p = 0.5 + 0.5 / static_cast<double>(values.size());
    rules.push_back(ScoreRule{&score, static_cast<float>(reference::naive_threshold(score.slug, values, p))});
  }
  return rules;
}

// Compares all (sample, rule) pairs where rounding cannot decide a mask; returns the share of them.
double compare(const Model& model, Engine& engine, const std::vector<Sample>& samples,
               const std::vector<Intervention>& rules) {
  const std::vector<PathResult> with = engine.run(samples, rules, {.stats = true});
  const std::vector<PathResult> without = engine.run(samples, rules);
  int compared = 0;
  for (size_t s = 0; s < samples.size(); ++s) {
    for (size_t i = 0; i < rules.size(); ++i) {
      const reference::Result want = reference::forward(model, samples[s], rules[i]);
      if (want.nearest_score < 1e-3) continue;
      const std::string place =
          fmt::format("sample {} of {} tokens, {}", s, samples[s].tokens.size(), to_string(rules[i]));
      const PathResult& got = with[s * rules.size() + i];
      test::expect_close(want, got, samples[s], place);
      PathResult bare = got;
      bare.stats = {};
      test::expect_same_bits(bare, without[s * rules.size() + i], place + " without statistics");
      ++compared;
    }
  }
  return compared / static_cast<double>(samples.size() * rules.size());
}

class ManyShapes : public testing::TestWithParam<Shape> {};

TEST_P(ManyShapes, EqualTheReferenceUnderEveryScore) {
  const test::RandomModel model(spec_of(GetParam()));
  Engine engine(model.get(), {.threads = 2, .precision = Precision::f32});
  std::mt19937 random(7);
  const std::vector<Sample> samples = samples_of_lengths(random, {1, 2, 7, 8, 9, 17});
  EXPECT_GT(compare(*model.get(), engine, samples, median_rules(*model.get(), samples)), 0.8);
}

INSTANTIATE_TEST_SUITE_P(
    Engine, ManyShapes,
    testing::Values(Shape{"llama", 1, 4, 2}, Shape{"qwen2", 1, 3, 6}, Shape{"olmo2", 1, 5, 10},
                    Shape{"llama", 2, 2, 20, true}, Shape{"qwen2", 2, 1, 64}, Shape{"olmo2", 2, 3, 4},
                    Shape{"llama", 3, 1, 40}, Shape{"qwen2", 3, 2, 10}, Shape{"olmo2", 3, 1, 80, true},
                    Shape{"llama", 4, 1, 128}, Shape{"qwen2", 4, 2, 2}, Shape{"olmo2", 4, 1, 66},
                    Shape{"llama", 7, 1, 34, true}, Shape{"qwen2", 7, 2, 6}, Shape{"olmo2", 7, 1, 20}),
    [](const auto& test) { return name_of(test.param); });

// Around whole tiles of rows and blocks of queries, and longer than one attention task.
TEST(EngineLengths, EqualTheReference) {
  for (const Shape& shape : {Shape{"llama", 3, 1, 10}, Shape{"qwen2", 1, 2, 40}, Shape{"olmo2", 2, 1, 6}}) {
    const test::RandomModel model(spec_of(shape));
    Engine engine(model.get(), {.threads = 2, .precision = Precision::f32});
    std::mt19937 random(8);
    const std::vector<Sample> samples = samples_of_lengths(random, {63, 64, 65, 127, 300});
    const std::vector<Intervention> all = median_rules(*model.get(), samples);
    // None, a score of each kind, random.
    const std::vector<Intervention> rules = {all[0], all[3], all[14], all[15], all.back()};
    EXPECT_GT(compare(*model.get(), engine, samples, rules), 0.5) << name_of(shape);
  }
}

// Prefixes of prefixes, equal samples, samples that are a prefix of another; a small vocabulary makes more.
TEST(EngineTrees, EqualTheReference) {
  for (const int vocabulary : {97, 3}) {
    const test::RandomModel model(spec_of({"llama", 2, 2, 10}));
    Engine engine(model.get(), {.threads = 2, .precision = Precision::f32});
    std::mt19937 random(static_cast<unsigned>(vocabulary));
    std::vector<Sample> samples = test::random_tree(random, 12, vocabulary);
    samples.push_back(samples[3]);
    samples.back().id = 99;
    std::vector<Sample> few(samples.begin(), samples.begin() + 4);
    EXPECT_GT(compare(*model.get(), engine, samples, median_rules(*model.get(), few)), 0.8);
  }
}

// Several pieces of the vocabulary, the last one not whole; more layers than the other models.
TEST(EngineShapes, DeepModelWithALargeVocabulary) {
  reference::RandomSpec spec = spec_of({"qwen2", 2, 2, 8});
  spec.layers = 5;
  spec.vocabulary = 4096 + 33;
  const test::RandomModel model(spec);
  Engine engine(model.get(), {.threads = 2, .precision = Precision::f32});
  std::mt19937 random(4);
  std::vector<Sample> samples = samples_of_lengths(random, {3, 12});
  for (Sample& sample : samples) sample.targets = {{0, 4095}, {0, 4096}, {1, 4128}, {2, 0}};
  const std::vector<Intervention> rules = {std::monostate{}, parse_intervention("random<0.4")};
  EXPECT_EQ(compare(*model.get(), engine, samples, rules), 1.0);
}

TEST(EngineShapes, Bf16IsNearFloat32) {
  if (!has_bf16()) GTEST_SKIP() << "no bf16 products on this processor";
  const test::RandomModel model(spec_of({"llama", 2, 2, 16}));
  std::mt19937 random(5);
  const std::vector<Sample> samples = test::random_tree(random, 5, 97);
  const std::vector<Intervention> none = {std::monostate{}};
  Engine exact(model.get(), {2, Precision::f32, true}), fast(model.get(), {2, Precision::bf16, true});
  const auto a = exact.run(samples, none), b = fast.run(samples, none);
  // Eight bits of mantissa on products' inputs, two layers deep.
  for (size_t s = 0; s < samples.size(); ++s) EXPECT_NEAR(a[s].log_probs[1], b[s].log_probs[1], 0.05);
}

// Nothing to score: masks and statistics alone.
TEST(EngineShapes, SamplesWithoutTargets) {
  const test::RandomModel model(spec_of({"llama", 2, 2, 10}));
  Engine engine(model.get(), {.threads = 2, .precision = Precision::f32});
  Sample sample;
  sample.tokens = {1, 2, 3};
  const std::vector<Intervention> rules = {parse_intervention("ahon_ln<1")};
  EXPECT_GT(compare(*model.get(), engine, {sample}, rules) + 1, 0);
  const PathResult result = engine.run(std::span(&sample, 1), rules)[0];
  EXPECT_TRUE(result.log_probs.empty());
  EXPECT_TRUE(result.last_logits.empty());
  EXPECT_EQ(result.mask.layers(), 2);
}

// The seed, and the sample's id, decide the random masks; nothing else does.
TEST(EngineShapes, RandomMasksFollowSeedAndSample) {
  const test::RandomModel model(spec_of({"llama", 4, 4, 4}));
  Engine engine(model.get(), {.threads = 2, .precision = Precision::f32});
  std::vector<Sample> samples(2, test::make_sample({4, 5, 6}, 10));
  samples[1].id = 11;
  const std::vector<Intervention> rules = {parse_intervention("random<0.5")};
  const auto first = engine.run(samples, rules, {.seed = 1}), again = engine.run(samples, rules, {.seed = 1});
  const auto other = engine.run(samples, rules, {.seed = 2});
  for (size_t s = 0; s < 2; ++s) {
    EXPECT_EQ(first[s].mask, again[s].mask);
    EXPECT_NE(first[s].mask, other[s].mask);
    EXPECT_EQ(first[s].mask, reference::forward(*model.get(), samples[s], rules[0], 1).mask);
  }
  EXPECT_NE(first[0].mask, first[1].mask);
}

}  // namespace
}  // namespace idleheads
