// Answers that the model writes and texts in the study file, and what both add to the metrics.
#include <cmath>
#include <stdexcept>

#include "idleheads/studyfile/answers.h"
#include "study_fixture.h"

namespace idleheads {
namespace {

using testing::HasSubstr;

StoredDocument written(const std::string& reference) {
  StoredDocument document;
  document.group = "gsm8k";
  document.reference = reference;
  document.samples = 1;
  document.tokens = 40;
  return document;
}

StoredDocument text(int64_t words, int64_t bytes) {
  StoredDocument document;
  document.group = "wikitext";
  document.words = words;
  document.bytes = bytes;
  document.samples = 2;
  document.tokens = 70;
  return document;
}

HeadMask mask_with(int head) {
  HeadMask mask(kLayers, kHeads);
  mask.set(1, head, true);
  return mask;
}

StoredResult response(int64_t document, const std::string& said, std::vector<int64_t> passes) {
  StoredResult result;
  result.document = document;
  result.response = said;
  for (size_t k = 0; k < passes.size(); ++k) result.masks.push_back(mask_with(static_cast<int>(k)));
  result.passes = std::move(passes);
  return result;
}

class StoreAnswers : public testing::Test {
 protected:
  TempFolder folder_;
  std::filesystem::path file_ = folder_ / "study.db";
  std::vector<StoredDocument> documents_ = {written("because\n#### 18"), written(""), text(5, 20),
                                            text(2, 0)};
  StudyStore store_ = StudyStore::open(file_, make_settings(), documents_);
};

TEST_F(StoreAnswers, AreKept) {
  store_.set_plan(make_plan());
  const StoredResult first = response(0, std::string("na\xc3\xafve\0 #### 18", 15), {3, 200, 1});
  const StoredResult second = response(1, "", {256});
  StoredResult third;
  third.document = 2;
  third.log_likelihoods = {-12.5f};
  third.masks = {mask_with(0), mask_with(1)};
  store_.add({{1, first}, {1, second}, {1, third}});
  for (const StudyStore& reader : {StudyStore::open_read_only(file_)}) {
    EXPECT_EQ(reader.documents(), documents_);
    const std::vector<StoredResult> results = reader.results(1, false);
    ASSERT_EQ(results.size(), 3u);
    EXPECT_TRUE(same_result(results[0], first));
    EXPECT_TRUE(same_result(results[1], second));
    EXPECT_TRUE(same_result(results[2], third));
    EXPECT_EQ(results[0].passes_of(1), 200);
    EXPECT_EQ(results[2].passes_of(1), 1);
  }
}

TEST_F(StoreAnswers, BaselineHasTheStatisticsOfThePrompt) {
  StoredResult baseline = response(0, "x", {7});
  EXPECT_THROW(store_.add({{0, baseline}}), std::invalid_argument);
  baseline.stats.emplace_back(kLayers, kHeads);
  store_.add({{0, baseline}});
  EXPECT_EQ(store_.results(0, true)[0].stats.size(), 1u);
}

TEST_F(StoreAnswers, RefusesResultsThatDoNotFit) {
  store_.set_plan(make_plan());
  const auto refused = [&](const StoredResult& result) {
    EXPECT_THROW(store_.add({{1, result}}), std::invalid_argument);
  };
  refused(response(0, "x", {}));
  refused(response(0, "x", {0}));
  refused(response(0, "x", {2, -1}));
  StoredResult bad = response(0, "x", {2, 1});
  bad.masks.pop_back();
  refused(bad);
  bad = response(0, "x", {2});
  bad.log_likelihoods = {-1};
  refused(bad);
  bad = response(2, "", {});
  bad.masks = {mask_with(0), mask_with(1)};
  refused(bad);  // a text needs its log-likelihood
  bad.log_likelihoods = {-1};
  bad.response = "x";
  refused(bad);
  bad.response = "";
  store_.add({{1, bad}});
}

TEST_F(StoreAnswers, NamesTheFirstOtherDocument) {
  { const StudyStore closed = std::move(store_); }
  const auto with = [&](size_t document, const StoredDocument& changed) {
    auto documents = documents_;
    documents[document] = changed;
    return error_of([&] { StudyStore::open(file_, make_settings(), documents); });
  };
  EXPECT_THAT(with(0, written("#### 19")), HasSubstr("document 0: reference answer: stored 'because"));
  EXPECT_THAT(with(3, text(3, 0)), HasSubstr("document 3: words: stored '2', given '3'"));
  EXPECT_THAT(with(3, text(2, 1)), HasSubstr("document 3: bytes: stored '0', given '1'"));
}

TEST_F(StoreAnswers, AddToTheMetrics) {
  StoredResult likely;
  likely.document = 2;
  likely.log_likelihoods = {-10};
  const std::vector<AnsweredDocument> documents =
      answered(documents_, {response(0, "I say 18.", {1}), response(1, "#### 5", {1}), likely});
  ASSERT_EQ(documents.size(), 3u);
  EXPECT_EQ(documents[0].group, "gsm8k");
  const MetricValues values = metric_values(documents);
  EXPECT_EQ(values.at(Metric::exact_match_strict).value, 0);
  EXPECT_EQ(values.at(Metric::exact_match_flexible).value, 0.5);
  EXPECT_EQ(values.at(Metric::exact_match_flexible).n, 2);
  EXPECT_DOUBLE_EQ(values.at(Metric::word_perplexity).value, std::exp(2.0));
  EXPECT_DOUBLE_EQ(values.at(Metric::byte_perplexity).value, std::exp(0.5));
}

}  // namespace
}  // namespace idleheads
