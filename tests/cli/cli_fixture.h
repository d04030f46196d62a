// A tiny model in a folder of its own, and what the tests of the program share.
#pragma once

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

#include "base/mapped_file.h"
#include "cli/command.h"
#include "format/json.h"

namespace idleheads {

namespace fs = std::filesystem;

inline const fs::path kData = IDLEHEADS_TEST_DATA;
inline const std::string kTiny = (kData / "golden/tiny/llama").string();

// A tiny model with a tokenizer: the golden llama and the byte-level tokenizer of the tests.
class Cli : public testing::Test {
 protected:
  Cli() : model_((folder_ / "model").string()), questions_((folder_ / "questions.jsonl").string()) {
    fs::create_directory(model_);
    for (const char* file : {"config.json", "model.safetensors"})
      fs::copy(fs::path(kTiny) / file, fs::path(model_) / file);
    for (const auto& entry : fs::directory_iterator(kData / "tiny_tokenizer")) {
      fs::copy(entry.path(), fs::path(model_) / entry.path().filename());
    }
    write_file(
        questions_,
        R"({"question": "What is red?", "choices": ["a rose", "the sea"], "answer": 0, "group": "colors"}
{"question": "What is wet?", "choices": ["a fire", "the sea"], "answer": 1, "group": "things"}
{"question": "What is hot?", "choices": ["a fire", "the sea", "ice"], "answer": "a fire", "group": "things"}
)");
  }

  std::string output(const std::string& name) { return (folder_ / name).string(); }
  std::vector<std::string> study(const std::string& file, std::vector<std::string> more = {}) {
    std::vector<std::string> arguments = {"study",    model_,       "--task",   questions_,
                                          "-o",       output(file), "--scores", "awft,ahon_ln,random",
                                          "--shares", "0,20"};
    if (std::ranges::find(more, "--dtype") == more.end()) more.insert(more.end(), {"--dtype", "f32"});
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }

  // All numbers of both studies are the same, to the last digit.
  void expect_equal_exports(const std::string& a, const std::string& b) {
    for (const std::string& file : {a, b}) {
      ASSERT_EQ(run_idleheads({"export", output(file), "--csv", "-o", output(file + "_csv")}).code, 0);
    }
    for (const auto& entry : fs::directory_iterator(output(a + "_csv"))) {
      EXPECT_EQ(read_text_file(entry.path()),
                read_text_file(fs::path(output(b + "_csv")) / entry.path().filename()))
          << entry.path();
    }
  }

  test::TempFolder folder_;
  std::string model_;
  std::string questions_;
};

inline void expect_failure(const Outcome& outcome, int code, const std::string& message) {
  EXPECT_EQ(outcome.code, code) << outcome.err;
  EXPECT_THAT(outcome.err, testing::HasSubstr(message));
  EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 1) << "not one line: " << outcome.err;
  EXPECT_LT(outcome.err.size(), 3000u);
}

// In columns, of text without wide or combining characters.
inline int64_t longest_line(const std::string& text) {
  int64_t longest = 0;
  std::istringstream lines(text);
  const auto begins_character = [](unsigned char byte) { return (byte & 0xc0) != 0x80; };
  for (std::string line; std::getline(lines, line);)
    longest = std::max<int64_t>(longest, std::ranges::count_if(line, begins_character));
  return longest;
}

// With its words as they are, and one blank or line break between them as one blank.
inline std::string on_one_line(const std::string& wrapped) {
  std::string out;
  std::istringstream words(wrapped);
  for (std::string word; words >> word;) out += (out.empty() ? "" : " ") + word;
  return out;
}

}  // namespace idleheads
