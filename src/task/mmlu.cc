// MMLU over its original CSV folder (dev/<subject>_dev.csv, test/<subject>_test.csv), prompts as in
// lm-evaluation-harness 0.4.5, task version 1.0: the questions are stripped, the choices are not.
#include <algorithm>
#include <array>
#include <system_error>

#include "base/error.h"
#include "base/mapped_file.h"
#include "base/nearest.h"
#include "task/csv.h"
#include "task/formats.h"
#include "task/mmlu_subjects.h"
#include "task/unicode.h"

namespace idleheads {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kLetters = "ABCD";
constexpr std::string_view kTestSuffix = "_test.csv";
constexpr std::string_view kDevSuffix = "_dev.csv";

struct Question {
  std::string text;
  std::array<std::string, 4> choices;
  int answer = 0;
};

std::string shown(const fs::path& path) { return printable(path.string(), 300); }

Question to_question(CsvRow&& row, std::string_view file) {
  if (row.fields.size() != 6) {
    fail("{}:{}: {} fields, expected 6 (question, four choices, answer letter)", file, row.line,
         row.fields.size());
  }
  const std::string& letter = row.fields[5];
  const size_t answer = letter.size() == 1 ? kLetters.find(letter) : kLetters.npos;
  if (answer == kLetters.npos) {
    fail("{}:{}: answer '{}', expected A, B, C or D", file, row.line, printable(letter));
  }
  Question question;
  question.text = std::move(row.fields[0]);
  for (size_t i = 0; i < 4; ++i) question.choices[i] = std::move(row.fields[i + 1]);
  question.answer = static_cast<int>(answer);
  return question;
}

std::vector<Question> read_questions(const fs::path& path) {
  const std::string file = shown(path);
  std::vector<Question> questions;
  for (CsvRow& row : parse_csv(read_text_file(path), file))
    questions.push_back(to_question(std::move(row), file));
  if (questions.empty()) fail("{}: no questions in the file", file);
  return questions;
}

std::string text_of(const Question& question) {
  std::string text(strip(question.text));
  for (size_t i = 0; i < 4; ++i) text += fmt::format("\n{}. {}", kLetters[i], question.choices[i]);
  return text + "\nAnswer:";
}

// The description and the first `shots` rows of the dev file.
std::string preamble(const fs::path& folder, const std::string& subject, int shots) {
  std::string spaced = subject;
  std::ranges::replace(spaced, '_', ' ');
  std::string out =
      fmt::format("The following are multiple choice questions (with answers) about {}.\n\n", spaced);
  if (shots == 0) return out;
  const fs::path path = folder / "dev" / (subject + std::string(kDevSuffix));
  const std::vector<Question> examples = read_questions(path);
  if (static_cast<size_t>(shots) > examples.size()) {
    fail("{}: {} questions, but {} shots were asked for", shown(path), examples.size(), shots);
  }
  for (int i = 0; i < shots; ++i)
    out += fmt::format("{} {}\n\n", text_of(examples[i]), kLetters[examples[i].answer]);
  return out;
}

void load_subject(const fs::path& folder, const std::string& subject, int shots,
                  std::vector<Document>& documents) {
  const std::string before = preamble(folder, subject, shots);
  int64_t index = 0;
  for (const Question& question : read_questions(folder / "test" / (subject + std::string(kTestSuffix)))) {
    Document document;
    document.group = subject;
    document.index = index++;
    document.context = before + text_of(question);
    document.choices = {"A", "B", "C", "D"};
    document.continuations = {" A", " B", " C", " D"};
    document.gold = question.answer;
    documents.push_back(std::move(document));
  }
}

// The subjects whose test files are in the folder, in the table's order.
std::vector<Group> subjects_in(const fs::path& folder) {
  std::vector<std::string> valid, found;
  for (const Group& subject : mmlu_subjects()) valid.push_back(subject.name);
  const fs::path test = folder / "test";
  std::error_code error;
  fs::directory_iterator entries(test, error);
  for (; !error && entries != fs::directory_iterator(); entries.increment(error)) {
    const std::string file = entries->path().filename().string();
    if (file.starts_with('.') || !file.ends_with(kTestSuffix)) continue;
    const std::string name = file.substr(0, file.size() - kTestSuffix.size());
    if (std::ranges::count(valid, name) == 0) {
      fail("{}: no MMLU subject '{}'{}", shown(entries->path()), printable(name), suggestion(name, valid));
    }
    found.push_back(name);
  }
  if (error) {
    fail("{}: cannot read the folder: {}; expected the folder with dev/ and test/", shown(test),
         error.message());
  }
  std::vector<Group> present = mmlu_subjects();
  std::erase_if(present, [&](const Group& subject) { return std::ranges::count(found, subject.name) == 0; });
  if (present.empty()) fail("{}: no file <subject>{} in the folder", shown(test), kTestSuffix);
  return present;
}

void load_mmlu(const LoadRequest& request, Task& task) {
  select_groups(mmlu_subjects(), request.only,
                task.name);  // a wrong name is a usage error, whatever the folder has
  const std::vector<Group> present = subjects_in(request.data);
  for (const std::string& name : request.only) {
    if (std::ranges::any_of(present, [&](const Group& subject) { return names_group(name, subject); })) {
      continue;
    }
    fail("{}: no test file of '{}' in the folder", shown(request.data / "test"), printable(name));
  }
  task.groups = select_groups(present, request.only, task.name);
  for (const Group& subject : task.groups)
    load_subject(request.data, subject.name, request.shots, task.documents);
}

}  // namespace

TaskFormat mmlu_format() {
  TaskFormat format;
  format.name = "mmlu";
  format.version = "1.0";
  format.default_shots = 5;
  format.metrics = {"acc"};
  format.data_hint = "the folder with dev/ and test/ and their CSV files";
  format.load = load_mmlu;
  return format;
}

}  // namespace idleheads
