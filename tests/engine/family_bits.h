// The same bits of a family's tiny model however samples come together; for every device.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "engine/compare.h"
#include "engine/engine_fixture.h"
#include "idleheads/engine/engine.h"

namespace idleheads::test {

// Two prefixes with several ends each, on both sides of windows (8) and of the context (16) from which on
// ropes are others.
inline std::vector<Sample> samples_for(const ModelSpec& spec) {
  std::mt19937 random(5);
  std::vector<Sample> samples;
  for (const size_t prefix : {6, 13}) {
    const std::vector<int32_t> common = random_tokens(random, prefix, spec.vocabulary);
    for (const size_t more : {1, 2, 3, 4, 9, 20}) {
      std::vector<int32_t> tokens = common;
      const std::vector<int32_t> end = random_tokens(random, more, spec.vocabulary);
      tokens.insert(tokens.end(), end.begin(), end.end());
      samples.push_back(make_sample(std::move(tokens), samples.size()));
      samples.back().want_last_logits = true;
    }
  }
  return samples;
}

inline std::vector<Intervention> bits_rules() {
  std::vector<Intervention> out;
  for (const char* text : {"none", "ahon_ln<0.9", "mass>0.5", "random<0.3", "L0H1"})
    out.push_back(parse_intervention(text));
  return out;
}

// Against every sample and rule by itself: other threads, few rows, streamed weights, another order.
inline void expect_bits_of_samples(const std::shared_ptr<const Model>& model, Precision precision,
                                   const MakeBackend& make = {}) {
  const std::vector<Sample> samples = samples_for(model->spec());
  const std::vector<Intervention> interventions = bits_rules();
  Engine separate(model, {.threads = 1, .precision = precision, .sharing = false}, make);
  const std::vector<PathResult> want = separate.run(samples, interventions, {.stats = true});
  const auto expect = [&](EngineOptions options, const std::vector<Sample>& order, const char* what) {
    options.precision = precision;
    Engine engine(model, options, make);
    const std::vector<PathResult> got = engine.run(order, interventions, {.stats = true});
    for (size_t s = 0; s < order.size(); ++s) {
      for (size_t i = 0; i < interventions.size(); ++i) {
        const std::string place = fmt::format("{}, sample {} rule {}", what, order[s].id, i);
        expect_same_bits(want[order[s].id * interventions.size() + i], got[s * interventions.size() + i],
                         place);
      }
    }
  };
  expect({.threads = 3}, samples, "shared");
  expect({.threads = 2, .rows = 40, .stream_weights = true}, samples, "few rows, streamed");
  std::vector<Sample> reversed = samples;
  std::ranges::reverse(reversed);
  expect({.threads = 2}, reversed, "another order");
}

// Written with caches against a pass of its own for every token.
inline void expect_bits_of_generation(const std::shared_ptr<const Model>& model, Precision precision,
                                      const MakeBackend& make = {}, const HeadMeans* means = nullptr) {
  std::mt19937 random(6);
  std::vector<Prompt> prompts;
  for (const size_t length : {3, 12, 14})
    prompts.push_back({prompts.size(), random_tokens(random, length, model->spec().vocabulary)});
  const std::vector<Intervention> interventions = bits_rules();
  GenerateOptions options;
  options.max_new_tokens = 8;
  options.stats = true;
  options.means = means;
  Engine cached(model, {.threads = 2, .precision = precision}, make);
  Engine apart(model, {.threads = 1, .precision = precision, .sharing = false}, make);
  const std::vector<GenerateResult> got = cached.generate(prompts, interventions, options),
                                    want = apart.generate(prompts, interventions, options);
  for (size_t i = 0; i < want.size(); ++i) {
    EXPECT_EQ(got[i].tokens, want[i].tokens) << i;
    EXPECT_EQ(got[i].masks, want[i].masks) << i;
    EXPECT_TRUE(same_bits(got[i].stats.values, want[i].stats.values)) << i;
  }
}

}  // namespace idleheads::test
