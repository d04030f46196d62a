// Mean ablation of a tiny model: against the reference, and the same bits however samples come together; for
// every device.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "engine/family_bits.h"
#include "idleheads/heads/head_means.h"

namespace idleheads::test {

inline OutputSums output_sums(Engine& engine, const std::vector<Sample>& samples,
                              const std::vector<Intervention>& interventions = {std::monostate{}}) {
  OutputSums sums;
  engine.run(samples, interventions, {.outputs = &sums});
  return sums;
}

// The means, and what comes out with heads that give them.
inline void expect_means_of_reference(const std::shared_ptr<const Model>& model,
                                      const MakeBackend& make = {}) {
  const std::vector<Sample> samples = samples_for(model->spec());
  Engine engine(model, {.threads = 2, .precision = Precision::f32}, make);
  const HeadMeans want = reference::means_of(*model, samples), got = output_sums(engine, samples).means();
  ASSERT_EQ(got.values().size(), want.values().size());
  for (size_t i = 0; i < want.values().size(); ++i)
    EXPECT_NEAR(got.values()[i], want.values()[i],
                kStatTolerance * std::max(0.01f, std::abs(want.values()[i])))
        << i;
  const std::vector<Intervention> rules = bits_rules();
  const std::vector<PathResult> results = engine.run(samples, rules, {.stats = true, .means = &want});
  for (size_t i = 0; i < results.size(); ++i) {
    const Sample& sample = samples[i / rules.size()];
    const Intervention& rule = rules[i % rules.size()];
    const reference::Result expected = reference::forward(*model, sample, rule, 1234, &want);
    if (expected.nearest_score < 1e-3) continue;  // rounding may decide a mask
    expect_close(expected, results[i], sample, fmt::format("sample {} {}", sample.id, to_string(rule)));
  }
}

// Sums, and what comes out with their means: other threads, few rows, streamed weights, another order, other
// interventions beside.
inline void expect_bits_of_means(const std::shared_ptr<const Model>& model, Precision precision,
                                 const MakeBackend& make = {}) {
  const std::vector<Sample> samples = samples_for(model->spec());
  const std::vector<Intervention> rules = bits_rules();
  Engine separate(model, {.threads = 1, .precision = precision, .sharing = false}, make);
  const OutputSums sums = output_sums(separate, samples);
  const HeadMeans means = sums.means();
  const std::vector<PathResult> want = separate.run(samples, rules, {.stats = true, .means = &means});
  const auto expect = [&](EngineOptions options, const std::vector<Sample>& order, const char* what) {
    options.precision = precision;
    Engine engine(model, options, make);
    EXPECT_TRUE(output_sums(engine, order, rules) == sums) << what;
    const std::vector<PathResult> got = engine.run(order, rules, {.stats = true, .means = &means});
    for (size_t i = 0; i < got.size(); ++i) {
      const Sample& sample = order[i / rules.size()];
      expect_same_bits(want[sample.id * rules.size() + i % rules.size()], got[i],
                       fmt::format("{}, sample {} rule {}", what, sample.id, i % rules.size()));
    }
  };
  expect({.threads = 3}, samples, "shared");
  expect({.threads = 2, .rows = 40, .stream_weights = true}, samples, "few rows, streamed");
  std::vector<Sample> reversed = samples;
  std::ranges::reverse(reversed);
  expect({.threads = 2}, reversed, "another order");
  expect_bits_of_generation(model, precision, make, &means);
}

}  // namespace idleheads::test
