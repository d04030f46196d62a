// Chooses heads that can be off for every input: from the ranking by a score, measured on some documents of a
// task, refined, and tested on others that the choice never saw.
#pragma once

#include <optional>
#include <vector>

#include "prune/comparison.h"
#include "prune/split.h"

namespace idleheads {

// What is switched off together: a head, or a KV group, whose cache goes with it.
using MaskUnit = std::vector<HeadId>;

// The most inactive unit first, by the mean of each head's score over the baseline's samples; of a group the
// head that is least inactive counts. Heads without a number are left out. Layer 0 keeps a unit: a model
// without attention there is none that programs open.
std::vector<MaskUnit> rank_units(const Score& score, const HeadShape& shape,
                                 const std::vector<StoredResult>& baseline,
                                 std::optional<int> kv_heads = std::nullopt);

struct ChooseOptions {
  // Points that the metric may lose, and where there are choices the right one of its mean share of the
  // distribution over them: that moves less by chance than what is right or wrong. Of perplexities percent.
  // Both by the calibration documents with one standard error to spare, since of many masks that seem
  // harmless on them the largest is the one that chance favoured (the one-standard-error rule; Breiman et
  // al., Classification and Regression Trees, 1984, section 3.4.3).
  double within = 1;
  double confidence = 0.95;  // of the bound on the test documents
  double most = 0.4;         // share of the units that are tried at most
  int rounds = 3;            // of refining at most
  // That single units are tried on, at most.
  int64_t refine_documents = 300, refine_tokens = 1 << 15;
  // Heads that are off give their means over the calibration documents instead of zeros.
  bool mean = false;
  ProgressCallback progress = {};
};

// A mask on the calibration documents.
struct MaskTrial {
  std::vector<size_t> units;  // numbers in the ranking
  FixedHeads heads;
  bool refined = false;             // units were taken out of a larger mask
  double loss = 0, loss_error = 0;  // points of the metric, and the standard error
  // Where there are choices, else none.
  struct OfChoices {
    // Of the right one's mean share of the distribution over them, points, and the standard error.
    double share_loss = 0, share_error = 0;
    double log_likelihood = 0;  // mean change of the right one's, nats
    double kl = 0;              // mean divergence from the distribution with all heads on, nats
  };
  std::optional<OfChoices> choices;

  // What must be within: the metric's loss or the share's, the larger with one standard error to spare.
  double most_lost() const;
  // What refining makes small: how far the answers move, and the right one worst of all, in nats; of texts
  // what they lose.
  double cost() const { return choices ? choices->kl - choices->log_likelihood : loss; }
};

struct ChosenMask {
  std::vector<MaskTrial> trials;   // in the order in which they were tried
  std::optional<size_t> chosen;    // of them; none if even the smallest loses too much
  std::optional<Comparison> test;  // of the chosen one, on the test documents
  std::optional<HeadMeans> means;  // what heads that are off gave
};

// The task must have questions with choices, or texts, else Error.
ChosenMask choose_mask(Engine& engine, const PreparedTask& task, const DocumentSplit& split,
                       const std::vector<MaskUnit>& ranking, const ChooseOptions& options);

}  // namespace idleheads
