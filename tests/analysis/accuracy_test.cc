// Metrics and standard errors against lm-evaluation-harness 0.4.5 over made-up log-likelihoods.
#include "idleheads/analysis/accuracy.h"

#include <cmath>
#include <map>

#include "task/test_files.h"

namespace idleheads {
namespace {

using Lengths = std::vector<int64_t>;

TEST(Outcome, TakesTheFirstOfEqualMaxima) {
  for (const auto& row : read_tsv(test_data("task/mmlu_ties.tsv"))) {
    std::vector<float> values;
    for (size_t j = 0; j < 4; ++j) values.push_back(std::stof(row[j]));
    EXPECT_EQ(outcome_of(values, Lengths{1, 1, 1, 1}, std::stoi(row[4])).correct, row[5] == "1");
  }
}

TEST(Outcome, NormalisationDividesByLength) {
  const std::vector<float> values = {-4, -6};
  const Outcome outcome = outcome_of(values, Lengths{2, 4}, 1);
  EXPECT_EQ(outcome.choice, 0);
  EXPECT_FALSE(outcome.correct);
  EXPECT_EQ(outcome.choice_norm, 1);
  EXPECT_TRUE(outcome.correct_norm);
}

TEST(Outcome, NeedsOneValueAChoice) {
  EXPECT_THROW(outcome_of(std::vector<float>{0}, Lengths{1, 1}, 0), std::invalid_argument);
  EXPECT_THROW(outcome_of({}, {}, 0), std::invalid_argument);
}

TEST(Accuracy, PiqaEqualsTheHarness) {
  std::vector<AnsweredDocument> documents;
  for (const auto& row : read_tsv(test_data("task/piqa_scores.tsv"))) {
    const std::vector<float> values = {std::stof(row[0]), std::stof(row[1])};
    const Outcome outcome =
        outcome_of(values, Lengths{std::stoi(row[2]), std::stoi(row[3])}, std::stoi(row[4]));
    EXPECT_EQ(outcome.correct, row[5] == "1") << "document " << documents.size();
    EXPECT_EQ(outcome.correct_norm, row[6] == "1") << "document " << documents.size();
    documents.push_back({"piqa", "", contributions_of(outcome)});
  }
  ASSERT_EQ(documents.size(), 1838u);
  const MetricValues values = metric_values(documents);
  ASSERT_EQ(values.size(), 2u);
  EXPECT_NEAR(values.at(Metric::acc).value, 0.5130576713819369, 1e-15);
  EXPECT_NEAR(*values.at(Metric::acc).error, 0.011661845375886357, 1e-15);
  EXPECT_NEAR(values.at(Metric::acc_norm).value, 0.514689880304679, 1e-15);
  EXPECT_NEAR(*values.at(Metric::acc_norm).error, 0.01166078828173549, 1e-15);
}

TEST(Accuracy, MmluTableEqualsTheHarness) {
  const auto expected = read_tsv(test_data("task/mmlu_results.tsv"));
  std::map<std::string, std::string> categories;
  std::string category;
  for (const auto& row : expected) {
    if (row[0].starts_with("  - ")) categories[row[0].substr(4)] = category;
    if (row[0].starts_with(" - ")) category = row[0].substr(3);
  }
  std::vector<AnsweredDocument> documents;
  for (const auto& row : read_tsv(test_data("task/mmlu_correct.tsv"))) {
    for (const char c : row[1])
      documents.push_back({row[0], categories.at(row[0]), {{Metric::acc, c == '1' ? 1.0 : 0.0}}});
  }
  ASSERT_EQ(documents.size(), 14042u);
  const std::vector<SubjectRow> table = subject_rows("mmlu", documents);
  ASSERT_EQ(table.size(), expected.size());
  for (size_t i = 0; i < table.size(); ++i) {
    const std::string indent(static_cast<size_t>(table[i].depth), ' ');
    const std::string alias = (table[i].depth == 0 ? "" : indent + "- ") + table[i].name;
    EXPECT_EQ(alias, expected[i][0]);
    EXPECT_EQ(table[i].is_subject, table[i].depth == 2);
    const MetricValue accuracy = value_of(table[i].values, Metric::acc);
    EXPECT_NEAR(accuracy.value, std::stod(expected[i][1]), 1e-15) << alias;
    ASSERT_TRUE(accuracy.error) << alias;
    EXPECT_NEAR(*accuracy.error, std::stod(expected[i][2]), 1e-15) << alias;
    EXPECT_EQ(value_of(table[i].values, Metric::acc_norm).n, 0) << alias;
  }
}

TEST(Accuracy, OneDocumentHasNoStandardError) {
  EXPECT_EQ(share_of(0, 0).n, 0);
  EXPECT_FALSE(share_of(0, 0).error);
  EXPECT_EQ(share_of(1, 1).value, 1);
  EXPECT_FALSE(share_of(1, 1).error);
  EXPECT_DOUBLE_EQ(*share_of(2, 1).error, 0.5);
  const std::vector<MetricValue> parts = {share_of(1, 1), share_of(2, 1)};
  EXPECT_EQ(pooled(parts).n, 3);
  EXPECT_DOUBLE_EQ(pooled(parts).value, 2.0 / 3);
  EXPECT_FALSE(pooled(parts).error);
}

TEST(Accuracy, PooledOfOnePartIsThePart) {
  const std::vector<MetricValue> parts = {share_of(5, 3)};
  EXPECT_DOUBLE_EQ(pooled(parts).value, parts[0].value);
  EXPECT_DOUBLE_EQ(*pooled(parts).error, *parts[0].error);
}

// 62 pages with made-up log-likelihoods: everything is over all of them together.
TEST(Perplexity, WikitextEqualsTheHarness) {
  std::vector<AnsweredDocument> documents;
  for (const auto& row : read_tsv(test_data("analysis/wikitext_scores.tsv"))) {
    documents.push_back(
        {"wikitext", "", contributions_of_text(std::stod(row[0]), std::stoll(row[1]), std::stoll(row[2]))});
  }
  ASSERT_EQ(documents.size(), 62u);
  const std::vector<SubjectRow> table = subject_rows("wikitext", documents);
  ASSERT_EQ(table.size(), 1u);
  EXPECT_TRUE(table[0].is_subject);
  const MetricValues& values = table[0].values;
  EXPECT_NEAR(values.at(Metric::word_perplexity).value, 1.1885166174633737, 1e-12);
  EXPECT_NEAR(values.at(Metric::byte_perplexity).value, 1.0328240880852202, 1e-12);
  EXPECT_NEAR(values.at(Metric::bits_per_byte).value, 0.04659455346866202, 1e-12);
  for (const auto& [metric, value] : values) {
    EXPECT_EQ(value.n, 62);
    EXPECT_FALSE(value.error);
  }
}

TEST(Perplexity, OfSeveralSubjectsIsOfAllDocumentsTogether) {
  const std::vector<AnsweredDocument> documents = {{"a", "", contributions_of_text(-10, 5, 20)},
                                                   {"b", "", contributions_of_text(-2, 3, 4)}};
  const std::vector<SubjectRow> table = subject_rows("all", documents);
  ASSERT_EQ(table.size(), 3u);
  EXPECT_DOUBLE_EQ(table[0].values.at(Metric::word_perplexity).value, std::exp(12.0 / 8));
  EXPECT_DOUBLE_EQ(table[1].values.at(Metric::word_perplexity).value, std::exp(2.0));
  EXPECT_DOUBLE_EQ(table[0].values.at(Metric::bits_per_byte).value, 12.0 / 24 / std::log(2.0));
}

TEST(Points, OneIsAPercentOfAnswersOrOfPerplexity) {
  EXPECT_DOUBLE_EQ(points_of(Metric::acc, 0.25), 25);
  EXPECT_DOUBLE_EQ(points_of(Metric::exact_match_strict, 1), 100);
  EXPECT_NEAR(points_of(Metric::word_perplexity, 20) - points_of(Metric::word_perplexity, 20.2), 1, 0.01);
  EXPECT_DOUBLE_EQ(points_of(Metric::bits_per_byte, 3), points_of(Metric::byte_perplexity, 8));
}

std::vector<std::string> names_of(const std::vector<std::pair<std::string, std::string>>& groups) {
  std::vector<AnsweredDocument> documents;
  for (const auto& [group, category] : groups) documents.push_back({group, category, {}});
  std::vector<std::string> names;
  for (const SubjectRow& row : subject_rows("all", documents))
    names.push_back(std::to_string(row.depth) + row.name);
  return names;
}

TEST(SubjectRows, Layouts) {
  using Names = std::vector<std::string>;
  EXPECT_EQ(names_of({{"all", ""}}), (Names{"0all"}));
  EXPECT_EQ(names_of({}), (Names{"0all"}));
  EXPECT_FALSE(subject_rows("all", {})[0].is_subject);
  EXPECT_EQ(names_of({{"b", ""}, {"a", ""}}), (Names{"0all", "1a", "1b"}));
  EXPECT_EQ(names_of({{"plain", ""}, {"z", "c"}, {"y", "c"}, {"x", "b"}}),
            (Names{"0all", "1plain", "1b", "2x", "1c", "2y", "2z"}));
}

}  // namespace
}  // namespace idleheads
