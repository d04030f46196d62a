// A text of one's own as a task.
#include "idleheads/task/task.h"
#include "task/test_files.h"

namespace idleheads {
namespace {

using testing::HasSubstr;

std::string words(int count) {
  std::string text;
  for (int i = 0; i < count; ++i) text += i == 0 ? "word" : i % 10 == 0 ? "\nword" : " word";
  return text;
}

class TextFile : public testing::Test {
 protected:
  Task load(const std::string& text, TaskOptions options = {}) const {
    return load_task(folder_.write("my notes.txt", text).string(), options);
  }
  std::string error(const std::string& text, const TaskOptions& options = {}) const {
    return error_of<Error>([&] { load(text, options); });
  }
  TempFolder folder_;
};

TEST_F(TextFile, OnePiece) {
  const Task task = load("\n One line, \xc3\xa9.\nAnother.\n\n");
  EXPECT_EQ(task.name, "my notes");
  EXPECT_EQ(task.output, OutputType::loglikelihood_rolling);
  EXPECT_EQ(task.metrics.front(), Metric::word_perplexity);
  ASSERT_EQ(task.documents.size(), 1u);
  EXPECT_EQ(task.documents[0].contexts, (std::vector<std::string>{"One line, \xc3\xa9.\nAnother."}));
  EXPECT_EQ(task.documents[0].words, 4);
  EXPECT_EQ(task.documents[0].bytes, 22);
}

TEST_F(TextFile, PiecesAreWholeParagraphs) {
  const std::string a = words(200), b = words(150), c = words(700), d = words(20);
  const Task task = load(a + "\n\n\n" + b + "\n \n" + c + "\r\n\r\n" + d + "\n");
  ASSERT_EQ(task.documents.size(), 3u);
  EXPECT_EQ(task.documents[0].contexts[0], a + "\n\n\n" + b);
  EXPECT_EQ(task.documents[0].words, 350);
  EXPECT_EQ(task.documents[1].contexts[0], c) << "a paragraph is never divided";
  EXPECT_EQ(task.documents[2].contexts[0], d);
  EXPECT_EQ(task.groups[0].documents, 3);
  TaskOptions limited;
  limited.limit = 1;
  EXPECT_EQ(load(a + "\n\n\n" + b + "\n \n" + c, limited).documents.size(), 1u);
}

TEST_F(TextFile, AlsoByItsFormat) {
  const auto file = folder_.write("page.md", "Some words.");
  TaskOptions options;
  options.data = file;
  EXPECT_EQ(load_task("text", options).name, "page");
}

TEST_F(TextFile, WhatIsRefused) {
  EXPECT_THAT(error(" \n\n\t"), HasSubstr("there is no text in it"));
  EXPECT_THAT(error(""), HasSubstr("there is no text in it"));
  EXPECT_THAT(error("a\xff"), HasSubstr("byte 1 is not UTF-8"));
  TaskOptions shots, data, only;
  shots.shots = 2;
  data.data = "x";
  only.only = {"b"};
  EXPECT_THAT(error("a", shots), HasSubstr("scores whole texts and takes none"));
  EXPECT_THAT(error("a", data), HasSubstr("is a file already"));
  EXPECT_THAT(error("a", only), HasSubstr("has no subjects"));
  EXPECT_THAT(error_of<Error>([] { load_task("text", {}); }),
              HasSubstr("task text needs --data: a text file"));
  EXPECT_THAT(error_of<Error>([] { load_task("gone.txt", {}); }), HasSubstr("gone.txt"));
}

}  // namespace
}  // namespace idleheads
