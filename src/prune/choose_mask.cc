#include "prune/choose_mask.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>

#include "base/fail.h"
#include "idleheads/report/distribution.h"

namespace idleheads {
namespace {

// Shares of the units that nested masks have.
constexpr double kShares[] = {0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.08, 0.10, 0.12, 0.15,
                              0.18, 0.21, 0.25, 0.30, 0.35, 0.40, 0.50, 0.60, 0.80, 1.00};

struct RankedUnit {
  double inactivity = 0;
  MaskUnit heads;
};

// Larger is more inactive; NaN for a head without numbers.
std::vector<double> inactivity_of(const Score& score, int layers, int heads,
                                  const std::vector<StoredResult>& baseline) {
  std::vector<double> means = head_means(head_values(score, layers, heads, baseline));
  if (!score.inactive_above) {
    for (double& mean : means) mean = -mean;
  }
  return means;
}

void keep_layer_0(std::vector<RankedUnit>& ranked) {
  const auto last = std::find_if(ranked.rbegin(), ranked.rend(),
                                 [](const RankedUnit& unit) { return unit.heads.front().layer == 0; });
  if (last != ranked.rend()) ranked.erase(std::next(last).base());
}

FixedHeads heads_of(const std::vector<size_t>& units, const std::vector<MaskUnit>& ranking) {
  FixedHeads fixed;
  for (const size_t unit : units)
    fixed.heads.insert(fixed.heads.end(), ranking[unit].begin(), ranking[unit].end());
  std::ranges::sort(fixed.heads);
  return fixed;
}

std::vector<size_t> without(std::vector<size_t> units, size_t place) {
  units.erase(units.begin() + static_cast<std::ptrdiff_t>(place));
  return units;
}

// Every k-th, so that all subjects are among them.
std::vector<int64_t> some_of(const std::vector<int64_t>& documents, int64_t most) {
  const auto step = static_cast<size_t>((std::ssize(documents) + most - 1) / most);
  std::vector<int64_t> out;
  for (size_t i = 0; i < documents.size(); i += std::max<size_t>(1, step)) out.push_back(documents[i]);
  return out;
}

class Chooser {
 public:
  Chooser(Engine& engine, const PreparedTask& task, const DocumentSplit& split,
          const std::vector<MaskUnit>& ranking, const ChooseOptions& options)
      : engine_(engine), task_(task), split_(split), ranking_(ranking), options_(options) {}

  ChosenMask choose() {
    if (options_.mean)
      out_.means = measure_outputs(engine_, task_, split_.calibration, options_.progress).means();
    try_nested();
    if (const std::optional<size_t> failing = first_failing()) refine(out_.trials[*failing]);
    out_.chosen = largest_within();
    if (out_.chosen) test(out_.trials[*out_.chosen]);
    return std::move(out_);
  }

 private:
  using Units = std::vector<size_t>;

  const HeadMeans* means() const { return out_.means ? &*out_.means : nullptr; }

  // Measures masks on documents, all in one sweep.
  std::vector<MaskTrial> measure(const std::vector<Units>& masks, const std::vector<int64_t>& documents,
                                 const char* phase) {
    std::vector<Intervention> interventions = {std::monostate{}};
    std::vector<MaskTrial> trials;
    for (const Units& units : masks) {
      MaskTrial& trial = trials.emplace_back();
      trial.units = units;
      trial.heads = heads_of(units, ranking_);
      interventions.emplace_back(trial.heads);
    }
    const auto results =
        results_under(engine_, task_, documents, interventions, phase, options_.progress, means());
    for (size_t i = 0; i < trials.size(); ++i) {
      const Comparison c = compare_answers(task_, results.front(), results[i + 1], options_.confidence);
      trials[i].loss = c.loss();
      trials[i].loss_error = c.changes.loss_error;
      if (c.changes.kl) {
        trials[i].choices = {-c.changes.probability->mean, c.changes.probability->error,
                             c.changes.log_likelihood->mean, c.changes.kl->mean};
      }
    }
    return trials;
  }

  void try_nested() {
    const double all = static_cast<double>(ranking_.size());
    std::set<size_t> sizes;
    for (const double share : kShares) {
      if (share <= options_.most + 1e-9) sizes.insert(static_cast<size_t>(std::lround(share * all)));
    }
    std::vector<Units> masks;
    for (const size_t size : sizes) {
      if (size == 0) continue;
      masks.emplace_back(size);
      std::iota(masks.back().begin(), masks.back().end(), size_t{0});
    }
    out_.trials = measure(masks, split_.calibration, "nested masks");
  }

  bool is_within(const MaskTrial& trial) const { return trial.most_lost() <= options_.within + 1e-9; }

  // Behind the largest nested mask that is within, and of enough units that some can be bad ones.
  std::optional<size_t> first_failing() const {
    constexpr size_t kEnough = 8;
    size_t next = 0;
    for (size_t i = 0; i < out_.trials.size(); ++i) {
      if (is_within(out_.trials[i])) next = i + 1;
    }
    while (next + 1 < out_.trials.size() && out_.trials[next].units.size() < kEnough) ++next;
    return next < out_.trials.size() ? std::optional(next) : std::nullopt;
  }

