#include "cli/decide_options.h"

#include <fmt/format.h>

#include <map>

#include "base/fail.h"
#include "cli/command_tree.h"
#include "format/json.h"
#include "idleheads/report/summary.h"

namespace idleheads::cli {
namespace {

constexpr double kResolution = 1;  // percent
constexpr int64_t kRounds = 5;

// --within and --confidence as terms. Throws UsageError.
DecisionOptions decision_terms(std::optional<double> within, std::optional<double> confidence_percent) {
  DecisionOptions terms;
  if (within) {
    if (!(*within > 0 && *within < 100))
      fail_usage("--within {}: expected points that may be lost, above 0 and below 100", *within);
    terms.tolerance = *within / 100;
  }
  if (confidence_percent) {
    if (!(*confidence_percent >= 50 && *confidence_percent < 100))
      fail_usage("--confidence {}: expected percent, from 50 to below 100", *confidence_percent);
    terms.confidence = *confidence_percent / 100;
  }
  return terms;
}

}  // namespace

void RefineFlags::add_to(CLI::App& app, const std::string& when) {
  app.add_flag("--refine", refine,
               when + ": try further shares between the largest that holds and the smallest that fails");
  app.add_option("--resolution", resolution,
                 "with --refine: until they are so many percent of the heads apart (default: 1)");
}

std::optional<double> RefineFlags::wanted() const {
  if (!refine) {
    if (resolution) fail_usage("--resolution needs --refine");
    return std::nullopt;
  }
  const double percent = resolution.value_or(kResolution);
  if (!(percent > 0 && percent <= 100))
    fail_usage("--resolution {}: expected percent of the heads, above 0, at most 100", percent);
  return percent;
}

void DecideFlags::add_to(CLI::App& app) {
  begin_group(app, "Stop when it is known");
  const std::map<std::string, double> units = {{"s", 1}, {"min", 60}, {"h", 3600}, {"d", 86400}};
  app.add_flag(
      "--decide", decide,
      "stop asking a question under an intervention once it is known, with --confidence for all of them "
      "together, whether the intervention loses more than --within; without it later, the study goes on");
  app.add_option("--within", within, "with --decide: points of the metric that may be lost (default: 1)");
  app.add_option("--confidence,--confidence-level", confidence_percent,
                 "with --decide: that all decisions are right, in percent (default: 95)");
  refine.add_to(app, "with --decide");
  app.add_option("--stop-after", stop_after,
                 "stop in good order after so long, as in 2h or 30min; the same command goes on")
      ->transform(CLI::AsNumberWithUnit(units, CLI::AsNumberWithUnit::UNIT_REQUIRED, "TIME"))
      ->type_name("TIME");
  app.add_option(
      "--rounds", rounds,
      "with --shard and --decide: how many rounds (hundredths of the questions) a part asks before the "
      "next merge (default: 5)");
}

std::optional<DecideOptions> DecideFlags::options(bool in_parts) const {
  if (!decide) {
    if (within || confidence_percent || refine.refine || refine.resolution || rounds)
      fail_usage("--within, --confidence, --refine, --resolution and --rounds need --decide");
    return std::nullopt;
  }
  if (rounds && !in_parts) fail_usage("--rounds: only with --shard");
  if (rounds && *rounds < 1) fail_usage("--rounds {}: expected 1 or more", *rounds);
  if (refine.refine && in_parts)
    fail_usage("--refine: of a study in parts, idleheads merge --refine adds the shares");
  return DecideOptions{decision_terms(within, confidence_percent), refine.wanted()};
}

int64_t DecideFlags::rounds_at_a_time() const { return rounds.value_or(kRounds); }

std::string decision_line(const StoredIntervention& intervention, const LossDecision& decision) {
  const Decision known = decision.decision();
  const bool holds = known.verdict == Verdict::holds;
  std::string line =
      fmt::format("{:<6} {:<14} {} of {} questions: loses {:.1f} points", name_of(known.verdict),
                  share_name(intervention.score, intervention.share), known.documents,
                  decision.sequence().population().documents, 100 * known.estimate);
  if (!known.exact)
    line += fmt::format(", at {} {:.1f}", holds ? "most" : "least",
                        100 * (holds ? known.bounds.high : known.bounds.low));
  return line;
}

std::string decision_json(const StoredIntervention& intervention, const LossDecision& decision) {
  const Decision known = decision.decision();
  return dump_ascii(OrderedJson{{"event", "decided"},
                                {"rule", share_name(intervention.score, intervention.share)},
                                {"decision", name_of(known.verdict)},
                                {"exact", known.exact},
                                {"documents", known.documents},
                                {"of", decision.sequence().population().documents},
                                {"loss", 100 * known.estimate},
                                {"low", 100 * known.bounds.low},
                                {"high", 100 * known.bounds.high}});
}

}  // namespace idleheads::cli
