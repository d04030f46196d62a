// MMLU prompts against those of lm-evaluation-harness 0.4.5, and every way its folder can be wrong.
#include <nlohmann/json.hpp>

#include "idleheads/task/task.h"
#include "task/mmlu_subjects.h"
#include "task/test_files.h"

namespace idleheads {
namespace {

using testing::HasSubstr;

TaskOptions in_folder(const std::filesystem::path& folder) {
  TaskOptions options;
  options.data = folder;
  return options;
}

const Document* find(const Task& task, const std::string& group, int64_t index) {
  for (const Document& document : task.documents) {
    if (document.group == group && document.index == index) return &document;
  }
  return nullptr;
}

TEST(Mmlu, PromptsAreTheHarness) {
  const Task task = load_task("mmlu", in_folder(test_data("mmlu_small")));
  std::ifstream golden(test_data("mmlu_small/prompts.jsonl"));
  int checked = 0;
  for (std::string line; std::getline(golden, line); ++checked) {
    const auto expected = nlohmann::json::parse(line);
    const std::string subject = expected["task"].get<std::string>().substr(5);
    const Document* document = find(task, subject, expected["doc_index"]);
    ASSERT_NE(document, nullptr) << subject;
    EXPECT_EQ(document->contexts.at(0), expected["context"].get<std::string>());
    EXPECT_EQ(document->continuations, expected["choices"].get<std::vector<std::string>>());
    EXPECT_EQ(document->gold, expected["gold"].get<int>());
  }
  EXPECT_EQ(checked, 9);
}

TEST(Mmlu, TaskIsSortedAsTheResultTable) {
  const Task task = load_task("mmlu", in_folder(test_data("mmlu_small")));
  EXPECT_EQ(task.name, "mmlu");
  EXPECT_EQ(task.version, "1.0");
  EXPECT_EQ(task.shots, 5);
  EXPECT_EQ(task.metrics, std::vector<Metric>{Metric::acc});
  std::vector<std::string> names;
  for (const Group& group : task.groups) names.push_back(group.category + "/" + group.name);
  EXPECT_EQ(names, (std::vector<std::string>{"humanities/formal_logic", "other/global_facts",
                                             "social sciences/us_foreign_policy", "stem/college_mathematics",
                                             "stem/high_school_computer_science"}));
  ASSERT_EQ(task.documents.size(), 126u + 89 + 100 + 100 + 100);
  EXPECT_EQ(task.documents[126].group, "global_facts");
  EXPECT_EQ(task.documents[126].index, 0);
}

TEST(Mmlu, TableHas57SubjectsInFourCategories) {
  std::map<std::string, int> sizes;
  for (const Group& subject : mmlu_subjects()) ++sizes[subject.category];
  EXPECT_EQ(sizes, (std::map<std::string, int>{
                       {"humanities", 13}, {"other", 13}, {"social sciences", 12}, {"stem", 19}}));
}

TEST(Mmlu, LineBreaksOfEveryKindSurvive) {
  TaskOptions options = in_folder(test_data("mmlu_small"));
  options.only = {"college_mathematics"};
  EXPECT_THAT(load_task("mmlu", options).documents[0].contexts.at(0), HasSubstr("\r\n"));
}

// A folder with one subject of two dev and three test rows.
class MmluFolder : public testing::Test {
 protected:
  MmluFolder() {
    folder_.write("dev/anatomy_dev.csv", "d0,1,2,3,4,A\nd1,1,2,3,4,D\n");
    folder_.write("test/anatomy_test.csv", "\u3000 q0\n,a ,b,c,d,A\nq1,a,b,c,d,B\nq2,a,b,c,d,C\n");
    folder_.write("test/README.txt", "not a subject");
    folder_.write("test/._anatomy_test.csv", "left by an archive program");
  }

  Task load(int shots = 2) const {
    TaskOptions options = in_folder(folder_.path());
    options.shots = shots;
    return load_task("mmlu", options);
  }
  std::string error(int shots = 2) const {
    return error_of<Error>([&] { load(shots); });
  }
  std::string path(const std::string& name) const { return (folder_.path() / name).string(); }

