// What is decided of a made-up study: rounds are replayed from what is stored, whatever order it came in.
#include "idleheads/studyfile/decisions.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <random>

#include "studyfile/study_fixture.h"

namespace idleheads {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr int64_t kQuestions = 300;

// Three subjects of two choices each; document 7 has nothing to answer.
std::vector<StoredDocument> questions() {
  std::vector<StoredDocument> documents;
  for (int64_t i = 0; i < kQuestions + 1; ++i) {
    StoredDocument document;
    document.group = fmt::format("subject {}", i * 3 / (kQuestions + 1));
    document.index = i;
    document.samples = 1;
    if (i != 7) document.choice_lengths = {3, 3};
    documents.push_back(document);
  }
  return documents;
}

class Decisions : public testing::Test {
 protected:
  StudyStore open(const Settings& settings = make_settings()) {
    return StudyStore::open(folder_ / "study.db", settings, documents_);
  }

  StoredResult answer(int64_t document, bool right, bool baseline = false) const {
    StoredResult result;
    result.document = document;
    if (!documents_[static_cast<size_t>(document)].choice_lengths.empty())
      result.log_likelihoods = right ? std::vector<float>{-1, -2} : std::vector<float>{-2, -1};
    result.masks.emplace_back(kLayers, kHeads);
    if (baseline) result.stats.emplace_back(kLayers, kHeads);
    return result;
  }

  // With all heads on, everything is right.
  void add_baseline(StudyStore& store, size_t missing = 0) const {
    Cohort cohort;
    for (size_t d = 0; d + missing < documents_.size(); ++d)
      cohort.emplace_back(0, answer(static_cast<int64_t>(d), true, true));
    store.add(cohort);
  }

  StudyStore begun() {
    StudyStore store = open();
    add_baseline(store);
    store.set_plan(plan_);
    store.set_order(order_);
    return store;
  }

  // Intervention i answers a share of the questions wrongly, drawn by its number.
  bool is_right(int64_t intervention, int64_t document) const {
    std::mt19937 random(static_cast<uint32_t>(1000 * intervention + document));
    return random() % 1000 >= 150 * static_cast<uint32_t>(intervention - 1);
  }
  Cohort cohort(int64_t intervention, std::span<const int64_t> documents) const {
    Cohort out;
    for (const int64_t d : documents) out.emplace_back(intervention, answer(d, is_right(intervention, d)));
    return out;
  }
  std::vector<int64_t> all_documents() const {
    std::vector<int64_t> out(documents_.size());
    std::iota(out.begin(), out.end(), 0);
    return out;
  }

