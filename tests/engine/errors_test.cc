// Numbers that are none, wherever they come from: a message with the place, never a silent NaN.
#include "support/errors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <limits>

#include "engine/compare.h"
#include "engine/engine_fixture.h"
#include "engine/overflow.h"
#include "idleheads/base/error.h"
#include "idleheads/engine/engine.h"

namespace idleheads {
namespace {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

struct Poison {
  Role role;
  int layer;
  float value;
  const char* message;
  const char* family = "llama";
};

TEST(EngineErrors, EveryTensorThatHoldsNoNumbersIsFound) {
  const std::vector<Poison> cases = {
      {Role::query, 1, kNaN, "layer 1: the attention input weights hold NaN or infinity"},
      {Role::value, 0, kInfinity, "layer 0: the attention input weights hold NaN or infinity"},
      {Role::output, 1, kNaN, "layer 1: the attention output weights hold NaN or infinity"},
      {Role::gate, 0, kNaN, "layer 0: the MLP gate and up weights hold NaN or infinity"},
      {Role::down, 1, -kInfinity, "layer 1: the MLP down weights hold NaN or infinity"},
      {Role::lm_head, 0, kNaN, "LM head"},
      {Role::attention_norm, 1, kNaN, "layer 1"},
      {Role::mlp_norm, 1, kNaN, "layer 1"},
      {Role::query_bias, 1, kNaN, "layer 1"},
      {Role::down_bias, 0, kNaN, "layer 0"},
      {Role::query_norm, 1, kNaN, "layer 1", "olmo2"},
      {Role::attention_post_norm, 0, kNaN, "layer 0", "olmo2"},
      {Role::mlp_post_norm, 1, kNaN, "layer 1", "olmo2"},
      {Role::token_embedding, 0, kNaN, "layer 0"},
      {Role::final_norm, 0, kNaN, "logits"},
  };
  for (const Poison& poison : cases) {
    reference::RandomSpec spec;
    spec.family = poison.family;
    spec.attention_bias = true;
    spec.mlp_bias = spec.family == "llama";
    spec.change = [&](Role role, int layer, std::vector<float>& values) {
      if (role == poison.role && layer == poison.layer) std::fill(values.begin(), values.end(), poison.value);
    };
    EXPECT_THAT(test::message_of(spec), testing::HasSubstr(poison.message))
        << tensor_name({}, poison.role, poison.layer, false) << " " << poison.value;
  }
}

TEST(EngineErrors, BadSamplesAndHeadsAreNamed) {
  const test::RandomModel model({});
  Engine engine(model.get(), {.threads = 1, .precision = Precision::f32});
  const auto run = [&](std::vector<int32_t> tokens, std::vector<Target> targets, const char* rule) {
    Sample sample;
    sample.tokens = std::move(tokens);
    sample.targets = std::move(targets);
    const std::vector<Intervention> interventions = {parse_intervention(rule)};
    return test::error_of([&] { engine.run(std::span(&sample, 1), interventions); });
  };
  EXPECT_THAT(run({}, {}, "none"), testing::HasSubstr("sample 0: no tokens"));
  EXPECT_THAT(run({1, 97}, {}, "none"), testing::HasSubstr("token id 97"));
  EXPECT_THAT(run({1, -1}, {}, "none"), testing::HasSubstr("token id -1"));
  EXPECT_THAT(run({1}, {{1, 0}}, "none"), testing::HasSubstr("target position 1"));
  EXPECT_THAT(run({1}, {{0, 100}}, "none"), testing::HasSubstr("token id 100"));
  EXPECT_THAT(run(std::vector<int32_t>(1025, 1), {}, "none"), testing::HasSubstr("context is 1024"));
  EXPECT_THAT(run({1}, {}, "L2H0"), testing::HasSubstr("L2H0"));
  EXPECT_THAT(run({1}, {}, "sink>0.5"), testing::HasSubstr("a llama model has none"));
  EXPECT_EQ(run({1}, {{0, 1}}, "L1H3"), "no error");
}

TEST(EngineErrors, OverflowIsNamedWhereItHappens) { test::expect_overflow_is_named(); }

TEST(EngineErrors, AFailedRunLeavesTheEngineUsable) {
  const test::RandomModel model({});
  Engine engine(model.get(), {.threads = 2, .precision = Precision::f32});
  std::vector<Sample> samples = {test::make_sample({1, 2, 3}, 0)};
  const std::vector<Intervention> none = {std::monostate{}};
  const auto want = engine.run(samples, none);
  samples.push_back(test::make_sample({1, 97}, 1));
  EXPECT_THROW(engine.run(samples, none), Error);
  samples.pop_back();
  test::expect_same_bits(want[0], engine.run(samples, none)[0], "after an error");
  EXPECT_TRUE(engine.run({}, none).empty());
  EXPECT_TRUE(engine.run(samples, {}).empty());
}

}  // namespace
}  // namespace idleheads
