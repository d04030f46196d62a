// MMLU over its original CSV folder (dev/<subject>_dev.csv, test/<subject>_test.csv), or over Parquet and
// JSON Lines with a folder for each subject or with all of them in one table; the questions are stripped, the
// choices are not.
#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <system_error>

#include "base/fail.h"
#include "base/mapped_file.h"
#include "base/nearest.h"
#include "format/csv.h"
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
constexpr const char* kAll = "all";  // the configuration with all subjects in one table

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
  const std::string file = shown_path(path);
  std::vector<Item> items;
  for (const CsvRow& row : parse_csv(read_text_file(path), file))
    items.push_back(from_csv(row, file, subject));
  if (items.empty()) fail("{}: no questions in the file", file);
  return items;
}

Item from_row(const Row& row, const std::string& subject) {
  const std::vector<std::string> choices = row.texts("choices");
  const int64_t answer = row.integer("answer");
  if (choices.size() != 4) row.fail_here("{} choices, expected 4", choices.size());
  if (answer < 0 || answer > 3) row.fail_here("answer {}, expected 0 to 3", answer);
  if (const auto empty = empty_choice(choices)) row.fail_here("choice {} is empty", *empty);
  return to_item(subject, row.text("question"), choices, answer);
}

// The split of one subject in a folder of its own, or of all of them in one table.
DatasetSplit where(const std::string& config, const char* split) {
  DatasetSplit where = {
      {"cais/mmlu", "hails/mmlu_no_train"}, config, split, {}, {"question", "choices", "answer", "subject"}};
  where.only_in_config_folder = config != kAll;
  where.task = "mmlu";
  return where;
}

using ItemsBySubject = std::map<std::string, std::vector<Item>>;

std::vector<std::string> names_of_subjects() {
  std::vector<std::string> names;
  for (const Group& subject : mmlu_subjects()) names.push_back(subject.name);
  return names;
}

ItemsBySubject read_table(const char* split, const fs::path& data) {
  const std::vector<std::string> valid = names_of_subjects();
  ItemsBySubject items;
  for (const Row& row : read_split(where(kAll, split), data)) {
    const std::string& subject = row.text("subject");
    if (std::ranges::count(valid, subject) == 0)
      row.fail_here("no MMLU subject '{}'{}", printable(subject), suggestion(subject, valid));
    items[subject].push_back(from_row(row, subject));
  }
  return items;
}

std::vector<Item> read_folder(const std::string& subject, const char* split, const fs::path& data) {
  std::vector<Item> items;
  for (const Row& row : read_split(where(subject, split), data)) items.push_back(from_row(row, subject));
  return items;
}

// The subjects of the table that `has` says yes to, in its order.
template <typename Has>
std::vector<Group> subjects_where(const Has& has) {
  std::vector<Group> present = mmlu_subjects();
  std::erase_if(present, [&](const Group& subject) { return !has(subject.name); });
  return present;
}

// Hidden files are what systems leave, such as "._anatomy_test.csv".
bool is_test_file(const std::string& name) { return !name.starts_with('.') && name.ends_with(kTestSuffix); }

// The subjects whose test files are in the folder, in the table's order.
std::vector<Group> csv_subjects(const fs::path& folder) {
  const std::vector<std::string> valid = names_of_subjects();
  std::vector<std::string> found;
  const fs::path test = folder / "test";
  std::error_code error;
  fs::directory_iterator entries(test, error);
  for (; !error && entries != fs::directory_iterator(); entries.increment(error)) {
    const std::string file = entries->path().filename().string();
    if (!is_test_file(file)) continue;
    const std::string name = file.substr(0, file.size() - kTestSuffix.size());
    if (std::ranges::count(valid, name) == 0) {
      fail("{}: no MMLU subject '{}'{}", shown_path(entries->path()), printable(name),
           suggestion(name, valid));
    }
    found.push_back(name);
  }
  if (error) fail("{}: the folder cannot be read: {}", shown_path(test), error.message());
  std::vector<Group> present =
      subjects_where([&](const std::string& name) { return std::ranges::count(found, name) > 0; });
  if (present.empty()) fail("{}: no file <subject>{} in the folder", shown_path(test), kTestSuffix);
  return present;
}

std::string description_of(const std::string& subject) {
  return fmt::format("The following are multiple choice questions (with answers) about {}.\n\n",
                     replaced(subject, "_", " "));
}

