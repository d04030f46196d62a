// The plan of a study: its interventions, and their thresholds from the baseline.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "idleheads/heads/score.h"
#include "idleheads/studyfile/store.h"

namespace idleheads {

// What a study is to try: every score at every share.
struct Targets {
  std::vector<const Score*> scores;
  std::vector<double> shares;  // in [0, 1]
};

// Slugs and shares with commas between, as scores_text() and shares_text() write them into a file. Throws
// Error for other text.
Targets targets_of(std::string_view scores, std::string_view shares);
std::string scores_text(const Targets& targets);
std::string shares_text(const Targets& targets);

// The plan without thresholds: the baseline, then scores x shares.
std::vector<StoredIntervention> interventions_of(const Targets& targets);

// True if the plan was begun with these scores and shares, whatever its thresholds and what it has grown by.
bool is_plan_of(const std::vector<StoredIntervention>& plan, const Targets& targets);

// What random scores of a document's sample are drawn by: of the document's group and number alone, so that
// they do not change with --limit, the order of subjects, or parts.
uint64_t sample_id(const StoredDocument& document, size_t sample);

// Thresholds of `score` for `shares` from the statistics of the baseline, in any order.
std::vector<float> calibrate(const Score& score, std::span<const StoredResult> baseline,
                             std::span<const StoredDocument> documents, uint64_t seed,
                             std::span<const double> shares);

// Finds the thresholds and stores the plan. The baseline must be whole.
void make_plan(StudyStore& store, const Targets& targets, uint64_t seed);

// The interventions of a plan that choose heads input by input, and the baseline: all before the static
// masks.
std::vector<StoredIntervention> by_input(std::vector<StoredIntervention> plan);

// The intervention that the plan has for a share of a score. Throws Error that names `study` where it has
// none, with the shares that it has.
ScoreRule planned_rule(const StudyStore& store, const ShareRule& rule, std::string_view study);

// A share to try because of what is decided (decisions.h).
struct TriedShare {
  std::string score;
  double share = 0;  // in [0, 1]
};

// Finds their thresholds and adds them to the plan as its next generation. The baseline must be whole. Throws
// Error if the plan has static masks already.
void grow_plan(StudyStore& store, std::span<const TriedShare> shares, uint64_t seed);

// The setting "seed". Throws Error if it is missing or no number.
uint64_t seed_of(const Settings& settings);

}  // namespace idleheads
