// An intervention: which heads are switched off, as a value that can be printed, stored and parsed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "idleheads/heads/head_shape.h"
#include "idleheads/heads/score.h"

namespace idleheads {

// Which heads of each layer are off: [layers, heads]. Absent ones (head_shape.h) never are.
class HeadMask {
 public:
  HeadMask() = default;
  HeadMask(int layers, int heads) : HeadMask(HeadShape(layers, heads)) {}
  explicit HeadMask(HeadShape shape)
      : shape_(std::move(shape)),
        off_(static_cast<size_t>(shape_.layers()) * static_cast<size_t>(shape_.heads())) {}

  const HeadShape& shape() const { return shape_; }
  int layers() const { return shape_.layers(); }
  int heads() const { return shape_.heads(); }
  bool off(int layer, int head) const { return off_[place(layer, head)] != 0; }
  void set(int layer, int head, bool is_off) { off_[place(layer, head)] = is_off ? 1 : 0; }
  std::span<const uint8_t> layer(int l) const { return std::span(off_).subspan(place(l, 0), width()); }
  std::span<uint8_t> layer(int l) { return std::span(off_).subspan(place(l, 0), width()); }
  int64_t count() const;  // heads that are off
  double share() const;   // of the heads that are there
  bool operator==(const HeadMask&) const = default;

 private:
  size_t width() const { return static_cast<size_t>(heads()); }
  size_t place(int layer, int head) const {
    return static_cast<size_t>(layer) * width() + static_cast<size_t>(head);
  }

  HeadShape shape_;
  std::vector<uint8_t> off_;
};

// Zero the heads whose score is beyond the threshold, decided per sample and layer in the same forward pass.
struct ScoreRule {
  const Score* score = nullptr;
  float threshold = 0;
  bool operator==(const ScoreRule&) const = default;
};

// The same heads for every sample.
struct FixedHeads {
  std::vector<HeadId> heads;  // sorted
  bool operator==(const FixedHeads&) const = default;
};

// monostate: nothing is switched off (the baseline).
using Intervention = std::variant<std::monostate, ScoreRule, FixedHeads>;

// "none", "ahon_ln<0.52" (">" for scores inactive above; the shortest digits that read back as the same
// float) or "L0H1,L5H3".
std::string to_string(const Intervention& intervention);

// Reads what to_string writes. Throws UsageError: unknown score (with the nearest name), a comparison against
// the score's direction, a threshold that is no number, a malformed head.
Intervention parse_intervention(std::string_view text);

// A rule as the user writes it: an Intervention, or a share to calibrate, "ahon_ln@15%".
struct ShareRule {
  const Score* score = nullptr;
  double share = 0;  // in [0, 1]
};
std::variant<Intervention, ShareRule> parse_rule(std::string_view text);

// The heads of one layer that `intervention` switches off: mask[h] in {0, 1} for layer stats[h]. Scores flag
// no head that is absent (stats.h); a list of heads must not name one.
void decide_mask(const Intervention& intervention, std::span<const HeadStats> layer, int layer_index,
                 RandomKey key, std::span<uint8_t> mask);

}  // namespace idleheads
