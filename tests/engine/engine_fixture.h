// Random models and random samples with common prefixes, for the engine's tests.
#pragma once

#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <random>
#include <vector>

#include "idleheads/engine/engine.h"
#include "reference/random_model.h"
#include "support/temp_folder.h"

namespace idleheads::test {

// A random model in a folder of its own, removed at the end.
class RandomModel {
 public:
  explicit RandomModel(const reference::RandomSpec& spec) {
    reference::write_random_model(folder_.path(), spec);
    model_ = Model::open(folder_.string());
  }
  const std::shared_ptr<const Model>& get() const { return model_; }

 private:
  TempFolder folder_;
  std::shared_ptr<const Model> model_;  // gone before its folder
};

inline std::vector<int32_t> random_tokens(std::mt19937& random, size_t count, int vocabulary) {
  std::vector<int32_t> tokens;
  for (size_t i = 0; i < count; ++i)
    tokens.push_back(static_cast<int32_t>(random() % static_cast<unsigned>(vocabulary)));
  return tokens;
}

// A sample that asks for log-probabilities at its last and its middle position.
inline Sample make_sample(std::vector<int32_t> tokens, uint64_t id) {
  Sample sample;
  sample.id = id;
  const auto last = static_cast<int32_t>(tokens.size()) - 1;
  sample.targets = {{last / 2, 3}, {last, 5}, {last, 0}};
  sample.tokens = std::move(tokens);
  return sample;
}

// Samples that grow out of each other: each one continues a random prefix of an earlier one; some are equal
// to one.
inline std::vector<Sample> random_tree(std::mt19937& random, size_t count, int vocabulary) {
  std::vector<Sample> samples;
  for (size_t i = 0; i < count; ++i) {
    std::vector<int32_t> tokens;
    if (i > 0) {
      tokens = samples[random() % i].tokens;
      tokens.resize(1 + random() % tokens.size());
    }
    const std::vector<int32_t> more = random_tokens(random, i == 0 ? 12 : random() % 9, vocabulary);
    tokens.insert(tokens.end(), more.begin(), more.end());
    samples.push_back(make_sample(std::move(tokens), i));
  }
  return samples;
}

inline std::vector<Intervention> some_interventions() {
  std::vector<Intervention> out;
  for (const char* text :
       {"none", "ahon_ln<0.95", "awft>0.5", "random<0.3", "lthon_hn<0.9", "aeqd<0.7", "L0H1,L1H0"}) {
    out.push_back(parse_intervention(text));
  }
  return out;
}

}  // namespace idleheads::test
