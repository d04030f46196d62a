// What a study would have asked with --decide, from the results of the full one: decisions depend on results
// alone, so it comes to the same ones. Prints a row of a table (docs/decide.md) for each file.
#include <fmt/format.h>

#include "base/fail.h"
#include "idleheads/report/summary.h"
#include "idleheads/studyfile/decisions.h"

namespace {

using namespace idleheads;

struct Replayed {
  int64_t holds = 0, fails = 0, wrong = 0;
  int64_t pairs = 0, asked = 0;  // (question, intervention)
  int64_t tokens = 0, asked_tokens = 0;
};

// The rounds that it takes until the intervention is decided.
void replay(const StudyStore& full, const std::vector<StoredDocument>& documents, const PlanDecisions& exact,
            PlanDecisions& decisions, int64_t intervention, Replayed& out) {
  std::vector<StoredResult> results(documents.size());
  for (StoredResult& result : full.results(intervention, false)) {
    const auto place = static_cast<size_t>(result.document);
    results[place] = std::move(result);
  }
  const int generation = decisions.plan()[static_cast<size_t>(intervention)].generation;
  Verdict verdict = Verdict::open;
  for (size_t round = 0; round < decisions.rounds(generation); ++round) {
    for (const int64_t d : decisions.documents_of(generation, round)) {
      const int64_t tokens = documents[static_cast<size_t>(d)].tokens;
      ++out.pairs;
      out.tokens += tokens;
      if (verdict != Verdict::open) continue;
      ++out.asked;
      out.asked_tokens += tokens;
      decisions.add(intervention, results[static_cast<size_t>(d)]);
    }
    if (verdict != Verdict::open) continue;
    decisions.advance();
    verdict = decisions.of(intervention).verdict();
  }
  ++(verdict == Verdict::holds ? out.holds : out.fails);
  out.wrong += verdict != exact.of(intervention).verdict();
}

void print_row(const std::string& file) {
  const StudyStore full = StudyStore::open_read_only(file);
  const StudySummary summary = summarize(full);
  if (!summary.missing.empty()) fail("{}: not complete", file);
  const PlanDecisions exact(full, {});
  PlanDecisions decisions(full, {}, PlanDecisions::Results::none);
  Replayed sum;
  for (int64_t i = 1; i < std::ssize(exact.plan()); ++i)
    replay(full, summary.documents, exact, decisions, i, sum);
  const auto percent = [](int64_t part, int64_t whole) {
    return 100 * static_cast<double>(part) / static_cast<double>(whole);
  };
  fmt::print("| {} | {} | {} | {} | {} | {} | {} | {:.1f} % | {:.1f} % |\n", summary.model, summary.task,
             exact.questions(), std::ssize(exact.plan()) - 1, sum.holds, sum.fails, sum.wrong,
             percent(sum.asked, sum.pairs), percent(sum.asked_tokens, sum.tokens));
}

}  // namespace

int main(int argc, char** argv) try {
  fmt::print(
      "| model | task | questions | interventions | hold | fail | wrong | pairs asked | tokens asked |\n"
      "|---|---|---|---|---|---|---|---|---|\n");
  for (int i = 1; i < argc; ++i) print_row(argv[i]);
} catch (const Error& error) {
  fmt::print(stderr, "decide_replay: {}\n", error.what());
  return 1;
}
