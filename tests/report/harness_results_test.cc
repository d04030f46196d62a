// Results files and tables against what lm-evaluation-harness 0.4.5 wrote for made-up scores.
#include "report/harness/harness_results.h"

#include <nlohmann/json.hpp>

#include "idleheads/studyfile/answers.h"
#include "report/report_fixture.h"
#include "strings/digest.h"

namespace idleheads {
namespace {

using ordered_json = nlohmann::ordered_json;
using testing::ElementsAre;
using testing::HasSubstr;

HarnessTask quiz(std::vector<Metric> metrics) {
  HarnessTask task;
  task.name = "quiz";
  task.version = "1.0";
  task.group_version = "2";
  task.output_type = "multiple_choice";
  task.shots = 5;
  task.metrics = std::move(metrics);
  return task;
}

// Like mmlu: four right of ten in each subject.
HarnessTask grouped() {
  HarnessTask task = quiz({Metric::acc});
  std::vector<AnsweredDocument> documents;
  for (const auto& [subject, category] : {std::pair{"formal_logic", "humanities"},
                                          {"sociology", "social sciences"},
                                          {"econometrics", "social sciences"}}) {
    for (int d = 0; d < 10; ++d) documents.push_back({subject, category, {{Metric::acc, d < 4 ? 1.0 : 0.0}}});
    task.documents[subject] = 100;
    task.documents_taken[subject] = 10;
  }
  task.rows = subject_rows(task.name, documents);
  return task;
}

HarnessTask lone(const std::string& name, std::vector<Metric> metrics,
                 const std::vector<Contribution>& document) {
  HarnessTask task = quiz(std::move(metrics));
  task.name = name;
  task.shots = 0;
  task.rows = subject_rows(name, std::vector<AnsweredDocument>(4, {name, "", document}));
  task.documents[name] = task.documents_taken[name] = 4;
  return task;
}

HarnessTask texts() {
  HarnessTask task =
      lone("wikitext", {Metric::word_perplexity, Metric::byte_perplexity, Metric::bits_per_byte},
           contributions_of_text(-20, 10, 40));
  task.version = "2.0";
  task.output_type = "loglikelihood_rolling";
  return task;
}

TEST(HarnessTable, OneTaskWithTwoMetrics) {
  const HarnessTask task =
      lone("hellaswag", {Metric::acc, Metric::acc_norm}, {{Metric::acc, 1}, {Metric::acc_norm, 0}});
  EXPECT_EQ(harness_tables(std::span(&task, 1)),
            "|  Tasks  |Version|Filter|n-shot| Metric |   |Value |   |Stderr|\n"
            "|---------|------:|------|-----:|--------|---|-----:|---|-----:|\n"
            "|hellaswag|      1|none  |     0|acc     |↑  |1.0000|±  |0.0000|\n"
            "|         |       |none  |     0|acc_norm|↑  |0.0000|±  |0.0000|\n");
}

TEST(HarnessTable, FiltersInOrderOfTheirNames) {
  const HarnessTask task = lone("gsm8k", {Metric::exact_match_strict, Metric::exact_match_flexible},
                                {{Metric::exact_match_strict, 0}, {Metric::exact_match_flexible, 1}});
  EXPECT_EQ(harness_tables(std::span(&task, 1)),
            "|Tasks|Version|     Filter     |n-shot|  Metric   |   |Value |   |Stderr|\n"
            "|-----|------:|----------------|-----:|-----------|---|-----:|---|-----:|\n"
            "|gsm8k|      1|flexible-extract|     0|exact_match|↑  |1.0000|±  |0.0000|\n"
            "|     |       |strict-match    |     0|exact_match|↑  |0.0000|±  |0.0000|\n");
}

TEST(HarnessTable, PerplexitiesGoDownAndHaveNoError) {
  const HarnessTask task = texts();
  EXPECT_EQ(harness_tables(std::span(&task, 1)),
            "| Tasks  |Version|Filter|n-shot|    Metric     |   |Value |   |Stderr|\n"
            "|--------|------:|------|-----:|---------------|---|-----:|---|------|\n"
            "|wikitext|      2|none  |     0|bits_per_byte  |↓  |0.7213|±  |   N/A|\n"
            "|        |       |none  |     0|byte_perplexity|↓  |1.6487|±  |   N/A|\n"
            "|        |       |none  |     0|word_perplexity|↓  |7.3891|±  |   N/A|\n");
}

TEST(HarnessTable, GroupsHaveATableOfTheirOwn) {
  const std::vector<HarnessTask> tasks = {grouped(), texts()};
  const std::string text = harness_tables(tasks);
  EXPECT_THAT(text, testing::StartsWith(
                        "|      Tasks       |Version|Filter|n-shot|    Metric     |   |Value |   |Stderr|\n"
                        "|------------------|------:|------|-----:|---------------|---|-----:|---|------|\n"
                        "|quiz              |      2|none  |      |acc            |↑  |0.4000|±  |0.0943|\n"
                        "| - humanities     |      2|none  |      |acc            |↑  |0.4000|±  |0.1633|\n"
                        "|  - formal_logic  |      1|none  |     5|acc            |↑  |0.4000|±  |0.1633|\n"
                        "| - social sciences|"));
  EXPECT_THAT(
      text, HasSubstr("|wikitext          |      2|none  |     0|bits_per_byte  |↓  |0.7213|±  |   N/A|\n"));
  EXPECT_THAT(
      text, testing::EndsWith("\n\n|      Groups      |Version|Filter|n-shot|Metric|   |Value |   |Stderr|\n"
                              "|------------------|------:|------|------|------|---|-----:|---|-----:|\n"
                              "|quiz              |      2|none  |      |acc   |↑  |0.4000|±  |0.0943|\n"
                              "| - humanities     |      2|none  |      |acc   |↑  |0.4000|±  |0.1633|\n"
                              "| - social sciences|      2|none  |      |acc   |↑  |0.4000|±  |0.1155|\n"));
}

TEST(HarnessResults, KeysAndNestingOfGroups) {
  const std::vector<HarnessTask> tasks = {grouped(), texts()};
  const ordered_json out =
      ordered_json::parse(harness_results_json({}, tasks, std::nullopt, {{"quiz_sociology", "abc"}}));
  EXPECT_EQ(out["results"]["quiz"]["alias"], "quiz");
  EXPECT_EQ(out["results"]["quiz_social_sciences"]["alias"], " - social sciences");
  const ordered_json& leaf = out["results"]["quiz_sociology"];
  EXPECT_EQ(leaf.size(), 3u);
  EXPECT_EQ(leaf["alias"], "  - sociology");
  EXPECT_EQ(leaf["acc,none"], 0.4);
  EXPECT_NEAR(leaf["acc_stderr,none"].get<double>(), 0.16329931618554522, 1e-15);
  EXPECT_EQ(out["results"]["wikitext"]["word_perplexity_stderr,none"], "N/A");
  std::vector<std::string> groups;
  for (const auto& [name, row] : out["groups"].items()) groups.push_back(name);
  EXPECT_THAT(groups, ElementsAre("quiz", "quiz_humanities", "quiz_social_sciences"));
  EXPECT_EQ(out["groups"]["quiz"], out["results"]["quiz"]);
  EXPECT_EQ(out["group_subtasks"],
            ordered_json::parse(R"({"quiz": ["quiz_humanities", "quiz_social_sciences"],
      "quiz_humanities": ["quiz_formal_logic"], "quiz_social_sciences": ["quiz_econometrics", "quiz_sociology"],
      "wikitext": []})"));
  EXPECT_EQ(out["versions"]["quiz"].dump(), "2");
  EXPECT_EQ(out["versions"]["quiz_sociology"].dump(), "1.0");
  EXPECT_EQ(out["n-shot"],
            ordered_json::parse(R"({"quiz_formal_logic": 5, "quiz_econometrics": 5, "quiz_sociology": 5,
      "wikitext": 0})"));
  EXPECT_EQ(out["higher_is_better"]["wikitext"]["word_perplexity"], false);
  EXPECT_EQ(out["higher_is_better"]["quiz"]["acc"], true);
  EXPECT_EQ(out["n-samples"]["quiz_sociology"], ordered_json::parse(R"({"original": 100, "effective": 10})"));
  EXPECT_EQ(out["configs"]["quiz_sociology"]["task_alias"], "sociology");
  EXPECT_FALSE(out["configs"].contains("quiz"));
  EXPECT_EQ(out["task_hashes"]["quiz_sociology"], "abc");
  EXPECT_FALSE(out.contains("zero_dormant"));
}

TEST(HarnessResults, AloneATaskHasNoGroups) {
  const HarnessTask task = texts();
  const ordered_json out =
      ordered_json::parse(harness_results_json({}, std::span(&task, 1), std::nullopt, {}));
  EXPECT_FALSE(out.contains("groups"));
  EXPECT_EQ(out["configs"]["wikitext"]["metric_list"][0]["aggregation"], "weighted_perplexity");
  EXPECT_EQ(out["configs"]["wikitext"]["metric_list"][2]["aggregation"], "bits_per_byte");
}

TEST(HarnessResults, WhatRan) {
  HarnessRun run;
  run.model = "/models/a:b.gguf";
  run.dtype = "bf16";
  run.limit = 0.5;
  run.chat_template = "{{ x }}";
  run.multiturn = true;
  run.eos = {"</s>", 2};
  run.start = 10;
  run.end = 12.5;
  run.settings = {{"seed", "1234"}};
  const ordered_json out = ordered_json::parse(harness_results_json(run, {}, std::nullopt, {}));
  EXPECT_EQ(out["config"]["model_args"], "pretrained=/models/a:b.gguf,dtype=bf16");
  EXPECT_EQ(out["config"]["limit"], 0.5);
  EXPECT_EQ(out["config"]["idleheads"]["seed"], "1234");
  EXPECT_EQ(out["model_name_sanitized"], "__models__a__b.gguf");
  EXPECT_EQ(out["tokenizer_eos_token"], ordered_json::parse(R"(["</s>", "2"])"));
  EXPECT_TRUE(out["tokenizer_bos_token"].is_null());
  EXPECT_EQ(out["chat_template_sha"], sha256("{{ x }}"));
  EXPECT_TRUE(out["system_instruction_sha"].is_null());
  EXPECT_EQ(out["total_evaluation_time_seconds"], "2.5");
}

TEST(HarnessResults, AblationHasTheKeysOfThePaper) {
  HarnessAblation ablation = {"ahon_ln<0.52", {}, false};
  HeadMask mask(2, 4);
  mask.set(1, 3, true);
  ablation.frequency.add(mask, 30);
  ablation.frequency.add(HeadMask(2, 4), 10);
  const ordered_json out = ordered_json::parse(harness_results_json({}, {}, ablation, {}));
  EXPECT_EQ(out["zero_dormant"], true);
  EXPECT_EQ(out["track_head_type"], "HONOR:0.52");
  EXPECT_EQ(out["rule"], "ahon_ln<0.52");
  EXPECT_EQ(out["layers_to_proportion"], ordered_json::parse(R"({"0": 0.0, "1": 0.1875})"));
  EXPECT_EQ(out["model_proportion"], 0.09375);
  EXPECT_EQ(out["num_forward_passes"], 40);
  ablation.rule = "L1H3";
  EXPECT_EQ(ordered_json::parse(harness_results_json({}, {}, ablation, {}))["track_head_type"], "L1H3");
  EXPECT_FALSE(out.contains("ablation"));
  ablation.mean = true;
  const ordered_json mean = ordered_json::parse(harness_results_json({}, {}, ablation, {}));
  EXPECT_EQ(mean["zero_dormant"], false);
  EXPECT_EQ(mean["ablation"], "mean");
}

TEST(HarnessNames, OfTasksAndPaths) {
  EXPECT_EQ(harness_name("piqa", "piqa"), "piqa");
  EXPECT_EQ(harness_name("mmlu", "social sciences"), "mmlu_social_sciences");
  EXPECT_EQ(harness_path_name("org/model"), "org__model");
  EXPECT_EQ(harness_path_name("a<>:/|\\?*[]\"b"), "a__b");
  EXPECT_EQ(harness_path_name(".."), "__..");
}

class HarnessSamples : public testing::Test {
 protected:
  std::vector<ordered_json> lines() {
    std::istringstream stream(read_file(folder_ / "samples.jsonl"));
    std::vector<ordered_json> out;
    for (std::string line; std::getline(stream, line);) out.push_back(ordered_json::parse(line));
    return out;
  }
  TempFolder folder_;
  std::filesystem::path path_ = folder_ / "samples.jsonl";
};

// The hashes are those of Python's json.dumps(doc, indent=2, ensure_ascii=False) and of the texts.
TEST_F(HarnessSamples, ChoicesHaveARequestEach) {
  const HarnessTask task = quiz({Metric::acc, Metric::acc_norm});
  const StoredDocument document = choices_document({1, 6}, 1);
  StoredResult result;
  result.log_likelihoods = {-3, -4.125f};
  result.greedy = {1, 0};
  HarnessSample sample = {7,         R"({"q": "naïve\n\"x\"", "choices": ["a", "b"], "n": 1, "none": []})",
                          "1",       {{"Q: A:", " a"}, {"Q: A:", " bbbbbb"}},
                          &document, &result};
  HarnessSampleFile file(task, path_);
  file.add(sample, "none");
  const std::string all = file.finish();
  ASSERT_EQ(lines().size(), 1u);
  const ordered_json line = lines()[0];
  EXPECT_EQ(line["doc_id"], 7);
  EXPECT_EQ(line["doc"]["choices"], ordered_json::parse(R"(["a", "b"])"));
  EXPECT_EQ(line["target"], "1");
  EXPECT_EQ(line["arguments"], ordered_json::parse(R"({"gen_args_0": {"arg_0": "Q: A:", "arg_1": " a"},
                                               "gen_args_1": {"arg_0": "Q: A:", "arg_1": " bbbbbb"}})"));
  EXPECT_EQ(line["resps"], ordered_json::parse(R"([[["-3.0", "True"]], [["-4.125", "False"]]])"));
  EXPECT_EQ(line["filtered_resps"], ordered_json::parse(R"([["-3.0", "True"], ["-4.125", "False"]])"));
  EXPECT_EQ(line["acc"].dump(), "0.0");
  EXPECT_EQ(line["acc_norm"].dump(), "1.0");
  EXPECT_EQ(line["doc_hash"], "0ae3099f246169ce08b8a326de11008db7a29b534e83a2f7989d1267eaa87cff");
  EXPECT_EQ(line["prompt_hash"], sha256("Q: A:"));
  EXPECT_EQ(line["target_hash"], sha256("1"));
  EXPECT_EQ(all, sha256(line["doc_hash"].get<std::string>() + line["prompt_hash"].get<std::string>() +
                        line["target_hash"].get<std::string>()));
}

