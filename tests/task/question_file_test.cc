// The project's own question files (docs/question_format.md).
#include "idleheads/task/task.h"
#include "task/test_files.h"

namespace idleheads {
namespace {

using testing::HasSubstr;
using Strings = std::vector<std::string>;

class QuestionFile : public testing::Test {
 protected:
  Task load(const std::string& text, TaskOptions options = {}) const {
    return load_task(folder_.write("things.jsonl", text).string(), options);
  }
  // The message without the path of the file.
  std::string error(const std::string& text, const TaskOptions& options = {}) const {
    const std::string message = error_of<Error>([&] { load(text, options); });
    const std::string path = (folder_.path() / "things.jsonl").string();
    EXPECT_EQ(message.find(path), 0u) << message;
    return message.substr(std::min(path.size(), message.size()));
  }

  TempFolder folder_;
};

TEST_F(QuestionFile, PromptAndContinuations) {
  const Task task = load(R"({"question": "What is \u00e9?", "choices": ["a letter", " b"], "answer": 1})");
  EXPECT_EQ(task.name, "things");
  EXPECT_EQ(task.shots, 0);
  EXPECT_EQ(task.metrics, (std::vector{Metric::acc, Metric::acc_norm}));
  ASSERT_EQ(task.groups.size(), 1u);
  EXPECT_EQ(task.groups[0].name, "things");
  EXPECT_EQ(task.groups[0].category, "");
  ASSERT_EQ(task.documents.size(), 1u);
  EXPECT_EQ(task.documents[0].group, "things");
  EXPECT_EQ(task.documents[0].contexts.at(0), "Question: What is \u00e9?\nAnswer:");
  EXPECT_EQ(task.documents[0].continuations, (Strings{" a letter", "  b"}));
  EXPECT_EQ(task.documents[0].choices, (Strings{"a letter", " b"}));
  EXPECT_EQ(task.documents[0].gold, 1);
}

TEST_F(QuestionFile, TaskJsonlTakesThePathFromData) {
  TaskOptions options;
  options.data = folder_.write("any.txt", R"({"question": "q", "choices": ["x", "y"], "answer": "y"})");
  const Task task = load_task("jsonl", options);
  EXPECT_EQ(task.name, "any");
  EXPECT_EQ(task.documents.at(0).gold, 1);
}

TEST_F(QuestionFile, GroupsAreSortedAndKeepFileOrderInside) {
  const Task task =
      load(R"({"question": "q0", "choices": ["x", "y"], "answer": 0, "group": "sun", "category": "sky"}
{"question": "q1", "choices": ["x", "y"], "answer": 0, "group": "cat", "category": "zoo"}
{"question": "q2", "choices": ["x", "y"], "answer": 0, "group": "moon", "category": "sky"}
{"question": "q3", "choices": ["x", "y"], "answer": 0}
{"question": "q4", "choices": ["x", "y"], "answer": 0, "group": "sun", "category": "sky"})");
  Strings order;
  for (const Document& document : task.documents) {
    order.push_back(document.group + std::to_string(document.index) + document.contexts.at(0).substr(10, 2));
  }
  EXPECT_EQ(order, (Strings{"things0q3", "moon0q2", "sun0q0", "sun1q4", "cat0q1"}));

  TaskOptions options;
  options.only = {"sky"};
  EXPECT_EQ(load(R"({"question": "q0", "choices": ["x", "y"], "answer": 0, "group": "sun", "category": "sky"}
{"question": "q1", "choices": ["x", "y"], "answer": 0, "group": "cat", "category": "zoo"})",
                 options)
                .documents.size(),
            1u);
}

TEST_F(QuestionFile, ShotsAreTheMarkedLines) {
  const std::string text = R"({"question": "s0", "choices": ["x", "y"], "answer": 1, "shot": true}
{"question": "q0", "choices": ["x", "y"], "answer": 0, "shot": false}
{"question": "s1", "choices": ["x", "y"], "answer": 0, "shot": true})";
  TaskOptions options;
  EXPECT_EQ(load(text, options).documents.at(0).contexts.at(0), "Question: q0\nAnswer:");
  options.shots = 1;
  EXPECT_EQ(load(text, options).documents.at(0).contexts.at(0),
            "Question: s0\nAnswer: y\n\nQuestion: q0\nAnswer:");
  options.shots = 2;
  const Task task = load(text, options);
  EXPECT_EQ(task.documents.size(), 1u);
  EXPECT_EQ(task.documents.at(0).contexts.at(0),
            "Question: s0\nAnswer: y\n\nQuestion: s1\nAnswer: x\n\nQuestion: q0\nAnswer:");
  options.shots = 3;
  EXPECT_EQ(error(text, options), ": lines with \"shot\": true: 2 examples, but 3 shots need 3");
}

TEST_F(QuestionFile, BlankLinesAndWindowsLineEnds) {
  const Task task = load("\n{\"question\": \"q\", \"choices\": [\"x\", \"y\"], \"answer\": 0}\r\n \t\r\n");
  EXPECT_EQ(task.documents.size(), 1u);
}

