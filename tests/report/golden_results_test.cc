// Results of lm-evaluation-harness for made-up scores: its whole results dictionary, from the values of every
// document. They are in tests/data, reduced to numbers. With folders of all goldens (IDLEHEADS_GOLDEN) and of
// the data sets (IDLEHEADS_DATA) the same once more from the data sets' documents and all responses.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "analysis/exact_match.h"
#include "base/utf8.h"
#include "idleheads/studyfile/answers.h"
#include "report/harness/harness_results.h"
#include "support/test_data.h"
#include "task/formats.h"
#include "task/mmlu_subjects.h"

namespace idleheads {
namespace {

using json = nlohmann::json;
namespace fs = std::filesystem;

json json_file(const fs::path& path) {
  std::ifstream file(path);
  return json::parse(file);
}

// Every value of `expected` stands in `found`; numbers up to the order of sums.
void expect_section(const json& expected, const json& found, const std::string& where) {
  if (expected.is_number_float()) {
    ASSERT_TRUE(found.is_number()) << where;
    EXPECT_NEAR(found.get<double>(), expected.get<double>(), 1e-13) << where;
  } else if (expected.is_object()) {
    for (const auto& [key, value] : expected.items()) {
      ASSERT_TRUE(found.contains(key)) << where << "." << key;
      expect_section(value, found[key], where + "." + key);
    }
    for (const auto& [key, value] : found.items())
      EXPECT_TRUE(expected.contains(key)) << where << "." << key << " is not in the harness' file";
  } else if (expected.is_array()) {
    EXPECT_EQ(std::multiset<json>(expected.begin(), expected.end()),
              std::multiset<json>(found.begin(), found.end()))
        << where;
  } else {
    EXPECT_EQ(expected, found) << where;
  }
}

// What our results file has of these answers is what the harness' has.
void expect_results(const TaskFormat& format, const std::vector<Group>& groups,
                    const std::vector<AnsweredDocument>& documents, const json& expected) {
  HarnessTask task;
  task.name = format.name;
  task.version = format.version;
  task.group_version = "2";
  task.output_type = expected.at("configs").begin()->at("output_type");
  task.shots = format.default_shots;
  task.metrics = format.metrics;
  task.until = format.generation.until;
  task.rows = subject_rows(task.name, documents);
  for (const AnsweredDocument& document : documents) ++task.documents[document.group];
  task.documents_taken = task.documents;
  for (const Group& group : groups) task.configs[group.name] = format.harness_config(group);
  const json found = json::parse(harness_results_json({}, std::span(&task, 1), std::nullopt, {}));
  for (const char* section : {"results", "groups", "group_subtasks", "configs", "versions", "n-shot",
                              "higher_is_better", "n-samples"}) {
    ASSERT_EQ(expected.contains(section), found.contains(section)) << section;
    if (expected.contains(section)) expect_section(expected[section], found[section], section);
  }
  for (const auto& [key, value] : expected.items()) EXPECT_TRUE(found.contains(key)) << key;
  for (const auto& [key, value] : expected.at("config").items())
    EXPECT_TRUE(found.at("config").contains(key)) << key;
}

// ---- From tests/data ----

json expected_results(const std::string& task) {
  return json_file(test_data("task/results_" + task + ".json"));
}

// Log-likelihoods, lengths, and the right one of `choices` choices; what the harness made of them.
std::vector<AnsweredDocument> answered_choices(const std::string& task, size_t choices) {
  std::vector<AnsweredDocument> documents;
  for (const auto& row : read_tsv(test_data("task/" + task + "_scores.tsv"))) {
    std::vector<float> values;
    std::vector<int64_t> lengths;
    for (size_t j = 0; j < choices; ++j) {
      values.push_back(std::stof(row.at(j)));
      lengths.push_back(std::stoll(row.at(choices + j)));
    }
    const Outcome outcome = outcome_of(values, lengths, std::stoi(row.at(2 * choices)));
    EXPECT_EQ(outcome.correct, row.at(2 * choices + 1) == "1") << task << " " << documents.size();
    EXPECT_EQ(outcome.correct_norm, row.at(2 * choices + 2) == "1") << task << " " << documents.size();
    documents.push_back({task, "", contributions_of(outcome)});
  }
  return documents;
}

TEST(ResultsDictionary, Piqa) {
  expect_results(piqa_format(), {{"piqa", "", 0}}, answered_choices("piqa", 2), expected_results("piqa"));
}

TEST(ResultsDictionary, Hellaswag) {
  expect_results(hellaswag_format(), {{"hellaswag", "", 0}}, answered_choices("hellaswag", 4),
                 expected_results("hellaswag"));
}

TEST(ResultsDictionary, Gsm8k) {
  const auto filters = read_tsv(test_data("task/gsm8k_correct.tsv"));
  std::vector<AnsweredDocument> documents;
  for (size_t d = 0; d < filters.at(0).at(1).size(); ++d) {
    documents.push_back({"gsm8k",
                         "",
                         {{Metric::exact_match_strict, filters[0][1][d] == '1' ? 1.0 : 0.0},
                          {Metric::exact_match_flexible, filters.at(1).at(1).at(d) == '1' ? 1.0 : 0.0}}});
  }
  expect_results(gsm8k_format(), {{"gsm8k", "", 0}}, documents, expected_results("gsm8k"));
}

TEST(ResultsDictionary, Wikitext) {
  std::vector<AnsweredDocument> documents;
  for (const auto& row : read_tsv(test_data("analysis/wikitext_scores.tsv"))) {
    documents.push_back(
        {"wikitext", "", contributions_of_text(std::stod(row[0]), std::stoll(row[1]), std::stoll(row[2]))});
  }
  expect_results(wikitext_format(), {{"wikitext", "", 0}}, documents, expected_results("wikitext"));
}

TEST(ResultsDictionary, Mmlu) {
  std::map<std::string, std::string> categories;
  for (const Group& subject : mmlu_subjects()) categories[subject.name] = subject.category;
  std::vector<AnsweredDocument> documents;
  for (const auto& row : read_tsv(test_data("task/mmlu_correct.tsv"))) {
    for (const char c : row[1])
      documents.push_back({row[0], categories.at(row[0]), {{Metric::acc, c == '1' ? 1.0 : 0.0}}});
  }
  expect_results(mmlu_format(), mmlu_subjects(), documents, expected_results("mmlu"));
}

// ---- From all goldens and the data sets ----

class WholeGoldens : public testing::Test {
 protected:
  void SetUp() override {
    const char* golden = std::getenv("IDLEHEADS_GOLDEN");
    const char* data = std::getenv("IDLEHEADS_DATA");
    if (golden == nullptr || data == nullptr)
      GTEST_SKIP() << "IDLEHEADS_GOLDEN and IDLEHEADS_DATA name no folders";
    golden_ = fs::path(golden) / "prompts";
    data_ = data;
  }