TEST_F(HarnessSamples, OnlyTheTasksMetricsAreThere) {
  const HarnessTask task = quiz({Metric::acc});
  const StoredDocument document = choices_document({1}, 0);
  StoredResult result;
  result.log_likelihoods = {-std::numeric_limits<float>::infinity()};
  HarnessSampleFile file(task, path_);
  file.add({0, "not JSON", "0", {{"Q", " a"}}, &document, &result}, "none");
  file.finish();
  EXPECT_FALSE(lines()[0].contains("acc_norm"));
  EXPECT_EQ(lines()[0]["resps"][0][0][0], "-inf");
  EXPECT_EQ(lines()[0]["doc"], ordered_json::object());
}

TEST_F(HarnessSamples, WrittenAnswersHaveALineAFilter) {
  HarnessTask task = quiz({Metric::exact_match_strict, Metric::exact_match_flexible});
  task.until = {"Question:"};
  EXPECT_THAT(harness_filters(task), ElementsAre("strict-match", "flexible-extract"));
  const StoredDocument document = answer_document("#### 5");
  StoredResult result;
  result.response = " it is 5";
  HarnessSampleFile file(task, path_);
  for (const std::string& filter : harness_filters(task))
    file.add({0, "{}", "#### 5", {{"Q", std::nullopt}}, &document, &result}, filter);
  file.finish();
  ASSERT_EQ(lines().size(), 2u);
  EXPECT_EQ(lines()[0]["arguments"], ordered_json::parse(R"({"gen_args_0": {"arg_0": "Q",
      "arg_1": {"until": ["Question:"], "do_sample": false, "temperature": 0.0}}})"));
  EXPECT_EQ(lines()[0]["resps"], ordered_json::parse(R"([[" it is 5"]])"));
  EXPECT_EQ(lines()[0]["filtered_resps"], ordered_json::parse(R"(["[invalid]"])"));
  EXPECT_EQ(lines()[0]["exact_match"].dump(), "0.0");
  EXPECT_EQ(lines()[1]["filtered_resps"], ordered_json::parse(R"(["5"])"));
  EXPECT_EQ(lines()[1]["exact_match"].dump(), "1.0");
}

TEST_F(HarnessSamples, TextsHaveTheirLikelihoodAndSize) {
  const HarnessTask task = texts();
  const StoredDocument document = text_document(10, 40, 1);
  StoredResult result;
  result.log_likelihoods = {-20.5f};
  HarnessSampleFile file(task, path_);
  file.add({0, "{}", "text", {{"text", std::nullopt}}, &document, &result}, "none");
  file.finish();
  const ordered_json line = lines()[0];
  EXPECT_EQ(line["arguments"], ordered_json::parse(R"({"gen_args_0": {"arg_0": "text"}})"));
  EXPECT_EQ(line["resps"], ordered_json::parse(R"([["-20.5"]])"));
  EXPECT_EQ(line["filtered_resps"], ordered_json::parse(R"(["-20.5"])"));
  EXPECT_EQ(line["word_perplexity"].dump(), "[-20.5,10]");
  EXPECT_EQ(line["bits_per_byte"].dump(), "[-20.5,40]");
}

}  // namespace
}  // namespace idleheads
