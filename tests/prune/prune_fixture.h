// What the tests of written models share: a model, heads to switch off, and what both give.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include "engine/head_grid.h"
#include "idleheads/engine/engine.h"
#include "prune/zeroed_model.h"
#include "support/temp_folder.h"

namespace idleheads::test {

inline const std::filesystem::path kGoldens = std::filesystem::path(IDLEHEADS_TEST_DATA) / "golden";

// Some heads of every layer but the first, another number of them in each.
inline HeadMask some_heads(const ModelSpec& spec, unsigned seed = 3) {
  HeadMask mask(head_shape(spec));
  std::mt19937 random(seed);
  for (int l = 1; l < spec.layer_count(); ++l) {
    for (int h = 0; h < spec.heads(); ++h)
      mask.set(l, h, mask.shape().has({l, h}) && (h == l % spec.heads() || random() % 3 == 0));
  }
  return mask;
}

inline HeadMask mask_of(const ModelSpec& spec, const std::vector<HeadId>& heads) {
  HeadMask mask(head_shape(spec));
  for (const HeadId id : heads) mask.set(id.layer, id.head, true);
  return mask;
}

inline FixedHeads fixed(const HeadMask& mask) {
  FixedHeads out;
  for (int l = 0; l < mask.layers(); ++l) {
    for (int h = 0; h < mask.heads(); ++h) {
      if (mask.off(l, h)) out.heads.push_back({l, h});
    }
  }
  return out;
}

// The last logits of three prompts, as bits.
inline std::vector<float> logits(const std::string& path, const Intervention& intervention,
                                 Precision precision = Precision::f32, const HeadMeans* means = nullptr) {
  const std::shared_ptr<const Model> model = Model::open(path);
  Engine engine(model, {.threads = 1, .precision = precision});
  std::vector<Sample> samples;
  std::mt19937 random(11);
  for (const int length : {1, 9, 15}) {
    Sample& sample = samples.emplace_back();
    for (int i = 0; i < length; ++i)
      sample.tokens.push_back(
          static_cast<int32_t>(random() % static_cast<unsigned>(model->spec().vocabulary)));
    sample.want_last_logits = true;
  }
  const std::vector<Intervention> interventions = {intervention};
  std::vector<float> out;
  for (const PathResult& result : engine.run(samples, interventions, {.means = means}))
    out.insert(out.end(), result.last_logits.begin(), result.last_logits.end());
  return out;
}

// Means of the size of the heads' outputs and larger, so that they show.
inline HeadMeans random_means(const ModelSpec& spec) {
  HeadMeans means(head_shape(spec), head_dim(spec));
  std::mt19937 random(8);
  std::normal_distribution<float> normal;
  for (float& value : means.values()) value = normal(random);
  return means;
}

inline double largest_difference(const std::vector<float>& a, const std::vector<float>& b) {
  EXPECT_EQ(a.size(), b.size());
  double largest = 0;
  for (size_t i = 0; i < std::min(a.size(), b.size()); ++i)
    largest = std::max(largest, std::abs(double{a[i]} - double{b[i]}));
  return largest;
}

// The written model gives the bits of the model with the mask, which are others than without.
inline void expect_zeroed(const std::string& model, const std::string& written, const HeadMask& mask,
                          Precision precision = Precision::f32) {
  const std::vector<float> masked = logits(model, fixed(mask), precision);
  EXPECT_EQ(logits(written, std::monostate{}, precision), masked) << model;
  EXPECT_NE(logits(model, std::monostate{}, precision), masked) << model;
}

}  // namespace idleheads::test
