// The parts of a golden's cases.json (tests/data/golden/README.md) that every test of one reads alike.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "format/json.h"
#include "idleheads/engine/sample.h"

namespace idleheads::test {

// The tiny models of families: a folder each, by its name.
inline std::filesystem::path family_folder() {
  return std::filesystem::path(IDLEHEADS_TEST_DATA) / "golden" / "families";
}

inline std::vector<std::string> family_names() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(family_folder())) {
    if (entry.is_directory()) names.push_back(entry.path().filename().string());
  }
  std::ranges::sort(names);
  return names;
}

// The cases' tokens, each asked for its last logits.
inline std::vector<Sample> samples_of(const Json& cases) {
  std::vector<Sample> samples;
  for (const Json& c : cases) {
    Sample sample;
    sample.id = samples.size();
    sample.tokens = c.at("tokens").get<std::vector<int32_t>>();
    sample.want_last_logits = true;
    samples.push_back(sample);
  }
  return samples;
}

// The baseline, then the golden's interventions.
inline std::vector<Intervention> interventions_of(const Json& golden) {
  std::vector<Intervention> interventions = {std::monostate{}};
  for (const Json& i : golden) {
    interventions.push_back(
        ScoreRule{&require_score(i.at("score").get<std::string>()), i.at("threshold").get<float>()});
  }
  return interventions;
}

// Calls see(number, golden number, "awft L0H1") for every head.
template <typename See>
void for_each_head(const Score& score, const SampleStats& stats, const Json& golden, const See& see) {
  const Json& layers = golden.at(std::string(score.slug));
  ASSERT_EQ(layers.size(), static_cast<size_t>(stats.layers));
  for (int l = 0; l < stats.layers; ++l) {
    std::vector<float> values(static_cast<size_t>(stats.heads));
    compute_scores(score, stats.layer(l), l, {}, values);
    for (int h = 0; h < stats.heads; ++h) {
      see(values[static_cast<size_t>(h)], layers[static_cast<size_t>(l)][static_cast<size_t>(h)],
          fmt::format("{} L{}H{}", score.slug, l, h));
    }
  }
}

inline void expect_mask(const Json& golden, const HeadMask& mask, const std::string& place) {
  for (int l = 0; l < mask.layers(); ++l) {
    std::string bits;
    for (const uint8_t off : mask.layer(l)) bits += off ? '1' : '0';
    EXPECT_EQ(bits, golden[static_cast<size_t>(l)].get<std::string>()) << place << " layer " << l;
  }
}

}  // namespace idleheads::test
