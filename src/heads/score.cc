#include "idleheads/heads/score.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cctype>
#include <cmath>
#include <limits>

#include "base/fail.h"
#include "base/nearest.h"
#include "heads/random.h"

namespace idleheads {
namespace {

using enum Stat;
constexpr auto kOne = Score::Normaliser::one;
constexpr auto kLayerMean = Score::Normaliser::layer_mean;
constexpr auto kOwn = Score::Normaliser::own;

constexpr auto kScores = std::to_array<Score>({
    // slug, paper's name, numerator, normaliser, of what, inactive above?, random?, paper's?, what it means
    {"awft", "Avg Weight of First Token", first_weight, kOne, first_weight, true, false, true,
     "The weight that a head gives to the first token, averaged over the sequence."},
    {"awft_ln", "Avg Weight of First Token (LN)", first_weight, kLayerMean, first_weight, true, false, true,
     "The weight on the first token, relative to the mean of the layer's heads."},
    {"aeqd", "Avg Entropy of Query Distributions", entropy, kOne, entropy, false, false, true,
     "How widely a head spreads its attention: the entropy of its weights, averaged over the sequence."},
    {"aeqd_ln", "Avg Entropy of Query Distributions (LN)", entropy, kLayerMean, entropy, false, false, true,
     "How widely a head spreads its attention, relative to the mean of the layer's heads."},
    {"ftvvn", "First Token Value Vector Norm", first_value_norm, kOne, first_value_norm, false, false, true,
     "The length of the first token's value vector: what attention to that token can bring in."},
    {"ftvvn_ln", "First Token Value Vector Norm (LN)", first_value_norm, kLayerMean, first_value_norm, false,
     false, true, "The length of the first token's value vector, relative to the mean of the layer's heads."},
    {"avvn", "Avg Value Vector Norm", value_norm, kOne, value_norm, false, false, true,
     "The mean length of the value vectors: what attention to any token can bring in."},
    {"avvn_ln", "Avg Value Vector Norm (LN)", value_norm, kLayerMean, value_norm, false, false, true,
     "The mean length of the value vectors, relative to the mean of the layer's heads."},
    {"lthon", "Last Token Head Output Norm", last_output_norm, kOne, output_norm, false, false, true,
     "The length of what a head puts out at the last token, where the answer is read."},
    {"lthon_ln", "Last Token Head Output Norm (LN)", last_output_norm, kLayerMean, output_norm, false, false,
     true,
     "The length of a head's output at the last token, relative to the mean output of the layer's heads."},
    {"lthon_hn", "Last Token Head Output Norm (HN)", last_output_norm, kOwn, output_norm, false, false, true,
     "The length of a head's output at the last token, relative to its own mean output."},
    {"ahon", "Avg Head Output Norm", output_norm, kOne, output_norm, false, false, true,
     "The mean length of what a head puts out, before the output projection."},
    {"ahon_ln", "Avg Head Output Norm (LN)", output_norm, kLayerMean, output_norm, false, false, true,
     "The mean length of a head's output, relative to the mean of the layer's heads."},
    {"afhon", "Avg Full Head Output Norm", projected_norm, kOne, projected_norm, false, false, true,
     "The mean length of what a head adds to the residual stream, behind the output projection."},
    {"afhon_ln", "Avg Full Head Output Norm (LN)", projected_norm, kLayerMean, projected_norm, false, false,
     true,
     "The mean length of what a head adds to the residual stream, relative to the mean of the layer's "
     "heads."},
    {"random", "Random", first_weight, kOne, first_weight, false, true, true,
     "Heads drawn at random, as a control: what a score that knows nothing gives."},
    {"sink", "Avg Weight of the Learned Sink", sink_weight, kOne, sink_weight, true, false, false,
     "The weight that a head gives to the model's learned sink instead of a token."},
    {"mass", "Largest Avg Weight of a Token", top_weight, kOne, top_weight, true, false, false,
     "The largest mean weight that a head gives to one token, whichever it is."},
});
static_assert(std::ranges::is_partitioned(kScores, &Score::in_paper), "the paper's scores come first");

float random_score(RandomKey key, int layer, int head) {
  const std::array<uint32_t, 4> counter = {static_cast<uint32_t>(key.sample),
                                           static_cast<uint32_t>(key.sample >> 32),
                                           static_cast<uint32_t>(layer), static_cast<uint32_t>(head)};
  const std::array<uint32_t, 2> seed = {static_cast<uint32_t>(key.seed),
                                        static_cast<uint32_t>(key.seed >> 32)};
  // 23 bits and a half step: exact in float32, never 0 or 1.
  return (static_cast<float>(philox4x32(counter, seed)[0] >> 9) + 0.5f) * 0x1p-23f;
}

float layer_mean(std::span<const HeadStats> layer, Stat stat) {
  double sum = 0;
  int64_t heads = 0;
  for (const HeadStats& head : layer) {
    if (is_absent(head)) continue;
    sum += get(head, stat);
    ++heads;
  }
  return static_cast<float>(sum / static_cast<double>(heads));
}

float ratio(float numerator, float normaliser) {
  return normaliser == 0 ? std::numeric_limits<float>::quiet_NaN() : numerator / normaliser;
}

}  // namespace

std::span<const Score> all_scores() { return kScores; }

std::span<const Score> paper_scores() {
  return std::span(kScores).first(static_cast<size_t>(std::ranges::count(kScores, true, &Score::in_paper)));
}

const Score* find_score(std::string_view slug) {
  for (const Score& score : kScores) {
    if (score.slug == slug) return &score;
  }
  return nullptr;
}

const Score& require_score(std::string_view typed) {
  std::string slug(typed);
  for (char& c : slug) c = c == '-' ? '_' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  if (const Score* score = find_score(slug)) return *score;
  std::vector<std::string> names;
  for (const Score& score : kScores) names.emplace_back(score.slug);
  fail_usage("unknown score '{}'{}", printable(typed), suggestion(slug, names));
}

void compute_scores(const Score& score, std::span<const HeadStats> layer, int layer_index, RandomKey key,
                    std::span<float> out) {
  assert(out.size() == layer.size());
  using enum Score::Normaliser;
  const float mean = score.normaliser == layer_mean ? idleheads::layer_mean(layer, score.normaliser_stat) : 0;
  for (size_t h = 0; h < layer.size(); ++h) {
    const float value = get(layer[h], score.numerator);
    if (is_absent(layer[h])) {
      out[h] = std::numeric_limits<float>::quiet_NaN();
    } else if (score.is_random) {
      out[h] = random_score(key, layer_index, static_cast<int>(h));
    } else if (score.normaliser == one) {
      out[h] = value;
    } else {
      out[h] = ratio(value, score.normaliser == own ? get(layer[h], score.normaliser_stat) : mean);
    }
  }
}

bool is_inactive(const Score& score, float value, float threshold) {
  return score.inactive_above ? value > threshold : value < threshold;
}

}  // namespace idleheads