  std::vector<int64_t> documents_to_refine_by() const {
    int64_t tokens = 0;
    for (const int64_t d : split_.calibration) tokens += task_.rows(d);
    const int64_t fit =
        options_.refine_tokens * std::ssize(split_.calibration) / std::max<int64_t>(1, tokens);
    return some_of(split_.calibration, std::clamp<int64_t>(fit, 1, options_.refine_documents));
  }

  // Takes out of a mask that loses too much the units that cost most, until it is within.
  void refine(MaskTrial trial) {
    const std::vector<int64_t> documents = documents_to_refine_by();
    for (int round = 0; round < options_.rounds && trial.units.size() > 1; ++round) {
      std::vector<Units> masks;
      for (size_t i = 0; i < trial.units.size(); ++i) masks.push_back(without(trial.units, i));
      const std::vector<MaskTrial> single = measure(masks, documents, "refining");
      std::vector<size_t> order(trial.units.size());  // places in the mask, the one that costs most first
      std::iota(order.begin(), order.end(), size_t{0});
      std::ranges::stable_sort(order, {}, [&](size_t i) { return single[i].cost(); });
      std::vector<Units> smaller;
      for (size_t n = 1; n < trial.units.size() && n <= std::max<size_t>(4, trial.units.size() / 3); n *= 2) {
        const std::set<size_t> out(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(n));
        Units& units = smaller.emplace_back();
        for (size_t i = 0; i < trial.units.size(); ++i) {
          if (!out.contains(i)) units.push_back(trial.units[i]);
        }
      }
      std::vector<MaskTrial> trials = measure(smaller, split_.calibration, "refined masks");
      for (MaskTrial& next : trials) next.refined = true;
      out_.trials.insert(out_.trials.end(), trials.begin(), trials.end());
      if (std::ranges::any_of(trials, [&](const MaskTrial& next) { return is_within(next); })) return;
      trial = trials.back();
    }
  }

  // Of equally many heads the one that costs least.
  std::optional<size_t> largest_within() const {
    std::optional<size_t> best;
    const auto rank = [&](size_t i) {
      return std::pair(std::ssize(out_.trials[i].heads.heads), -out_.trials[i].cost());
    };
    for (size_t i = 0; i < out_.trials.size(); ++i) {
      if (is_within(out_.trials[i]) && (!best || rank(i) > rank(*best))) best = i;
    }
    return best;
  }

  void test(const MaskTrial& trial) {
    const std::vector<Intervention> interventions = {std::monostate{}, trial.heads};
    const auto results =
        results_under(engine_, task_, split_.test, interventions, "test", options_.progress, means());
    out_.test = compare_answers(task_, results[0], results[1], options_.confidence);
  }

  Engine& engine_;
  const PreparedTask& task_;
  const DocumentSplit& split_;
  const std::vector<MaskUnit>& ranking_;
  const ChooseOptions& options_;
  ChosenMask out_;
};

}  // namespace

double MaskTrial::most_lost() const {
  const double of_metric = loss + loss_error;
  return choices ? std::max(of_metric, choices->share_loss + choices->share_error) : of_metric;
}

std::vector<MaskUnit> rank_units(const Score& score, const HeadShape& shape,
                                 const std::vector<StoredResult>& baseline, std::optional<int> kv_heads) {
  const std::vector<double> inactivity = inactivity_of(score, shape.layers(), shape.heads(), baseline);
  const int members = kv_heads ? shape.heads() / *kv_heads : 1;
  std::map<std::pair<int, int>, RankedUnit> units;  // by layer and group
  for (const HeadId id : shape.present()) {
    RankedUnit& unit = units[{id.layer, id.head / members}];
    const double value = inactivity[static_cast<size_t>(id.layer) * static_cast<size_t>(shape.heads()) +
                                    static_cast<size_t>(id.head)];
    const bool less = unit.heads.empty() || std::isnan(value) || value < unit.inactivity;
    if (less) unit.inactivity = value;  // a NaN stays, as nothing is less
    unit.heads.push_back(id);
  }
  std::vector<RankedUnit> ranked;
  for (auto& [place, unit] : units) {
    if (!std::isnan(unit.inactivity)) ranked.push_back(std::move(unit));
  }
  std::ranges::stable_sort(ranked, std::greater(), &RankedUnit::inactivity);
  keep_layer_0(ranked);
  std::vector<MaskUnit> out;
  for (RankedUnit& unit : ranked) out.push_back(std::move(unit.heads));
  return out;
}

ChosenMask choose_mask(Engine& engine, const PreparedTask& task, const DocumentSplit& split,
                       const std::vector<MaskUnit>& ranking, const ChooseOptions& options) {
  if (task.task.output == OutputType::generate_until) {
    fail("{}: heads are chosen by questions with choices or by texts; take piqa, mmlu, wikitext or the like",
         printable(task.task.name));
  }
  if (ranking.empty() || split.calibration.empty() || split.test.empty())
    fail("{}: too few questions to choose heads by some and test them on others", printable(task.task.name));
  return Chooser(engine, task, split, ranking, options).choose();
}

}  // namespace idleheads
