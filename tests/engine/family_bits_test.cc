// The same bits for every family, whatever the threads, the sharing, the memory and the company: mixtures of
// experts, windows, and ropes that depend on the sample's length too.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "engine/compare.h"
#include "engine/engine.h"
#include "engine/engine_fixture.h"
#include "engine/golden_cases.h"

namespace idleheads {
namespace {

const std::filesystem::path kFolder = test::family_folder();

// Two prefixes with several ends each, on both sides of windows (8) and of the context (16) from which on
// ropes are others.
std::vector<Sample> samples_for(const ModelSpec& spec) {
  std::mt19937 random(5);
  std::vector<Sample> samples;
  for (const size_t prefix : {6, 13}) {
    const std::vector<int32_t> common = test::random_tokens(random, prefix, spec.vocabulary);
    for (const size_t more : {1, 2, 3, 4, 9, 20}) {
      std::vector<int32_t> tokens = common;
      const std::vector<int32_t> end = test::random_tokens(random, more, spec.vocabulary);
      tokens.insert(tokens.end(), end.begin(), end.end());
      samples.push_back(test::make_sample(std::move(tokens), samples.size()));
      samples.back().want_last_logits = true;
    }
  }
  return samples;
}

std::vector<Intervention> rules() {
  std::vector<Intervention> out;
  for (const char* text : {"none", "ahon_ln<0.9", "mass>0.5", "random<0.3", "L0H1"})
    out.push_back(parse_intervention(text));
  return out;
}

class FamilyBits : public testing::TestWithParam<std::string> {
 protected:
  // One is asked for more than its context, from where on its RoPE grows with the sample.
  std::shared_ptr<const Model> model() const {
    return Model::open((kFolder / GetParam()).string(), GetParam() == "llama_dynamic" ? 64 : 0);
  }
};

TEST_P(FamilyBits, OfSamples) {
  const std::shared_ptr<const Model> model = this->model();
  const std::vector<Sample> samples = samples_for(model->spec());
  const std::vector<Intervention> interventions = rules();
  Engine separate(model, {.threads = 1, .precision = Precision::f32, .sharing = false});
  const std::vector<PathResult> want = separate.run(samples, interventions, {.stats = true});
  const auto expect = [&](EngineOptions options, std::vector<Sample> order, const char* what) {
    options.precision = Precision::f32;
    Engine engine(model, options);
    const std::vector<PathResult> got = engine.run(order, interventions, {.stats = true});
    for (size_t s = 0; s < order.size(); ++s) {
      for (size_t i = 0; i < interventions.size(); ++i) {
        const std::string place = fmt::format("{}, sample {} rule {}", what, order[s].id, i);
        test::expect_same_bits(want[order[s].id * interventions.size() + i],
                               got[s * interventions.size() + i], place);
      }
    }
  };
  expect({.threads = 3}, samples, "shared");
  expect({.threads = 2, .rows = 40, .stream_weights = true}, samples, "few rows, streamed");
  std::vector<Sample> reversed = samples;
  std::ranges::reverse(reversed);
  expect({.threads = 2}, reversed, "another order");
}

TEST_P(FamilyBits, OfGeneration) {
  const std::shared_ptr<const Model> model = this->model();
  std::mt19937 random(6);
  std::vector<Prompt> prompts;
  for (const size_t length : {3, 12, 14})
    prompts.push_back({prompts.size(), test::random_tokens(random, length, model->spec().vocabulary)});
  const std::vector<Intervention> interventions = rules();
  GenerateOptions options;
  options.max_new_tokens = 8;
  options.stats = true;
  Engine cached(model, {.threads = 2, .precision = Precision::f32});
  Engine apart(model, {.threads = 1, .precision = Precision::f32, .sharing = false});
  const std::vector<GenerateResult> got = cached.generate(prompts, interventions, options),
                                    want = apart.generate(prompts, interventions, options);
  for (size_t i = 0; i < want.size(); ++i) {
    EXPECT_EQ(got[i].tokens, want[i].tokens) << i;
    EXPECT_EQ(got[i].masks, want[i].masks) << i;
    EXPECT_TRUE(test::same_bits(got[i].stats.values, want[i].stats.values)) << i;
  }
}

INSTANTIATE_TEST_SUITE_P(All, FamilyBits, testing::ValuesIn(test::family_names()),
                         [](const auto& test) { return test.param; });

}  // namespace
}  // namespace idleheads