TEST_F(QuestionFile, FieldsThatAreWrong) {
  const std::pair<std::string, std::string> cases[] = {
      {R"({"question": "q", "choices": ["x", "y"]})", ":2: no field 'answer'"},
      {R"({"question": "q", "answer": 0})", ":2: no field 'choices'"},
      {R"({"choices": ["x", "y"], "answer": 0})", ":2: no field 'question'"},
      {R"({"question": "q", "choices": ["x", "y"], "anser": 0})",
       ":2: unknown field 'anser', did you mean 'answer'?"},
      {R"(["question"])", ":2: array, expected an object {...}"},
      {R"({"question": 1, "choices": ["x", "y"], "answer": 0})",
       ":2: question is a number, expected a string in quotes"},
      {R"({"question": " \n", "choices": ["x", "y"], "answer": 0})", ":2: the question is empty"},
      {R"({"question": "q", "choices": "x", "answer": 0})",
       ":2: choices is a string, expected a list of strings"},
      {R"({"question": "q", "choices": ["x"], "answer": 0})", ":2: 1 choices, expected at least 2"},
      {R"({"question": "q", "choices": ["x", 2], "answer": 0})",
       ":2: choice 1 is a number, expected a string in quotes"},
      {R"({"question": "q", "choices": ["x", " "], "answer": 0})", ":2: choice 1 is empty"},
      {R"({"question": "q", "choices": ["x", "y", "x"], "answer": 0})", ":2: choices 0 and 2 are both 'x'"},
      {R"({"question": "q", "choices": ["x", "y"], "answer": 2})", ":2: answer 2, expected 0 to 1"},
      {R"({"question": "q", "choices": ["x", "y"], "answer": -1})", ":2: answer -1, expected 0 to 1"},
      {R"({"question": "q", "choices": ["x", "y"], "answer": 18446744073709551615})",
       ":2: answer 18446744073709551615, expected 0 to 1"},
      {R"({"question": "q", "choices": ["x", "y"], "answer": 0.5})",
       ":2: answer is a number, expected a whole number from 0 or the text of a choice"},
      {R"({"question": "q", "choices": ["x", "y"], "answer": true})",
       ":2: answer is a boolean, expected a whole number from 0 or the text of a choice"},
      {R"({"question": "q", "choices": ["yes", "no"], "answer": "yess"})",
       ":2: answer 'yess' is none of the choices, did you mean 'yes'?"},
      {R"({"question": "q", "choices": ["a\nb", "no"], "answer": "something"})",
       ":2: answer 'something' is none of the choices; valid: a?b, no"},
      {R"({"question": "q", "choices": ["x", "y"], "answer": 0, "shot": "yes"})",
       ":2: shot is a string, expected true or false"},
      {R"({"question": "q", "choices": ["x", "y"], "answer": 0, "group": ""})",
       ":2: group '', expected 1 to 200 bytes without control characters and outer white space"},
      {R"({"question": "q", "choices": ["x", "y"], "answer": 0, "group": "a\nb"})",
       ":2: group 'a?b', expected 1 to 200 bytes without control characters and outer white space"},
      {R"({"question": "q", "choices": ["x", "y"], "answer": 0, "category": "c"})",
       ":2: a category without a group"},
  };
  for (const auto& [line, expected] : cases) EXPECT_EQ(error("\n" + line), expected) << line;
}

TEST_F(QuestionFile, GroupWithAnEndlessName) {
  const std::string name(1000000, 'g');
  EXPECT_THAT(error(R"({"question": "q", "choices": ["x", "y"], "answer": 0, "group": ")" + name + "\"}"),
              HasSubstr(":1: group 'ggg"));
}

TEST_F(QuestionFile, GroupInTwoCategories) {
  EXPECT_EQ(error(R"({"question": "q", "choices": ["x", "y"], "answer": 0, "group": "g", "category": "c"}
{"question": "q", "choices": ["x", "y"], "answer": 0, "group": "g"})"),
            ":2: group 'g' has category '' here and 'c' before");
}

TEST_F(QuestionFile, InvalidJsonIsNamedByLine) {
  EXPECT_THAT(error("\n\n{\"question\": \"q\""), HasSubstr(":3: "));
  EXPECT_THAT(error("{\"question\": \"\xff\"}"), HasSubstr(":1: "));
  EXPECT_THAT(error(std::string(100000, '[')), HasSubstr(":1: "));
}

TEST_F(QuestionFile, NothingToEvaluate) {
  EXPECT_EQ(error(""), ": no questions to evaluate in the file");
  EXPECT_EQ(error(R"({"question": "q", "choices": ["x", "y"], "answer": 0, "shot": true})"),
            ": no questions to evaluate in the file");
}

TEST_F(QuestionFile, MissingFile) {
  const std::string path = (folder_.path() / "none.jsonl").string();
  EXPECT_THAT(error_of<Error>([&] { load_task(path, {}); }), HasSubstr(path));
}

}  // namespace
}  // namespace idleheads