  TempFolder folder_;
};

TEST_F(MmluFolder, QuestionIsStrippedAndChoicesAreNot) {
  folder_.write("test/anatomy_test.csv", "\"\u3000 q\n0\n\u00a0\",a ,  b,c,d,D\n");
  const Document document = load(1).documents.at(0);
  EXPECT_EQ(document.contexts.at(0),
            "The following are multiple choice questions (with answers) about anatomy.\n\n"
            "d0\nA. 1\nB. 2\nC. 3\nD. 4\nAnswer: A\n\n"
            "q\n0\nA. a \nB.   b\nC. c\nD. d\nAnswer:");
  EXPECT_EQ(document.gold, 3);
}

TEST_F(MmluFolder, NoShotsNeedNoDevFile) {
  folder_.write("test/anatomy_test.csv", "q,a,b,c,d,A\n");
  std::filesystem::remove_all(folder_.path() / "dev");
  EXPECT_EQ(load(0).documents.at(0).contexts.at(0),
            "The following are multiple choice questions (with answers) about anatomy.\n\n"
            "q\nA. a\nB. b\nC. c\nD. d\nAnswer:");
  EXPECT_THAT(error(1), HasSubstr(path("dev/anatomy_dev.csv")));
}

TEST_F(MmluFolder, MalformedRowsAreNamedByFileAndLine) {
  const std::string test = "test/anatomy_test.csv";
  const std::string dev = "dev/anatomy_dev.csv";
  folder_.write(test, "\"q\n0\",a,b,c,d,A\nq1,a,b,c,B\n");
  EXPECT_EQ(error(), path(test) + ":3: 5 fields, expected 6 (question, four choices, answer letter)");
  folder_.write(test, "q0,a,b,c,d,A\nq1,a,b,c,d,E\n");
  EXPECT_EQ(error(), path(test) + ":2: answer 'E', expected A, B, C or D");
  folder_.write(test, "q0,a,b,,d,A\n");
  EXPECT_EQ(error(), path(test) + ":1: choice C is empty");
  folder_.write(test, "q0,a,b,c,d,AB\n");
  EXPECT_THAT(error(), HasSubstr(":1: answer 'AB'"));
  folder_.write(test, "q0,a,b,c,d,\n");
  EXPECT_THAT(error(), HasSubstr(":1: answer ''"));
  folder_.write(test, "q0,a,b,c,d,A\n\"q1,a,b,c,d,B\n");
  EXPECT_EQ(error(), path(test) + ":2: a quote opens here and is never closed");
  folder_.write(test, "q0,a,b,c,d,A\nq1\xff,a,b,c,d,B\n");
  EXPECT_EQ(error(), path(test) + ":2: byte 15 of the file is not UTF-8");
  folder_.write(test, "\n");
  EXPECT_EQ(error(), path(test) + ": no questions in the file");
  folder_.write(test, "q0,a,b,c,d,A\n");
  folder_.write(dev, "q0,a,b,c,d,A\n");
  EXPECT_EQ(error(), path(dev) + ": 1 examples, but 2 shots need 2");
}

TEST_F(MmluFolder, UnknownSubjectFile) {
  folder_.write("test/astronmy_test.csv", "q,a,b,c,d,A\n");
  EXPECT_EQ(error(),
            path("test/astronmy_test.csv") + ": no MMLU subject 'astronmy', did you mean 'astronomy'?");
}

TEST_F(MmluFolder, FolderWithoutTests) {
  std::filesystem::remove(folder_.path() / "test/anatomy_test.csv");
  EXPECT_THAT(error(),
              HasSubstr("neither test/SUBJECT_test.csv nor SUBJECT/test-*.parquet, all/test-*.parquet or "
                        "test.jsonl in the folder; found dev/anatomy_dev.csv, test/README.txt"));
}

TEST_F(MmluFolder, SubjectThatExistsButIsNotInTheFolder) {
  TaskOptions options = in_folder(folder_.path());
  options.only = {"virology"};
  EXPECT_EQ(error_of<Error>([&] { load_task("mmlu", options); }),
            path("test") + ": no test questions of 'virology' there");
}

}  // namespace
}  // namespace idleheads
