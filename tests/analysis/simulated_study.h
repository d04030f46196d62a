// Simulated studies: interventions with known losses, decided by the program's own code.
#pragma once

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "idleheads/analysis/block_order.h"
#include "idleheads/analysis/decision.h"

namespace idleheads {

using Losses = std::vector<int8_t>;  // of each document: 1 lost, -1 won, 0 as before

inline uint64_t below(std::mt19937_64& random, uint64_t n) { return random() % n; }

inline void shuffle(Losses& losses, std::mt19937_64& random) {
  for (size_t i = losses.size(); i > 1; --i) std::swap(losses[i - 1], losses[below(random, i)]);
}

// The lost ones first, then those won, then the others.
inline Losses sorted_losses(int64_t documents, int64_t lost, int64_t won) {
  Losses out(static_cast<size_t>(documents), 0);
  std::fill_n(out.begin(), lost, int8_t{1});
  std::fill_n(out.begin() + lost, won, int8_t{-1});
  return out;
}

inline int64_t sum_of(const Losses& losses) {
  int64_t sum = 0;
  for (const int8_t loss : losses) sum += loss;
  return sum;
}

// The blocks of a round with an intervention's losses.
inline std::vector<BlockLoss> round_of(const BlockOrder& order, size_t round, const Losses& losses) {
  std::vector<BlockLoss> out;
  for (size_t i = round == 0 ? 0 : order.round_ends[round - 1]; i < order.round_ends[round]; ++i) {
    BlockLoss block = {static_cast<int64_t>(order.blocks[i].size()), 0};
    for (const int64_t document : order.blocks[i]) block.loss += losses[static_cast<size_t>(document)];
    out.push_back(block);
  }
  return out;
}

// Runs an intervention until it is decided. Returns whether the verdict is wrong.
inline bool decide(StudyDecisions& study, size_t intervention, const BlockOrder& order, const Losses& losses,
                   double tolerance) {
  for (size_t round = 0; study.of(intervention).verdict() == Verdict::open; ++round)
    study.add_round(intervention, round_of(order, round, losses));
  const auto allowed = tolerance * static_cast<double>(losses.size()) + 1e-6;
  const Verdict truth = static_cast<double>(sum_of(losses)) <= allowed ? Verdict::holds : Verdict::fails;
  return study.of(intervention).verdict() != truth;
}

// The subject of each of MMLU's test questions.
inline std::vector<int> mmlu_subjects(const std::string& test_data) {
  std::ifstream file(test_data + "/decide/mmlu_subjects.json");
  const nlohmann::json sizes = nlohmann::json::parse(file);
  std::vector<int> out;
  int subject = 0;
  for (const auto& [name, questions] : sizes.items())
    out.insert(out.end(), questions.get<size_t>(), subject++);
  return out;
}

// A point of a published curve. How many answers change is not published; few and many are guesses.
struct CurveLoss {
  double share = 0;  // of the heads that are off
  double loss = 0;   // of right answers
  double flips(bool many) const {
    return std::min(0.9, std::abs(loss) + (many ? 0.03 + 0.5 * share : 0.02 + 0.15 * share));
  }
};

struct PaperModel {
  std::string name;
  std::vector<CurveLoss> points;
};

// The paper's models; data/paper_results.json is in `data`.
inline std::vector<PaperModel> paper_models(const std::string& data) {
  std::ifstream file(data + "/paper_results.json");
  const nlohmann::json results = nlohmann::json::parse(file);
  std::vector<PaperModel> out;
  for (const auto& [name, scores] : results.at("curves").at("mmlu").items()) {
    PaperModel model = {name, {}};
    const double baseline = scores.at("random").at(0).at(2).get<double>() / 100;
    for (const auto& points : scores) {
      for (const auto& point : points) {
        const double share = point.at(1).get<double>() / 100;
        if (share > 0.0001) model.points.push_back({share, baseline - point.at(2).get<double>() / 100});
      }
    }
    out.push_back(std::move(model));
  }
  return out;
}

struct SimulatedWork {
  double share = 0;  // of the (document, intervention) pairs of the full study
  int64_t decisions = 0;
  int64_t wrong = 0;
};

// One model's study: every point of its curves is an intervention.
inline SimulatedWork simulate(const PaperModel& model, bool many_flips, std::span<const int> subjects,
                              const BlockOrderOptions& options) {
  const BlockOrder order = block_order(subjects, options);
  StudyDecisions study(order.population, {});
  study.add_generation(model.points.size());
  std::mt19937_64 random(options.seed);
  SimulatedWork work;
  const auto documents = static_cast<double>(subjects.size());
  for (size_t i = 0; i < model.points.size(); ++i) {
    const double loss = model.points[i].loss, flips = model.points[i].flips(many_flips);
    Losses losses =
        sorted_losses(static_cast<int64_t>(subjects.size()), std::lround(documents * (flips + loss) / 2),
                      std::lround(documents * (flips - loss) / 2));
    shuffle(losses, random);
    work.wrong += decide(study, i, order, losses, DecisionOptions().tolerance);
    ++work.decisions;
  }
  work.share =
      static_cast<double>(study.documents_asked()) / (documents * static_cast<double>(work.decisions));
  return work;
}

}  // namespace idleheads
