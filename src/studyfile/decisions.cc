#include "idleheads/studyfile/decisions.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "base/fail.h"
#include "idleheads/studyfile/answers.h"

namespace idleheads {
namespace {

bool is_question(const StoredDocument& document, Metric metric) {
  StoredResult none;
  none.log_likelihoods.resize(document.log_likelihoods());
  return std::ranges::any_of(contributions_of(document, none),
                             [&](const Contribution& c) { return c.metric == metric; });
}

// The documents that the metric is measured on.
std::vector<int64_t> questions_of(const std::vector<StoredDocument>& documents, Metric metric) {
  std::vector<int64_t> questions;
  for (size_t d = 0; d < documents.size(); ++d) {
    if (is_question(documents[d], metric)) questions.push_back(static_cast<int64_t>(d));
  }
  return questions;
}

// Of questions, by their numbers among these.
BlockOrder order_of_questions(const std::vector<StoredDocument>& documents,
                              const std::vector<int64_t>& questions, const StoredOrder& order, uint64_t seed,
                              int generation) {
  std::map<std::string, int> numbers;  // of groups, as they appear
  std::vector<int> subjects;
  for (const int64_t d : questions) {
    const std::string& group = documents[static_cast<size_t>(d)].group;
    subjects.push_back(numbers.emplace(group, static_cast<int>(numbers.size())).first->second);
  }
  return block_order(subjects,
                     {order.block_documents, order.rounds, seed, static_cast<uint32_t>(generation)});
}

std::span<const std::vector<int64_t>> blocks_of(const BlockOrder& order, size_t round) {
  const size_t first = round == 0 ? 0 : order.round_ends[round - 1];
  return std::span(order.blocks).subspan(first, order.round_ends[round] - first);
}

// `order` is of `questions`, by their numbers among these.
std::vector<int64_t> documents_of(const BlockOrder& order, size_t round,
                                  const std::vector<int64_t>& questions) {
  std::vector<int64_t> documents;
  for (const std::vector<int64_t>& block : blocks_of(order, round)) {
    for (const int64_t q : block) documents.push_back(questions[static_cast<size_t>(q)]);
  }
  return documents;
}

std::vector<int64_t> decidable_questions(const Settings& settings,
                                         const std::vector<StoredDocument>& documents) {
  const Metric metric = deciding_metric(settings);
  if (!metric_info(metric).is_share) {
    fail("the task is measured by {}, whose loss has no bound: nothing can be decided before the last text",
         metric_name(metric));
  }
  std::vector<int64_t> questions = questions_of(documents, metric);
  if (questions.empty()) fail("the task has no questions, so there is nothing to decide");
  return questions;
}

// A share of a score has one decision.
void require_distinct(const std::vector<StoredIntervention>& plan) {
  std::set<std::pair<std::string, double>> there;
  for (const StoredIntervention& i : plan) {
    if (!(i.share >= 0 && i.share <= 1) || !there.emplace(i.score, i.share).second)
      fail("study: its plan has the share {} of {}, which is there already or none", i.share,
           i.score.empty() ? "the baseline" : printable(i.score));
  }
}

StoredOrder order_in(const StudyStore& store) {
  const std::optional<StoredOrder> order = store.order();
  if (!order) fail("the study has no random order of its documents; an older idleheads wrote it");
  return *order;
}

}  // namespace

bool is_decidable(const Settings& settings, const std::vector<StoredDocument>& documents) {
  const Metric metric = deciding_metric(settings);
  return metric_info(metric).is_share && !questions_of(documents, metric).empty();
}

PlanDecisions::PlanDecisions(const StudyStore& store, const DecisionOptions& options, Results results)
    : options_(options),
      seed_(seed_of(store.settings())),
      order_(order_in(store)),
      documents_(store.documents()),
      metric_(deciding_metric(store.settings())),
      questions_(decidable_questions(store.settings(), documents_)),
      question_of_(documents_.size(), -1),
      plan_{StoredIntervention{"", 0, "none"}},
      orders_{order_of_questions(documents_, questions_, order_, seed_, 0)},
      decisions_(orders_[0].population, options) {
  for (size_t q = 0; q < questions_.size(); ++q)
    question_of_[static_cast<size_t>(questions_[q])] = static_cast<int64_t>(q);
  baseline_.resize(questions_.size(), Answer::unknown);
  for (const StoredResult& result : store.results(0, false)) {
    const int64_t q = question_of_[static_cast<size_t>(result.document)];
    if (q >= 0) baseline_[static_cast<size_t>(q)] = answer(static_cast<size_t>(q), result);
  }
  if (std::ranges::count(baseline_, Answer::unknown) > 0)
    fail("the baseline is not complete, so nothing can be decided yet");
  grow(store.plan());
  if (results == Results::none) return;
  for (size_t i = 1; i < plan_.size(); ++i) {
    for (const StoredResult& result : store.results(static_cast<int64_t>(i), false))
      add(static_cast<int64_t>(i), result);
  }
  advance();
}

PlanDecisions::Answer PlanDecisions::answer(size_t question, const StoredResult& result) const {
  for (const Contribution& c :
       contributions_of(documents_[static_cast<size_t>(questions_[question])], result)) {
    if (c.metric == metric_) return c.value > 0.5 ? Answer::right : Answer::wrong;
  }
  return Answer::unknown;
}

void PlanDecisions::grow(const std::vector<StoredIntervention>& plan) {
  size_t next = plan_.size();
  plan_ = by_input(plan);
  require_distinct(plan_);
  while (next < plan_.size()) {
    const int generation = plan_[next].generation;
    const auto end = std::find_if(plan_.begin() + static_cast<ptrdiff_t>(next), plan_.end(),
                                  [&](const StoredIntervention& i) { return i.generation != generation; });
    const size_t count = static_cast<size_t>(end - plan_.begin()) - next;
    if (std::cmp_equal(orders_.size(), generation))
      orders_.push_back(order_of_questions(documents_, questions_, order_, seed_, generation));
    decisions_.add_generation(count);
    states_.resize(states_.size() + count, {generation, 0, 0, {}});
    next += count;
  }
}

void PlanDecisions::add(int64_t intervention, const StoredResult& result) {
  const int64_t q = question_of_.at(static_cast<size_t>(result.document));
  if (q < 0) return;
  State& state = states_.at(index(intervention));
  if (state.answers.empty()) state.answers.resize(questions_.size(), Answer::unknown);
  Answer& stored = state.answers[static_cast<size_t>(q)];
  if (stored == Answer::unknown) ++state.stored;
  stored = answer(static_cast<size_t>(q), result);
}

std::vector<int64_t> PlanDecisions::advance() {
  std::vector<int64_t> decided;
  for (int64_t i = 1; i < std::ssize(plan_); ++i) {
    const bool was_open = of(i).verdict() == Verdict::open;
    while (advance(i)) continue;
    if (was_open && of(i).verdict() != Verdict::open) decided.push_back(i);
  }
  return decided;
}

// Takes the next round if it is complete.
bool PlanDecisions::advance(int64_t intervention) {
  State& state = states_[index(intervention)];
  if (state.answers.empty() || state.rounds == rounds(state.generation)) return false;
  std::vector<BlockLoss> losses;
  for (const std::vector<int64_t>& block : blocks_of(order_of(state.generation), state.rounds)) {
    BlockLoss& loss = losses.emplace_back();
    for (const int64_t question : block) {
      const auto q = static_cast<size_t>(question);
      if (state.answers[q] == Answer::unknown) return false;
      ++loss.documents;
      loss.loss += static_cast<int>(baseline_[q]) - static_cast<int>(state.answers[q]);
    }
  }
  decisions_.add_round(index(intervention), losses);
  ++state.rounds;
  return true;
}

std::vector<int64_t> PlanDecisions::open() const {
  std::vector<int64_t> out;
  for (const size_t i : decisions_.open()) out.push_back(static_cast<int64_t>(i) + 1);
  return out;
}

VerdictCounts PlanDecisions::counts() const {
  VerdictCounts counts;
  for (size_t i = 0; i < decisions_.size(); ++i) counts.add(decisions_.of(i).verdict());
  return counts;
}

int64_t PlanDecisions::stored() const {
  int64_t sum = 0;
  for (const State& state : states_) sum += state.stored;
  return sum;
}

int64_t PlanDecisions::left() const {
  int64_t sum = 0;
  for (const int64_t i : open()) sum += questions() - states_[index(i)].stored;
  return sum;
}

std::vector<PlanDecisions::Group> PlanDecisions::open_groups() const {
  std::map<std::pair<int, size_t>, std::vector<int64_t>> groups;
  for (const int64_t i : open()) {
    const State& state = states_[index(i)];
    groups[{state.generation, state.rounds}].push_back(i);
  }
  std::vector<Group> out;
  for (auto& [place, interventions] : groups)
    out.push_back({place.first, place.second, std::move(interventions)});
  return out;
}

std::vector<int64_t> PlanDecisions::documents_of(int generation, size_t round) const {
  return idleheads::documents_of(order_of(generation), round, questions_);
}

std::vector<PlanDecisions::OfScore> PlanDecisions::by_score() const {
  std::vector<std::pair<std::string, std::vector<ShareDecision>>> scores;
  for (size_t i = 1; i < plan_.size(); ++i) {
    auto found = std::ranges::find(scores, plan_[i].score, [](const auto& entry) { return entry.first; });
    if (found == scores.end()) found = scores.insert(found, {plan_[i].score, {}});
    const LossDecision& decision = of(static_cast<int64_t>(i));
    found->second.push_back({100 * plan_[i].share, decision.sequence().estimate(), decision.verdict()});
  }
  std::vector<OfScore> out;
  for (const auto& [score, shares] : scores)
    out.push_back({score, decided_share(shares, options_.tolerance)});
  return out;
}

std::vector<TriedShare> PlanDecisions::shares_to_try(double resolution) const {
  std::vector<TriedShare> out;
  for (const OfScore& score : by_score()) {
    if (const std::optional<double> percent = share_to_try(score.share, resolution))
      out.push_back({score.score, *percent / 100});
  }
  return out;
}

std::vector<std::vector<int64_t>> documents_by_round(const Settings& settings,
                                                     const std::vector<StoredDocument>& documents,
                                                     const StoredOrder& order) {
  std::vector<std::vector<int64_t>> out;
  const std::vector<int64_t> questions = questions_of(documents, deciding_metric(settings));
  if (!questions.empty()) {
    const BlockOrder blocks = order_of_questions(documents, questions, order, seed_of(settings), 0);
    for (size_t r = 0; r < blocks.round_ends.size(); ++r) out.push_back(documents_of(blocks, r, questions));
  }
  std::vector<bool> is_question(documents.size());
  for (const int64_t d : questions) is_question[static_cast<size_t>(d)] = true;
  std::vector<int64_t>& others = out.emplace_back();
  for (size_t d = 0; d < documents.size(); ++d) {
    if (!is_question[d]) others.push_back(static_cast<int64_t>(d));
  }
  return out;
}

}  // namespace idleheads
