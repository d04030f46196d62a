// Models from which heads were cut (tests/data/cut_models), against the whole ones with the same heads
// zeroed.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "engine/family_bits.h"
#include "idleheads/engine/engine.h"

namespace idleheads::test {

inline std::shared_ptr<const Model> cut_model(const std::string& name, const std::string& file = "cut") {
  const std::filesystem::path folder = std::filesystem::path(IDLEHEADS_TEST_DATA) / "cut_models" / name;
  return Model::open((folder / (file + ".gguf")).string());
}

// The two sum the same numbers, the zeroed one zeros between them. A product's kernel may add them in another
// order where it is narrower: sums of at most 72 float32 numbers of the order of 1, off by some 1e-6, and
// three layers behind each other. A hundred times that is far below what another head would change (0.01 and
// more).
inline constexpr double kCutTolerance = 1e-4;

inline double allowed_of_cut(double want) { return kCutTolerance * std::max(1.0, std::abs(want)); }

inline void expect_close_stats(const HeadStats& want, const HeadStats& got, const std::string& place) {
  for (int k = 0; k < kStats; ++k) {
    const auto stat = static_cast<Stat>(k);
    if (stat == Stat::top_position) continue;  // of nearly equal weights either may be the largest
    EXPECT_NEAR(get(got, stat), get(want, stat), allowed_of_cut(get(want, stat)))
        << place << " " << stat_name(stat);
  }
}

// Log-probabilities, logits, and of every head that the cut model has its mask and statistics; the others are
// never off and have no numbers.
inline void expect_equal_cut(const PathResult& zeroed, const PathResult& cut, const std::string& place) {
  ASSERT_EQ(cut.log_probs.size(), zeroed.log_probs.size());
  for (size_t t = 0; t < cut.log_probs.size(); ++t)
    EXPECT_NEAR(cut.log_probs[t], zeroed.log_probs[t], allowed_of_cut(zeroed.log_probs[t])) << place;
  ASSERT_EQ(cut.last_logits.size(), zeroed.last_logits.size());
  for (size_t i = 0; i < cut.last_logits.size(); ++i)
    EXPECT_NEAR(cut.last_logits[i], zeroed.last_logits[i], allowed_of_cut(zeroed.last_logits[i])) << place;
  ASSERT_EQ(cut.stats.heads, zeroed.stats.heads);
  const HeadShape& shape = cut.mask.shape();
  for (const HeadId id : shape.present()) {
    const std::string head = fmt::format("{} {}", place, to_string(id));
    EXPECT_EQ(cut.mask.off(id.layer, id.head), zeroed.mask.off(id.layer, id.head)) << head;
    expect_close_stats(zeroed.stats.layer(id.layer)[static_cast<size_t>(id.head)],
                       cut.stats.layer(id.layer)[static_cast<size_t>(id.head)], head);
  }
  for (const HeadId id : shape.absent()) {
    EXPECT_FALSE(cut.mask.off(id.layer, id.head)) << place << to_string(id);
    EXPECT_TRUE(is_absent(cut.stats.layer(id.layer)[static_cast<size_t>(id.head)])) << place << to_string(id);
  }
}

// Without a normaliser that is of the layer: that has other heads in the two.
inline std::vector<Intervention> cut_rules() {
  std::vector<Intervention> out;
  for (const char* text : {"none", "awft>0.15", "mass>0.2", "random<0.4", "lthon_hn<0.95", "L0H1,L0H5"})
    out.push_back(parse_intervention(text));
  return out;
}

// `make_cut`: what computes the cut model; the processor does the other.
inline void expect_equals_zeroed(const std::string& name, const EngineOptions& options,
                                 const MakeBackend& make_cut = {}) {
  Engine zeroed(cut_model(name, "zeroed"), {.threads = 1, .precision = Precision::f32});
  Engine cut(cut_model(name), options, make_cut);
  const std::vector<Sample> samples = samples_for(cut.model().spec());
  const std::vector<Intervention> rules = cut_rules();
  const std::vector<PathResult> want = zeroed.run(samples, rules, {.stats = true}),
                                got = cut.run(samples, rules, {.stats = true});
  for (size_t i = 0; i < want.size(); ++i)
    expect_equal_cut(want[i], got[i],
                     fmt::format("sample {} {}", i / rules.size(), to_string(rules[i % rules.size()])));
}

}  // namespace idleheads::test
