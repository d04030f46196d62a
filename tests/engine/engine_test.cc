// The engine against the slow reference over many shapes, and the same bits whatever is shared, threaded or
// reordered.
#include "engine/engine.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <limits>

#include "base/error.h"
#include "engine/compare.h"
#include "engine/engine_fixture.h"
#include "reference/reference.h"

namespace idleheads {
namespace {

using test::expect_close;
using test::expect_same_bits;
using test::RandomModel;

struct Shape {
  const char* name;
  reference::ModelSpec spec;
};

reference::ModelSpec spec(const std::string& family, int heads, int kv_heads, int head_dim,
                          bool bias = false) {
  reference::ModelSpec s;
  s.family = family;
  s.heads = heads;
  s.kv_heads = kv_heads;
  s.head_dim = head_dim;
  s.attention_bias = bias;
  s.mlp_bias = bias;
  s.tied = heads % 2 == 0;
  s.seed = static_cast<unsigned>(heads * 100 + head_dim);
  return s;
}

class Shapes : public testing::TestWithParam<Shape> {};

TEST_P(Shapes, EqualsTheReference) {
  const RandomModel model(GetParam().spec);
  Engine engine(model.get(), {.threads = 2, .precision = Precision::f32});
  std::mt19937 random(7);
  std::vector<Sample> samples;
  for (const size_t length : {1, 2, 7, 8, 9, 33, 65}) {
    samples.push_back(
        test::make_sample(test::random_tokens(random, length, GetParam().spec.vocabulary), length));
  }
  const std::vector<Intervention> interventions = test::some_interventions();
  const std::vector<PathResult> results = engine.run(samples, interventions, {.stats = true});
  int compared = 0;
  for (size_t s = 0; s < samples.size(); ++s) {
    for (size_t i = 0; i < interventions.size(); ++i) {
      const reference::Result want = reference::forward(*model.get(), samples[s], interventions[i]);
      if (want.nearest_score < 1e-3) continue;  // rounding may decide the mask
      const PathResult& got = results[s * interventions.size() + i];
      const std::string place =
          fmt::format("{} tokens, {}", samples[s].tokens.size(), to_string(interventions[i]));
      expect_close(want, got, samples[s], place);
      ++compared;
    }
  }
  EXPECT_GT(compared, 20);
}

INSTANTIATE_TEST_SUITE_P(Engine, Shapes,
                         testing::Values(Shape{"llama_mha", spec("llama", 4, 4, 8)},
                                         Shape{"llama_gqa3_biased", spec("llama", 6, 2, 10, true)},
                                         Shape{"qwen2_mqa", spec("qwen2", 7, 1, 6)},
                                         Shape{"olmo2_gqa2", spec("olmo2", 4, 2, 16)},
                                         Shape{"tiny_heads", spec("llama", 5, 5, 2)},
                                         Shape{"wide_heads", spec("qwen2", 2, 1, 128)},
                                         Shape{"odd_panels", spec("olmo2", 3, 3, 40)}),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(Engine, LongSampleEqualsTheReference) {
  // Longer than one attention task's queries.
  const RandomModel model(spec("llama", 2, 1, 8));
  Engine engine(model.get(), {.threads = 2, .precision = Precision::f32});
  std::mt19937 random(3);
  const Sample sample = test::make_sample(test::random_tokens(random, 300, 97), 0);
  const std::vector<Intervention> none = {std::monostate{}};
  const auto results = engine.run(std::span(&sample, 1), none, {.stats = true});
  expect_close(reference::forward(*model.get(), sample, none[0]), results[0], sample, "300 tokens");
}

class SameBits : public testing::TestWithParam<Precision> {
 protected:
  void SetUp() override {
    if (GetParam() == Precision::bf16 && !has_bf16()) GTEST_SKIP() << "no bf16 products on this processor";
  }
  EngineOptions options(int threads, bool sharing) const { return {threads, GetParam(), sharing}; }
};

TEST_P(SameBits, SharingOrNot) {
  std::mt19937 random(11);
  for (int round = 0; round < 5; ++round) {
    const RandomModel model(spec(round % 2 == 0 ? "llama" : "olmo2", 6, 2, 8));
    const std::vector<Sample> samples = test::random_tree(random, 14, 97);
    const std::vector<Intervention> interventions = test::some_interventions();
    Engine shared(model.get(), options(2, true)), separate(model.get(), options(2, false));
    const auto a = shared.run(samples, interventions, {.stats = true});
    const auto b = separate.run(samples, interventions, {.stats = true});
    for (size_t i = 0; i < a.size(); ++i)
      expect_same_bits(a[i], b[i], fmt::format("round {} path {}", round, i));
    EXPECT_LT(shared.work().rows, separate.work().rows);
    EXPECT_EQ(shared.work().rows_unshared, separate.work().rows);
  }
}

TEST_P(SameBits, ThreadsBatchesAndOrder) {
  std::mt19937 random(12);
  const RandomModel model(spec("qwen2", 6, 3, 16));
  const std::vector<Sample> samples = test::random_tree(random, 9, 97);
  const std::vector<Intervention> interventions = test::some_interventions();
  Engine one(model.get(), options(1, true)), three(model.get(), options(3, true));
  const auto together = one.run(samples, interventions, {.stats = true});
  const auto threaded = three.run(samples, interventions, {.stats = true});
  const std::vector<Sample> reversed(samples.rbegin(), samples.rend());
  const auto backwards = three.run(reversed, interventions, {.stats = true});
  for (size_t s = 0; s < samples.size(); ++s) {
    for (size_t i = 0; i < interventions.size(); ++i) {
      const PathResult& want = together[s * interventions.size() + i];
      const std::string place = fmt::format("sample {} {}", s, to_string(interventions[i]));
      expect_same_bits(want, threaded[s * interventions.size() + i], place + " threads");
      expect_same_bits(want, backwards[(samples.size() - 1 - s) * interventions.size() + i],
                       place + " order");
      expect_same_bits(want, one.run({&samples[s], 1}, {&interventions[i], 1}, {.stats = true})[0],
                       place + " alone");
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Engine, SameBits, testing::Values(Precision::f32, Precision::bf16),
                         [](const auto& info) { return info.param == Precision::f32 ? "f32" : "bf16"; });

TEST(Engine, Bf16IsNearFloat32) {
  if (!has_bf16()) GTEST_SKIP() << "no bf16 products on this processor";
  const RandomModel model(spec("llama", 4, 2, 16));
  std::mt19937 random(5);
  const std::vector<Sample> samples = test::random_tree(random, 5, 97);
  const std::vector<Intervention> none = {std::monostate{}};
  Engine exact(model.get(), {2, Precision::f32, true}), fast(model.get(), {2, Precision::bf16, true});
  const auto a = exact.run(samples, none), b = fast.run(samples, none);
  // Eight bits of mantissa on products' inputs, two layers deep.
  for (size_t s = 0; s < samples.size(); ++s) EXPECT_NEAR(a[s].log_probs[1], b[s].log_probs[1], 0.05);
}

std::string error_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(Engine, BadSamplesAndHeadsAreNamed) {
  const RandomModel model(spec("llama", 4, 2, 8));
  Engine engine(model.get(), {.threads = 1, .precision = Precision::f32});
  const auto run = [&](std::vector<int32_t> tokens, std::vector<Target> targets, const char* rule) {
    Sample sample;
    sample.tokens = std::move(tokens);
    sample.targets = std::move(targets);
    const std::vector<Intervention> interventions = {parse_intervention(rule)};
    return error_of([&] { engine.run(std::span(&sample, 1), interventions); });
  };
  EXPECT_THAT(run({}, {}, "none"), testing::HasSubstr("sample 0: no tokens"));
  EXPECT_THAT(run({1, 97}, {}, "none"), testing::HasSubstr("token id 97"));
  EXPECT_THAT(run({1, -1}, {}, "none"), testing::HasSubstr("token id -1"));
  EXPECT_THAT(run({1}, {{1, 0}}, "none"), testing::HasSubstr("target position 1"));
  EXPECT_THAT(run({1}, {{0, 100}}, "none"), testing::HasSubstr("token id 100"));
  EXPECT_THAT(run(std::vector<int32_t>(1025, 1), {}, "none"), testing::HasSubstr("context is 1024"));
  EXPECT_THAT(run({1}, {}, "L2H0"), testing::HasSubstr("L2H0"));
  EXPECT_EQ(run({1}, {{0, 1}}, "L1H3"), "no error");
}

TEST(Engine, InfiniteActivationsNameLayerAndHead) {
  reference::ModelSpec huge = spec("llama", 4, 2, 8);
  huge.scale = 1e14;  // queries times keys overflow float32 in the first layer
  const RandomModel model(huge);
  Engine engine(model.get(), {.threads = 2, .precision = Precision::f32});
  const Sample sample = test::make_sample({1, 2, 3}, 0);
  const std::vector<Intervention> none = {std::monostate{}};
  EXPECT_THAT(error_of([&] { engine.run(std::span(&sample, 1), none); }),
              testing::ContainsRegex("layer 0.*NaN or infinity"));
}

TEST(Engine, WeightsThatAreNoNumbersNameTheLayer) {
  reference::ModelSpec broken = spec("llama", 4, 2, 8);
  broken.scale = std::numeric_limits<double>::quiet_NaN();
  const RandomModel model(broken);
  EXPECT_THAT(error_of([&] {
                Engine(model.get(), {1, Precision::f32, true});
              }),
              testing::ContainsRegex("layer .: the attention input weights hold NaN"));
}

}  // namespace
}  // namespace idleheads
