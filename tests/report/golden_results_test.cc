// All made-up scores of a folder of goldens (IDLEHEADS_GOLDEN, with the data sets in IDLEHEADS_DATA): every
// document's metric values and the harness' whole results dictionary. Skipped where the folders are not
// named.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "analysis/exact_match.h"
#include "report/harness_results.h"
#include "study/answers.h"
#include "task/task.h"
#include "task/unicode.h"

namespace idleheads {
namespace {

using json = nlohmann::json;
namespace fs = std::filesystem;

class GoldenResults : public testing::Test {
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

  Task load(const std::string& name, const std::string& folder, std::optional<int> shots = std::nullopt) {
    TaskOptions options;
    options.data = data_ / folder;
    options.shots = shots;
    return load_task(name, options);
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

  // Every value of `expected` stands in `found`; numbers up to the order of sums.
  void check_section(const json& expected, const json& found, const std::string& where) {
    if (expected.is_number_float()) {
      ASSERT_TRUE(found.is_number()) << where;
      EXPECT_NEAR(found.get<double>(), expected.get<double>(), 1e-13) << where;
    } else if (expected.is_object()) {
      ASSERT_EQ(expected.size(), found.size()) << where;
      for (const auto& [key, value] : expected.items()) {
        ASSERT_TRUE(found.contains(key)) << where << "." << key;
        check_section(value, found[key], where + "." + key);
      }
    } else if (expected.is_array()) {
      EXPECT_EQ(std::multiset<json>(expected.begin(), expected.end()),
                std::multiset<json>(found.begin(), found.end()))
          << where;
    } else {
      EXPECT_EQ(expected, found) << where;
    }
  }

  void check(const Task& task, const std::string& name) {
    const std::vector<json> scores = lines(fmt::format("scores_{}_fake.jsonl", name));
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

    HarnessTask out;
    out.name = task.name;
    out.version = task.version;
    out.group_version = "2";
    out.shots = task.shots;
    out.metrics = task.metrics;
    out.rows = subject_rows(task.name, documents);
    for (const Group& group : task.groups) out.documents[group.name] = group.documents;
    for (const Document& document : task.documents) ++out.documents_taken[document.group];
    const json found = json::parse(harness_results_json({}, std::span(&out, 1), std::nullopt, {}));
    const json expected = lines_as_one(fmt::format("results_{}_fake.json", name));
    for (const char* section :
         {"results", "groups", "group_subtasks", "versions", "n-shot", "higher_is_better", "n-samples"}) {
      EXPECT_EQ(expected.contains(section), found.contains(section)) << section;
      if (expected.contains(section)) check_section(expected[section], found[section], section);
    }
    RecordProperty(name, static_cast<int>(documents.size()));
  }

  json lines_as_one(const std::string& name) {
    std::ifstream file(golden_ / name);
    return json::parse(file);
  }

  fs::path golden_, data_;
};

TEST_F(GoldenResults, Mmlu) { check(load("mmlu", "mmlu", 5), "mmlu"); }
TEST_F(GoldenResults, Piqa) { check(load("piqa", "piqa", 0), "piqa"); }
TEST_F(GoldenResults, Hellaswag) { check(load("hellaswag", "hellaswag", 0), "hellaswag"); }
TEST_F(GoldenResults, Gsm8k) { check(load("gsm8k", "gsm8k"), "gsm8k"); }
TEST_F(GoldenResults, Wikitext) { check(load("wikitext", "wikitext2"), "wikitext"); }

// Also what the filters took out of the responses.
TEST_F(GoldenResults, Filters) {
  for (const json& line : lines("scores_gsm8k_fake.jsonl")) {
    EXPECT_EQ(strict_match(line.at("response").get<std::string>()), line.at("strict"));
    EXPECT_EQ(flexible_extract(line.at("response").get<std::string>()), line.at("flexible"));
  }
}

}  // namespace
}  // namespace idleheads