  std::vector<json> lines(const std::string& name) {
    std::ifstream file(golden_ / name);
    std::vector<json> out;
    for (std::string line; std::getline(file, line);) out.push_back(json::parse(line));
    EXPECT_FALSE(out.empty()) << name;
    return out;
  }

  // What a study would hold of a document and its line of made-up scores.
  AnsweredDocument answer(const Task& task, const Document& document, const json& line) {
    StoredDocument stored;
    for (const std::string& choice : document.choices) stored.choice_lengths.push_back(code_points(choice));
    stored.gold = document.gold;
    if (task.output == OutputType::generate_until) stored.reference = document.target;
    stored.words = document.words;
    stored.bytes = document.bytes;
    StoredResult result;
    if (line.contains("resps")) result.log_likelihoods = line.at("resps").get<std::vector<float>>();
    if (line.contains("response")) result.response = line.at("response");
    std::string category;
    for (const Group& group : task.groups) {
      if (group.name == document.group) category = group.category;
    }
    return {document.group, category, contributions_of(stored, result)};
  }

  void check_line(const AnsweredDocument& answer, const json& line) {
    for (const Contribution& contribution : answer.contributions) {
      const std::string name(metric_info(contribution.metric).name);
      if (contribution.metric == Metric::exact_match_strict) {
        EXPECT_EQ(contribution.value, line.at("strict_em")) << line;
      } else if (contribution.metric == Metric::exact_match_flexible) {
        EXPECT_EQ(contribution.value, line.at("flexible_em")) << line;
      } else if (line.contains(name) && line[name].is_array()) {
        EXPECT_EQ(contribution.value, line[name][0]) << line;
        EXPECT_EQ(contribution.size, line[name][1]) << line;
      } else if (line.contains(name)) {
        EXPECT_EQ(contribution.value, line[name]) << line;
      }
    }
  }

  void check(const TaskFormat& format, const std::string& folder) {
    TaskOptions options;
    options.data = data_ / folder;
    const Task task = load_task(format.name, options);
    const std::vector<json> scores = lines(fmt::format("scores_{}_fake.jsonl", format.name));
    std::map<std::pair<std::string, int64_t>, const json*> by_document;
    for (const json& line : scores)
      by_document[{line.value("task", task.name), line.at("doc_index").get<int64_t>()}] = &line;
    std::vector<AnsweredDocument> documents;
    for (const Document& document : task.documents) {
      const json& line = *by_document.at({harness_name(task.name, document.group), document.index});
      documents.push_back(answer(task, document, line));
      check_line(documents.back(), line);
    }
    EXPECT_EQ(documents.size(), scores.size());
    expect_results(format, task.groups, documents,
                   json_file(golden_ / fmt::format("results_{}_fake.json", format.name)));
  }

  fs::path golden_, data_;
};

TEST_F(WholeGoldens, Mmlu) { check(mmlu_format(), "mmlu"); }
TEST_F(WholeGoldens, Piqa) { check(piqa_format(), "piqa"); }
TEST_F(WholeGoldens, Hellaswag) { check(hellaswag_format(), "hellaswag"); }
TEST_F(WholeGoldens, Gsm8k) { check(gsm8k_format(), "gsm8k"); }
TEST_F(WholeGoldens, Wikitext) { check(wikitext_format(), "wikitext2"); }

// Also what the filters took out of the responses.
TEST_F(WholeGoldens, Filters) {
  for (const json& line : lines("scores_gsm8k_fake.jsonl")) {
    EXPECT_EQ(strict_match(line.at("response").get<std::string>()), line.at("strict"));
    EXPECT_EQ(flexible_extract(line.at("response").get<std::string>()), line.at("flexible"));
  }
}

}  // namespace
}  // namespace idleheads
