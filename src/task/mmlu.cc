// MMLU over its original CSV folder (dev/<subject>_dev.csv, test/<subject>_test.csv) or Parquet files; the
// questions are stripped, the choices are not.
#include <algorithm>
#include <optional>
#include <system_error>

#include "base/error.h"
#include "base/mapped_file.h"
#include "base/nearest.h"
#include "task/csv.h"
#include "task/dataset.h"
#include "task/formats.h"
#include "task/mmlu_subjects.h"
#include "task/row_json.h"
#include "task/unicode.h"

namespace idleheads {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kLetters = "ABCD";
constexpr std::string_view kTestSuffix = "_test.csv";
constexpr std::string_view kDevSuffix = "_dev.csv";

std::string shown(const fs::path& path) { return printable(path.string(), 300); }

// The four fields of a question, wherever they come from.
Item to_item(const std::string& subject, const std::string& question, const std::vector<std::string>& choices,
             int64_t answer) {
  Item item;
  item.text = strip(question);
  for (size_t i = 0; i < 4; ++i) item.text += fmt::format("\n{}. {}", kLetters[i], choices[i]);
  item.text += "\nAnswer:";
  item.choices = {"A", "B", "C", "D"};
  item.gold = static_cast<int>(answer);
  item.answer = item.choices[static_cast<size_t>(answer)];
  item.target = std::to_string(answer);
  item.row =
      row_text({{"question", question}, {"subject", subject}, {"choices", choices}, {"answer", answer}});
  return item;
}

// The letter of the first choice without text.
std::optional<char> empty_choice(const std::vector<std::string>& choices) {
  const auto found = std::ranges::find(choices, "");
  if (found == choices.end()) return std::nullopt;
  return kLetters[static_cast<size_t>(found - choices.begin())];
}

Item from_csv(const CsvRow& row, std::string_view file, const std::string& subject) {
  if (row.fields.size() != 6) {
    fail("{}:{}: {} fields, expected 6 (question, four choices, answer letter)", file, row.line,
         row.fields.size());
  }
  const std::string& letter = row.fields[5];
  const size_t answer = letter.size() == 1 ? kLetters.find(letter) : kLetters.npos;
  if (answer == kLetters.npos) {
    fail("{}:{}: answer '{}', expected A, B, C or D", file, row.line, printable(letter));
  }
  const std::vector<std::string> choices(row.fields.begin() + 1, row.fields.begin() + 5);
  if (const auto empty = empty_choice(choices)) fail("{}:{}: choice {} is empty", file, row.line, *empty);
  return to_item(subject, row.fields[0], choices, static_cast<int64_t>(answer));
}

std::vector<Item> read_csv(const fs::path& path, const std::string& subject) {
  const std::string file = shown(path);
  std::vector<Item> items;
  for (const CsvRow& row : parse_csv(read_text_file(path), file))
    items.push_back(from_csv(row, file, subject));
  if (items.empty()) fail("{}: no questions in the file", file);
  return items;
}

DatasetSplit where(const std::string& subject, const char* split) {
  return {{"cais/mmlu", "hails/mmlu_no_train"}, subject, split, {}};
}

std::vector<Item> read_parquet(const std::string& subject, const char* split, const fs::path& data) {
  std::vector<Item> items;
  for (const Row& row : read_split(where(subject, split), data)) {
    const std::vector<std::string> choices = row.texts("choices");
    const int64_t answer = row.integer("answer");
    if (choices.size() != 4) row.fail_here("{} choices, expected 4", choices.size());
    if (answer < 0 || answer > 3) row.fail_here("answer {}, expected 0 to 3", answer);
    if (const auto empty = empty_choice(choices)) row.fail_here("choice {} is empty", *empty);
    items.push_back(to_item(subject, row.text("question"), choices, answer));
  }
  return items;
}

// The subjects whose test files are in the folder, in the table's order.
std::vector<Group> csv_subjects(const fs::path& folder) {
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

// Those of Parquet: all, or those with a folder of their own.
std::vector<Group> parquet_subjects(const fs::path& data) {
  std::vector<Group> present = mmlu_subjects();
  std::error_code ignored;
  if (!data.empty())
    std::erase_if(present,
                  [&](const Group& subject) { return !fs::is_directory(data / subject.name, ignored); });
  if (present.empty()) fail("{}: neither test/ with CSV files nor folders of subjects", shown(data));
  return present;
}

std::string description_of(const std::string& subject) {
  return fmt::format("The following are multiple choice questions (with answers) about {}.\n\n",
                     replaced(subject, "_", " "));
}

ItemGroup read_subject(const Group& subject, bool csv, const LoadRequest& request) {
  const std::string& name = subject.name;
  ItemGroup group;
  group.group = subject;
  group.description = description_of(name);
  const fs::path dev = request.data / "dev" / (name + std::string(kDevSuffix));
  if (csv) {
    group.items = read_csv(request.data / "test" / (name + std::string(kTestSuffix)), name);
    if (request.examples) group.examples = read_csv(dev, name);
  } else {
    group.items = read_parquet(name, "test", request.data);
    if (request.examples) group.examples = read_parquet(name, "dev", request.data);
  }
  group.examples_file = csv ? shown(dev) : "mmlu's dev split of " + name;
  return group;
}

LoadedItems load_mmlu(const LoadRequest& request) {
  select_groups(mmlu_subjects(), request.only,
                "mmlu");  // a wrong name is a usage error, whatever the folder has
  std::error_code ignored;
  const bool parquet =
      request.data.empty() || std::ranges::any_of(mmlu_subjects(), [&](const Group& subject) {
        return fs::is_directory(request.data / subject.name, ignored);
      });
  const std::vector<Group> present = parquet ? parquet_subjects(request.data) : csv_subjects(request.data);
  for (const std::string& name : request.only) {
    if (std::ranges::any_of(present, [&](const Group& subject) { return names_group(name, subject); })) {
      continue;
    }
    fail("{}: no test file of '{}' in the folder", shown(parquet ? request.data : request.data / "test"),
         printable(name));
  }
  LoadedItems loaded;
  for (const Group& subject : select_groups(present, request.only, "mmlu"))
    loaded.groups.push_back(read_subject(subject, !parquet, request));
  return loaded;
}

std::string harness_config(const Group& subject) {
  OrderedJson out = OrderedJson::parse(R"({"tag": "", "dataset_path": "hails/mmlu_no_train",
      "dataset_name": "", "dataset_kwargs": {"trust_remote_code": true},
      "test_split": "test", "fewshot_split": "dev",
      "doc_to_text": "{{question.strip()}}\nA. {{choices[0]}}\nB. {{choices[1]}}\nC. {{choices[2]}}\nD. {{choices[3]}}\nAnswer:",
      "doc_to_target": "answer", "doc_to_choice": ["A", "B", "C", "D"],
      "fewshot_config": {"sampler": "first_n"}})");
  out["tag"] = fmt::format("mmlu_{}_tasks", replaced(subject.category, " ", "_"));
  out["dataset_name"] = subject.name;
  out["description"] = description_of(subject.name);
  return row_text(out);
}

}  // namespace

TaskFormat mmlu_format() {
  TaskFormat format;
  format.name = "mmlu";
  format.version = "1.0";
  format.default_shots = 5;
  format.metrics = {Metric::acc};
  format.draws_examples = false;
  format.harness_config = harness_config;
  format.load = load_mmlu;
  return format;
}

}  // namespace idleheads
