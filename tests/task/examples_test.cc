// The question file that comes with the project, and the one that its documentation offers to copy.
#include <set>

#include "idleheads/task/task.h"
#include "task/test_files.h"

namespace idleheads {
namespace {

std::string project_file(const std::string& name) { return test_data("../../" + name); }

TEST(Examples, EverydayQuestions) {
  const Task task = load_task(project_file("examples/everyday_questions.jsonl"), {});
  EXPECT_GE(task.documents.size(), 100u);
  EXPECT_GE(task.groups.size(), 8u);
  std::set<std::string> prompts;
  std::map<int, int> right_at;  // positions of the right answer, among questions with four choices
  int with_four = 0;
  for (const Document& document : task.documents) {
    EXPECT_TRUE(prompts.insert(document.contexts.at(0)).second) << "twice: " << document.contexts.at(0);
    EXPECT_LE(document.choices.size(), 4u) << document.contexts.at(0);
    if (document.choices.size() != 4) continue;
    ++with_four;
    ++right_at[document.gold];
  }
  for (int position = 0; position < 4; ++position) {
    EXPECT_NEAR(right_at[position], with_four / 4.0, with_four / 10.0) << "position " << position;
  }
}

TEST(Examples, TheDocumentedFileCanBeCopied) {
  std::ifstream file(project_file("docs/question_format.md"));
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  const size_t begin = text.find("```json\n");
  ASSERT_NE(begin, text.npos);
  const size_t end = text.find("```", begin + 3);
  const TempFolder folder;
  const Task task =
      load_task(folder.write("mine.jsonl", text.substr(begin + 8, end - begin - 8)).string(), {});
  ASSERT_EQ(task.documents.size(), 3u);
  EXPECT_EQ(task.groups.size(), 2u);
  EXPECT_EQ(task.documents[2].contexts.at(0), "Question: What color is a ripe banana?\nAnswer:");
}

}  // namespace
}  // namespace idleheads