// Where the questions are, and how they are read from there.
struct Source {
  std::vector<Group> present;
  std::string tests;  // where the test files are, for messages
  std::function<std::vector<Item>(const std::string&subject)> test, dev;
  std::function<std::string(const std::string& subject)> dev_file;
};

Source csv_source(const fs::path& data) {
  const auto dev_file = [=](const std::string& subject) {
    return data / "dev" / (subject + std::string(kDevSuffix));
  };
  return {csv_subjects(data), shown_path(data / "test"),
          [=](const std::string& subject) {
            return read_csv(data / "test" / (subject + std::string(kTestSuffix)), subject);
          },
          [=](const std::string& subject) { return read_csv(dev_file(subject), subject); },
          [=](const std::string& subject) { return shown_path(dev_file(subject)); }};
}

std::string split_of(const std::string& subject) { return "mmlu's dev split of " + subject; }

Source folders_source(std::vector<Group> present, const fs::path& data) {
  return {std::move(present), data.empty() ? "the Hugging Face cache" : shown_path(data),
          [=](const std::string& subject) { return read_folder(subject, "test", data); },
          [=](const std::string& subject) { return read_folder(subject, "dev", data); }, split_of};
}

Source table_source(const fs::path& data) {
  const auto test = std::make_shared<ItemsBySubject>(read_table("test", data));
  const auto dev = std::make_shared<std::optional<ItemsBySubject>>();  // read where examples are needed
  // Of a folder what is there; the cache has the whole data set or it is not right.
  return {subjects_where([&](const std::string& name) { return data.empty() || test->contains(name); }),
          shown_path(find_split(where(kAll, "test"), data).front()),
          [=](const std::string& subject) { return std::move((*test)[subject]); },
          [=](const std::string& subject) {
            if (!*dev) *dev = read_table("dev", data);
            return std::move((**dev)[subject]);
          },
          split_of};
}

bool has_csv(const fs::path& data) {
  std::error_code error;
  fs::directory_iterator entries(data / "test", error);
  for (; !error && entries != fs::directory_iterator(); entries.increment(error)) {
    if (is_test_file(entries->path().filename().string())) return true;
  }
  return false;
}

// Original files come first, then a folder a subject, then one table.
Source source_of(const fs::path& data, const std::vector<std::string>& only) {
  if (!data.empty() && has_csv(data)) return csv_source(data);
  const auto has_folder = [&](const std::string& name) {
    return !find_split_if_any(where(name, "test"), data).empty();
  };
  const bool has_table = !find_split_if_any(where(kAll, "test"), data).empty();
  if (data.empty()) {
    const std::vector<Group> wanted = select_groups(mmlu_subjects(), only, "mmlu");
    const auto is_there = [&](const Group& subject) { return has_folder(subject.name); };
    if (has_table && !std::ranges::all_of(wanted, is_there)) return table_source(data);
    return folders_source(mmlu_subjects(), data);
  }
  std::vector<Group> present = subjects_where(has_folder);
  if (!present.empty()) return folders_source(std::move(present), data);
  if (has_table) return table_source(data);
  fail(
      "{}: neither test/SUBJECT{} nor SUBJECT/test-*.parquet, all/test-*.parquet or test.jsonl in the "
      "folder; "
      "{}",
      shown_path(data), kTestSuffix, what_is_in(data));
}

LoadedItems load_mmlu(const LoadRequest& request) {
  select_groups(mmlu_subjects(), request.only,
                "mmlu");  // a wrong name is a usage error, whatever the folder has
  const Source source = source_of(request.data, request.only);
  for (const std::string& name : request.only) {
    const bool is_there =
        std::ranges::any_of(source.present, [&](const Group& subject) { return names_group(name, subject); });
    if (!is_there) fail("{}: no test questions of '{}' there", source.tests, printable(name));
  }
  LoadedItems loaded;
  for (const Group& subject : select_groups(source.present, request.only, "mmlu")) {
    ItemGroup& group = loaded.groups.emplace_back();
    group.group = subject;
    group.description = description_of(subject.name);
    group.items = source.test(subject.name);
    if (group.items.empty()) fail("{}: no test questions of '{}' there", source.tests, subject.name);
    if (request.examples) group.examples = source.dev(subject.name);
    group.examples_file = source.dev_file(subject.name);
  }
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
  format.groups_are_tasks = true;
  format.harness_config = harness_config;
  format.splits = {where(kAll, "test"), where(kAll, "dev")};  // folders of subjects are the same questions
  format.load = load_mmlu;
  return format;
}

}  // namespace idleheads
