// Comparison with a golden of Hugging Face transformers (tests/data/golden/families): scores, masks and
// logits.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

#include "base/mapped_file.h"
#include "engine/golden_cases.h"
#include "format/json.h"
#include "idleheads/engine/engine.h"
#include "reference/reference.h"

namespace idleheads::test {

// The longest sample of a golden in tokens, where it is more than the model's own context: RoPE that grows
// with the sample does so from there on.
inline int64_t context_of(const std::string& family) { return family == "llama_dynamic" ? 64 : 0; }

// The goldens' own rounding in float32 is a hundredth of it.
inline double allowed(double want) { return 1e-4 * std::max(1.0, std::abs(want)); }

class Golden {
 public:
  explicit Golden(const std::filesystem::path& folder)
      : golden_(parse_json(read_text_file(folder / "cases.json"), (folder / "cases.json").string())),
        samples_(samples_of(golden_.at("cases"))),
        interventions_(interventions_of(golden_.at("interventions"))) {}

  // `context`: the longest sample in tokens, instead of the model's own. `make`: what computes.
  void expect_equal(const std::filesystem::path& model, int64_t context = 0, const MakeBackend& make = {},
                    const std::vector<bool>& sharings = {true, false}) const {
    for (const bool sharing : sharings) {
      Engine engine(Model::open(model.string(), context),
                    {.threads = 2, .precision = Precision::f32, .sharing = sharing}, make);
      const std::vector<PathResult> results = engine.run(samples_, interventions_, {.stats = true});
      for (size_t s = 0; s < samples_.size(); ++s) {
        const std::span<const PathResult> of_sample =
            std::span(results).subspan(s * interventions_.size(), interventions_.size());
        expect_scores(golden_.at("cases")[s].at("scores"), of_sample[0].stats, s);
        expect_logits(golden_.at("cases")[s], of_sample[0].last_logits, fmt::format("sample {}", s));
        for (size_t i = 1; i < interventions_.size(); ++i) {
          const Json& ablated = golden_.at("interventions")[i - 1].at("cases")[s];
          const std::string place = fmt::format("sample {} {}", s, to_string(interventions_[i]));
          expect_mask(ablated.at("mask"), of_sample[i].mask, place);
          expect_logits(ablated, of_sample[i].last_logits, place);
        }
      }
    }
  }

  void expect_equal_reference(const Model& model) const {
    for (size_t s = 0; s < samples_.size(); ++s) {
      const reference::Result result = reference::forward(model, samples_[s], std::monostate{});
      expect_scores(golden_.at("cases")[s].at("scores"), result.stats, s);
      expect_logits(golden_.at("cases")[s], result.logits.back(), fmt::format("sample {}", s));
    }
  }

 private:
  static void expect_scores(const Json& golden, const SampleStats& stats, size_t sample) {
    for (const Score& score : all_scores()) {
      if (score.is_random) continue;
      if (score.slug == "sink" && !golden.contains("sink")) {
        for (const HeadStats& head : stats.values) EXPECT_NEAR(get(head, Stat::sink_weight), 0, 1e-12);
        continue;
      }
      for_each_head(score, stats, golden, [&](double got, const Json& want, const std::string& place) {
        if (want.is_null()) return;  // 0 / 0: the entropy of a single token
        EXPECT_NEAR(got, want.get<double>(), allowed(want.get<double>())) << place << " sample " << sample;
      });
    }
  }

  template <typename Logits>
  static void expect_logits(const Json& golden, const Logits& logits, const std::string& place) {
    const Json& want = golden.at("last_logits");
    ASSERT_EQ(want.size(), logits.size());
    for (size_t i = 0; i < want.size(); ++i) {
      EXPECT_NEAR(logits[i], want[i].get<double>(), allowed(want[i].get<double>()))
          << place << " logit " << i;
    }
  }

  Json golden_;
  std::vector<Sample> samples_;
  std::vector<Intervention> interventions_;
};

}  // namespace idleheads::test
