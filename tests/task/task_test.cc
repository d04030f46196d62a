// What holds for every task: names, shots, limits, selected subjects, fingerprints.
#include "idleheads/task/task.h"

#include <cmath>
#include <fstream>
#include <limits>

#include "task/test_files.h"

namespace idleheads {
namespace {

using testing::HasSubstr;

TaskOptions small_mmlu() {
  TaskOptions options;
  options.data = test_data("mmlu_small");
  options.shots = 0;
  return options;
}

std::map<std::string, int> sizes(const Task& task) {
  std::map<std::string, int> sizes;
  for (const Document& document : task.documents) ++sizes[document.group];
  return sizes;
}

std::string usage_error(const std::string& name, const TaskOptions& options) {
  return error_of<UsageError>([&] { load_task(name, options); });
}

TEST(Task, Names) {
  EXPECT_EQ(task_names(),
            (std::vector<std::string>{"mmlu", "piqa", "winogrande", "gsm8k", "arc_easy", "arc_challenge",
                                      "hellaswag", "wikitext", "jsonl", "text"}));
}

TEST(Task, UnknownNameSuggestsTheNearest) {
  EXPECT_THAT(usage_error("mmul", small_mmlu()), HasSubstr("unknown task 'mmul', did you mean 'mmlu'?"));
  EXPECT_THAT(usage_error("somethingelse", small_mmlu()), HasSubstr("valid: mmlu, piqa, winogrande"));
  EXPECT_THAT(usage_error(std::string(1000000, 'x'), small_mmlu()), HasSubstr("unknown task 'xxx"));
}

TEST(Task, DataIsNeededOnce) {
  EXPECT_THAT(usage_error("jsonl", {}), HasSubstr("task jsonl needs --data"));
  EXPECT_THAT(usage_error("x.jsonl", small_mmlu()), HasSubstr("leave out --data"));
}

TEST(Task, LimitTakesTheFirstOfEachGroup) {
  TaskOptions options = small_mmlu();
  options.limit = 3;
  const Task task = load_task("mmlu", options);
  EXPECT_EQ(sizes(task), (std::map<std::string, int>{{"college_mathematics", 3},
                                                     {"formal_logic", 3},
                                                     {"global_facts", 3},
                                                     {"high_school_computer_science", 3},
                                                     {"us_foreign_policy", 3}}));
  for (size_t i = 0; i < task.documents.size(); ++i)
    EXPECT_EQ(task.documents[i].index, static_cast<int64_t>(i % 3));
  options.limit = 1e9;
  EXPECT_EQ(load_task("mmlu", options).documents.size(), 515u);
}

// A file of questions is one task, whatever groups it has.
TEST(Task, LimitOfAQuestionFileIsOfAllGroupsTogether) {
  const test::TempFolder folder;
  std::ofstream(folder / "q.jsonl")
      << R"({"question": "a", "choices": ["x", "y"], "answer": 0, "group": "two"}
{"question": "b", "choices": ["x", "y"], "answer": 0, "group": "one"}
{"question": "c", "choices": ["x", "y"], "answer": 0, "group": "two"}
{"question": "d", "choices": ["x", "y"], "answer": 0, "group": "three"}
)";
  TaskOptions options;
  const auto load = [&](double limit) {
    options.limit = limit;
    return load_task(folder / "q.jsonl", options);
  };
  EXPECT_EQ(sizes(load(3)), (std::map<std::string, int>{{"one", 1}, {"two", 2}}));
  EXPECT_EQ(sizes(load(0.3)), (std::map<std::string, int>{{"one", 1}, {"two", 1}}));
  EXPECT_EQ(load(1).groups.size(), 1u);
  EXPECT_TRUE(load(1).limit_is_of_all);
  EXPECT_EQ(load(100).documents.size(), 4u);
  options.only = {"two"};
  EXPECT_EQ(sizes(load(1)), (std::map<std::string, int>{{"two", 1}}));
  EXPECT_FALSE(load(1).limit_is_of_all);
}

TEST(Task, LimitBelowOneIsAShareRoundedUp) {
  TaskOptions options = small_mmlu();
  options.limit = 0.01;
  EXPECT_EQ(sizes(load_task("mmlu", options)),
            (std::map<std::string, int>{{"college_mathematics", 1},
                                        {"formal_logic", 2},
                                        {"global_facts", 1},
                                        {"high_school_computer_science", 1},
                                        {"us_foreign_policy", 1}}));
}

TEST(Task, LimitsThatCannotBe) {
  for (const double limit : {0.0, -1.0, -0.5, 2.5, std::nan(""), std::numeric_limits<double>::infinity()}) {
    TaskOptions options = small_mmlu();
    options.limit = limit;
    EXPECT_THAT(usage_error("mmlu", options), HasSubstr("limit"));
  }
}

TEST(Task, NegativeShots) {
  TaskOptions options = small_mmlu();
  options.shots = -1;
  EXPECT_EQ(usage_error("mmlu", options), "-1 shots: expected 0 or more");
}

TEST(Task, OnlySelectsSubjectsAndCategories) {
  TaskOptions options = small_mmlu();
  options.limit = 1;
  options.only = {"social_sciences", "global_facts", "stem", "college_mathematics"};
  EXPECT_EQ(sizes(load_task("mmlu", options)),
            (std::map<std::string, int>{{"college_mathematics", 1},
                                        {"global_facts", 1},
                                        {"high_school_computer_science", 1},
                                        {"us_foreign_policy", 1}}));
}

TEST(Task, OnlyWithAnUnknownName) {
  TaskOptions options = small_mmlu();
  options.only = {"anatomie"};
  EXPECT_EQ(usage_error("mmlu", options),
            "task mmlu has no subject or category 'anatomie', did you mean 'anatomy'?");
  options.only = {"humanites"};
  EXPECT_THAT(usage_error("mmlu", options), HasSubstr("did you mean 'humanities'?"));
  EXPECT_THAT(usage_error("piqa", options), HasSubstr("task piqa has no subjects, and so no 'humanites'"));
}

TEST(Task, PartsOfMmluHaveNames) {
  EXPECT_EQ(parse_task_name("mmlu_formal_logic").task, "mmlu");
  EXPECT_EQ(parse_task_name("mmlu_formal_logic").part, "formal_logic");
  EXPECT_EQ(parse_task_name("mmlu").part, "");
  EXPECT_EQ(parse_task_name("arc_easy").task, "arc_easy");
  EXPECT_EQ(parse_task_name("arc_easy").part, "");
  EXPECT_EQ(parse_task_name("mmlu_of_mine.jsonl").task, "mmlu_of_mine.jsonl");
}

TEST(Task, FingerprintFollowsWhatDecidesPromptsAndAnswers) {
  const TempFolder folder;
  const auto fingerprint = [&](const std::string& text, std::optional<double> limit = {}) {
    TaskOptions options;
    options.limit = limit;
    return load_task(folder.write("q.jsonl", text).string(), options).fingerprint;
  };
  const std::string two = R"({"question": "a", "choices": ["x", "y"], "answer": 0}
{"question": "b", "choices": ["x", "y"], "answer": 0})";
  const std::string same = R"(
{"answer": "x", "choices": ["x", "y"], "question": "a"}

{"question": "b", "choices": ["x", "y"], "answer": 0}
)";
  EXPECT_EQ(fingerprint(two), fingerprint(same));
  EXPECT_NE(fingerprint(two), fingerprint(two, 1));
  EXPECT_NE(fingerprint(two), fingerprint(R"({"question": "a", "choices": ["x", "y"], "answer": 1}
{"question": "b", "choices": ["x", "y"], "answer": 0})"));
}

}  // namespace
}  // namespace idleheads
