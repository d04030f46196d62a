// Accuracies and standard errors against lm-evaluation-harness 0.4.5 over made-up log-likelihoods.
#include "task/metrics.h"

#include <cmath>

#include "task/mmlu_subjects.h"
#include "task/test_files.h"

namespace idleheads {
namespace {

Document document_of(std::vector<std::string> choices, int gold) {
  Document document;
  document.choices = std::move(choices);
  document.gold = gold;
  return document;
}

// A text of `length` code points, two bytes each.
std::string text_of_length(int length) {
  std::string text;
  for (int i = 0; i < length; ++i) text += "\u00e9";
  return text;
}

TEST(Metrics, PredictTakesTheFirstOfEqualMaxima) {
  for (const auto& row : read_tsv(test_data("task/mmlu_ties.tsv"))) {
    std::vector<float> values;
    for (int j = 0; j < 4; ++j) values.push_back(std::stof(row[j]));
    const Prediction prediction = predict(document_of({"A", "B", "C", "D"}, std::stoi(row[4])), values);
    EXPECT_EQ(prediction.correct, row[5] == "1");
  }
}

TEST(Metrics, NormalisationCountsCodePoints) {
  const std::vector<float> values = {-4, -6};
  const Prediction prediction = predict(document_of({"\u00e9\u00e9", "abcd"}, 1), values);
  EXPECT_EQ(prediction.choice, 0);
  EXPECT_FALSE(prediction.correct);
  EXPECT_EQ(prediction.choice_norm, 1);  // -4 / 2 < -6 / 4; by bytes it would be -4 / 4 > -6 / 4
  EXPECT_TRUE(prediction.correct_norm);
}

TEST(Metrics, PredictNeedsOneValueAChoice) {
  const std::vector<float> one = {0};
  EXPECT_THROW(predict(document_of({"a", "b"}, 0), one), std::logic_error);
}

TEST(Metrics, PiqaEqualsTheHarness) {
  std::vector<uint8_t> acc, acc_norm;
  for (const auto& row : read_tsv(test_data("task/piqa_scores.tsv"))) {
    const std::vector<float> values = {std::stof(row[0]), std::stof(row[1])};
    const Document document = document_of(
        {text_of_length(std::stoi(row[2])), text_of_length(std::stoi(row[3]))}, std::stoi(row[4]));
    const Prediction prediction = predict(document, values);
    EXPECT_EQ(prediction.correct, row[5] == "1") << "document " << acc.size();
    EXPECT_EQ(prediction.correct_norm, row[6] == "1") << "document " << acc.size();
    acc.push_back(prediction.correct);
    acc_norm.push_back(prediction.correct_norm);
  }
  ASSERT_EQ(acc.size(), 1838u);
  EXPECT_NEAR(mean_of(acc).value, 0.5130576713819369, 1e-15);
  EXPECT_NEAR(*mean_of(acc).stderr_, 0.011661845375886357, 1e-15);
  EXPECT_NEAR(mean_of(acc_norm).value, 0.514689880304679, 1e-15);
  EXPECT_NEAR(*mean_of(acc_norm).stderr_, 0.01166078828173549, 1e-15);
}

TEST(Metrics, MmluTableEqualsTheHarness) {
  Task task;
  task.name = "mmlu";
  task.groups = mmlu_subjects();
  std::vector<Prediction> predictions;
  for (const auto& row : read_tsv(test_data("task/mmlu_correct.tsv"))) {
    for (const char c : row[1]) {
      task.documents.emplace_back().group = row[0];
      predictions.emplace_back().correct = c == '1';
    }
  }
  ASSERT_EQ(predictions.size(), 14042u);
  const std::vector<ResultRow> table = result_table(task, predictions);
  const auto expected = read_tsv(test_data("task/mmlu_results.tsv"));
  ASSERT_EQ(table.size(), expected.size());
  for (size_t i = 0; i < table.size(); ++i) {
    const std::string alias =
        (table[i].depth == 0 ? "" : std::string(table[i].depth, ' ') + "- ") + table[i].name;
    EXPECT_EQ(alias, expected[i][0]);
    EXPECT_NEAR(table[i].acc.value, std::stod(expected[i][1]), 1e-15) << alias;
    ASSERT_TRUE(table[i].acc.stderr_) << alias;
    EXPECT_NEAR(*table[i].acc.stderr_, std::stod(expected[i][2]), 1e-15) << alias;
    EXPECT_EQ(table[i].acc_norm.value, 0) << alias;
  }
}

TEST(Metrics, OneDocumentHasNoStandardError) {
  const std::vector<uint8_t> one = {1}, two = {1, 0};
  EXPECT_EQ(mean_of({}).n, 0);
  EXPECT_FALSE(mean_of({}).stderr_);
  EXPECT_EQ(mean_of(one).value, 1);
  EXPECT_FALSE(mean_of(one).stderr_);
  EXPECT_DOUBLE_EQ(*mean_of(two).stderr_, 0.5);
  const std::vector<Mean> leaves = {mean_of(one), mean_of(two)};
  EXPECT_EQ(pooled(leaves).n, 3);
  EXPECT_DOUBLE_EQ(pooled(leaves).value, 2.0 / 3);
  EXPECT_FALSE(pooled(leaves).stderr_);
}

TEST(Metrics, PooledOfOneLeafIsTheLeaf) {
  const std::vector<uint8_t> values = {1, 0, 0, 1, 1};
  const std::vector<Mean> leaves = {mean_of(values)};
  EXPECT_DOUBLE_EQ(pooled(leaves).value, leaves[0].value);
  EXPECT_DOUBLE_EQ(*pooled(leaves).stderr_, *leaves[0].stderr_);
}

std::vector<std::string> names_of(const std::vector<Group>& groups) {
  Task task;
  task.name = "all";
  task.groups = groups;
  for (const Group& group : groups) task.documents.emplace_back().group = group.name;
  std::vector<std::string> names;
  for (const ResultRow& row : result_table(task, std::vector<Prediction>(groups.size()))) {
    names.push_back(std::to_string(row.depth) + row.name);
  }
  return names;
}

TEST(Metrics, TableLayouts) {
  using Names = std::vector<std::string>;
  EXPECT_EQ(names_of({{"all", ""}}), (Names{"0all"}));
  EXPECT_EQ(names_of({{"b", ""}, {"a", ""}}), (Names{"0all", "1a", "1b"}));
  EXPECT_EQ(names_of({{"plain", ""}, {"z", "c"}, {"y", "c"}, {"x", "b"}}),
            (Names{"0all", "1plain", "1b", "2x", "1c", "2y", "2z"}));
}

}  // namespace
}  // namespace idleheads