  TempFolder folder_;
  const std::vector<StoredDocument> documents_ = questions();
  const std::vector<StoredIntervention> plan_ = {{"", 0, "none"},
                                                 {"ahon_ln", 0.05, "ahon_ln<0.25"},
                                                 {"ahon_ln", 0.25, "ahon_ln<0.5"},
                                                 {"random", 0.3, "random<0.3"}};
  const StoredOrder order_ = {.block_documents = 2, .rounds = 20};
  const DecisionOptions terms_ = {.tolerance = 0.05};
};

TEST_F(Decisions, EveryRoundIsTakenOnceAllOfItIsThere) {
  StudyStore store = begun();
  PlanDecisions decisions(store, terms_);
  EXPECT_EQ(decisions.questions(), kQuestions);
  // The same by hand, from the losses of each block.
  StudyDecisions expected({kQuestions, kQuestions / 2, 2}, terms_);
  expected.add_generation(3);
  for (size_t r = 0; r < decisions.rounds(0); ++r) {
    const std::vector<int64_t> documents = decisions.documents_of(0, r);
    std::vector<BlockLoss> blocks;
    for (size_t k = 0; k < documents.size(); k += 2) {
      EXPECT_EQ(documents_[static_cast<size_t>(documents[k])].group,
                documents_[static_cast<size_t>(documents[k + 1])].group);
      blocks.push_back({2, !is_right(2, documents[k]) + !is_right(2, documents[k + 1])});
    }
    const Cohort results = cohort(2, documents);
    for (size_t k = 0; k + 1 < results.size(); ++k) decisions.add(2, results[k].second);
    decisions.advance();
    EXPECT_EQ(decisions.of(2).sequence().documents(), expected.of(1).sequence().documents());
    decisions.add(2, results.back().second);
    const std::vector<int64_t> decided = decisions.advance();
    const Verdict before = expected.of(1).verdict();
    expected.add_round(1, blocks);
    EXPECT_EQ(decided.empty(), before == expected.of(1).verdict() || before != Verdict::open);
    EXPECT_EQ(decisions.of(2).verdict(), expected.of(1).verdict()) << r;
    EXPECT_EQ(decisions.of(2).sequence().loss(), expected.of(1).sequence().loss());
    EXPECT_EQ(decisions.of(1).sequence().documents(), 0);
  }
  EXPECT_EQ(decisions.of(2).verdict(), Verdict::fails);
  EXPECT_TRUE(decisions.of(2).sequence().exhausted());
}

TEST_F(Decisions, StoredResultsAreReplayedWhateverTheirOrder) {
  StudyStore store = begun();
  std::vector<int64_t> documents = all_documents();
  std::ranges::shuffle(documents, std::mt19937(5));
  PlanDecisions along(store, terms_);
  for (size_t first = 0; first < documents.size(); first += 43) {
    const auto part = std::span(documents).subspan(first, std::min<size_t>(43, documents.size() - first));
    for (const int64_t i : {1, 3}) {
      const Cohort results = cohort(i, part);
      store.add(results);
      for (const auto& [number, result] : results) along.add(number, result);
    }
    along.advance();
    const PlanDecisions replayed(store, terms_);
    for (const int64_t i : {1, 2, 3}) {
      EXPECT_EQ(replayed.of(i).verdict(), along.of(i).verdict());
      EXPECT_EQ(replayed.of(i).sequence().documents(), along.of(i).sequence().documents());
      EXPECT_EQ(replayed.of(i).sequence().loss(), along.of(i).sequence().loss());
    }
    EXPECT_EQ(replayed.stored(), along.stored());
    EXPECT_EQ(replayed.left(), along.left());
  }
  EXPECT_EQ(along.of(1).verdict(), Verdict::holds);
  EXPECT_EQ(along.of(3).verdict(), Verdict::fails);
  EXPECT_THAT(along.open(), ElementsAre(2));
  EXPECT_EQ(along.stored(), 2 * kQuestions);
  EXPECT_EQ(along.left(), kQuestions);
}

TEST_F(Decisions, RoundsHoldEveryQuestionOnceAndAreOtherOnesInEachGeneration) {
  StudyStore store = begun();
  PlanDecisions decisions(store, terms_);
  std::vector<StoredIntervention> plan = plan_;
  plan.push_back({"ahon_ln", 0.15, "ahon_ln<0.4", 1});
  plan.push_back({"ahon_ln", 0.2, "ahon_ln<0.45", 2});
  store.set_plan(plan);
  decisions.grow(store.plan());
  std::vector<std::vector<int64_t>> orders;
  for (int generation = 0; generation < 3; ++generation) {
    std::vector<int64_t>& order = orders.emplace_back();
    for (size_t r = 0; r < decisions.rounds(generation); ++r) {
      const std::vector<int64_t> round = decisions.documents_of(generation, r);
      order.insert(order.end(), round.begin(), round.end());
    }
    std::vector<int64_t> sorted = order, expected = all_documents();
    std::ranges::sort(sorted);
    std::erase(expected, 7);
    EXPECT_EQ(sorted, expected);
  }
  EXPECT_NE(orders[0], orders[1]);
  EXPECT_NE(orders[1], orders[2]);
  std::vector<int64_t> by_round;
  for (const auto& round : documents_by_round(make_settings(), documents_, order_))
    by_round.insert(by_round.end(), round.begin(), round.end());
  orders[0].push_back(7);
  EXPECT_EQ(by_round, orders[0]) << "what is no question comes last";
  const auto groups = decisions.open_groups();
  ASSERT_EQ(groups.size(), 3u);
  EXPECT_THAT(groups[0].interventions, ElementsAre(1, 2, 3));
  EXPECT_THAT(groups[1].interventions, ElementsAre(4));
  EXPECT_EQ(groups[2].generation, 2);
}

TEST_F(Decisions, SharesBetweenWhatHoldsAndWhatFailsAreTried) {
  StudyStore store = begun();
  for (const int64_t i : {1, 3}) store.add(cohort(i, all_documents()));
  EXPECT_TRUE(PlanDecisions(store, terms_).shares_to_try(1).empty() == false);
  Cohort failing;
  for (const int64_t d : all_documents()) failing.emplace_back(2, answer(d, false));
  store.add(failing);
  const PlanDecisions decisions(store, terms_);
  const std::vector<PlanDecisions::OfScore> scores = decisions.by_score();
  ASSERT_EQ(scores.size(), 2u);
  EXPECT_EQ(scores[0].score, "ahon_ln");
  EXPECT_EQ(text_of(scores[0].share), "holds at 5 %, fails at 25 %; by interpolation of estimates 6 %");
  const std::vector<TriedShare> shares = decisions.shares_to_try(1);
  ASSERT_EQ(shares.size(), 2u) << "15 % of ahon_ln, and 15 % of random, of which nothing holds";
  EXPECT_EQ(shares[0].score, "ahon_ln");
  EXPECT_DOUBLE_EQ(shares[0].share, 0.15);
  EXPECT_EQ(shares[1].score, "random");
  EXPECT_TRUE(decisions.shares_to_try(30).empty());
}

TEST_F(Decisions, WhatCannotBeDecidedIsRefused) {
  const auto refusal = [&](const StudyStore& store) {
    return error_of([&] { PlanDecisions(store, terms_); });
  };
  StudyStore store = open();
  add_baseline(store, 1);
  store.set_plan(plan_);
  EXPECT_THAT(refusal(store), HasSubstr("no random order"));
  store.set_order(order_);
  EXPECT_THAT(refusal(store), HasSubstr("the baseline is not complete"));
  store.add({{0, answer(kQuestions, true, true)}});
  EXPECT_EQ(refusal(store), "no error");
  std::vector<StoredIntervention> plan = plan_;
  plan.push_back({"ahon_ln", 0.25, "ahon_ln<0.5", 1});
  store.set_plan(plan);
  EXPECT_THAT(refusal(store), HasSubstr("the share 0.25 of ahon_ln"));
}

TEST_F(Decisions, PerplexitiesHaveNoBound) {
  Settings settings = make_settings();
  settings["task.metrics"] = "word_perplexity;byte_perplexity";
  EXPECT_FALSE(is_decidable(settings, documents_));
  EXPECT_TRUE(is_decidable(make_settings(), documents_));
  EXPECT_FALSE(is_decidable(make_settings(), {documents_[7]}));
  StudyStore store = open(settings);
  store.set_order(order_);
  EXPECT_THAT(error_of([&] { PlanDecisions(store, terms_); }),
              HasSubstr("word_perplexity, whose loss has no bound"));
}

// The store's side: values that are stored once, and a plan that only grows.
TEST_F(Decisions, OrderAndTermsNeverChange) {
  StudyStore store = begun();
  store.set_order(order_);
  EXPECT_THAT(error_of([&] { store.set_order({.block_documents = 1, .rounds = 20}); }),
              HasSubstr("another order"));
  EXPECT_EQ(store.order(), order_);
  EXPECT_EQ(store.decision_terms(), std::nullopt);
  store.set_decision_terms(terms_);
  store.set_decision_terms(terms_);
  EXPECT_THAT(error_of([&] { store.set_decision_terms({.tolerance = 0.02}); }),
              HasSubstr("another tolerance or with another confidence"));
  EXPECT_EQ(StudyStore::open_read_only(folder_ / "study.db").decision_terms(), terms_);
}

TEST_F(Decisions, ThePlanOnlyGrowsByLaterGenerations) {
  StudyStore store = begun();
  std::vector<StoredIntervention> plan = plan_;
  plan.push_back({"awft", 0.1, "awft>0.5"});
  EXPECT_THAT(error_of([&] { store.set_plan(plan); }), HasSubstr("another plan"));
  plan.back().generation = 1;
  store.set_plan(plan);
  EXPECT_EQ(store.plan(), plan);
  EXPECT_THAT(error_of([&] { store.set_plan(plan_); }), HasSubstr("another plan"));
  plan[1].share = 0.06;
  plan.push_back({"awft", 0.2, "awft>0.4", 2});
  EXPECT_THAT(error_of([&] { store.set_plan(plan); }), HasSubstr("another plan"));
  EXPECT_EQ(store.done().size(), 5u);
}

}  // namespace
}  // namespace idleheads
