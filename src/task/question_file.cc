// The project's own question files: JSON Lines, described in docs/question_format.md.
#include <algorithm>
#include <map>

#include "base/fail.h"
#include "base/mapped_file.h"
#include "base/nearest.h"
#include "format/json.h"
#include "task/formats.h"
#include "task/row_json.h"
#include "task/task_file.h"
#include "task/unicode.h"

namespace idleheads {
namespace {

struct Question {
  std::string text;
  std::vector<std::string> choices;
  int answer = 0;
  std::string group;     // empty: none given
  std::string category;  // empty: none given
  bool shot = false;     // an example for the prompt, never evaluated
};

// One line of the file. Every failure names the file and the line.
class LineReader {
 public:
  LineReader(std::string_view text, const std::string& file, int64_t line)
      : where_(fmt::format("{}:{}", file, line)), json_(parse_json(text, file, line)) {}

  Question question() const {
    check_fields();
    Question question;
    question.text = string_in(required("question"), "question");
    if (strip(question.text).empty()) fail("{}: the question is empty", where_);
    question.choices = choices();
    question.answer = answer(question.choices);
    question.group = name("group");
    question.category = name("category");
    if (!question.category.empty() && question.group.empty()) fail("{}: a category without a group", where_);
    if (json_.contains("shot")) question.shot = boolean("shot");
    return question;
  }

  const std::string& where() const { return where_; }

 private:
  void check_fields() const {
    static const std::vector<std::string> known = {"question", "choices",  "answer",
                                                   "group",    "category", "shot"};
    if (!json_.is_object()) fail("{}: {}, expected an object {{...}}", where_, json_.type_name());
    for (const auto& [key, value] : json_.items()) {
      if (std::ranges::count(known, key) == 0) {
        fail("{}: unknown field '{}'{}", where_, printable(key), suggestion(key, known));
      }
    }
  }

  const Json& required(const char* key) const {
    const auto found = json_.find(key);
    if (found == json_.end()) fail("{}: no field '{}'", where_, key);
    return *found;
  }

  std::string string_in(const Json& value, const std::string& what) const {
    if (!value.is_string()) {
      fail("{}: {} is a {}, expected a string in quotes", where_, what, value.type_name());
    }
    return value.get<std::string>();
  }

  bool boolean(const char* key) const {
    const Json& value = json_.at(key);
    if (!value.is_boolean()) fail("{}: {} is a {}, expected true or false", where_, key, value.type_name());
    return value.get<bool>();
  }

  // An optional label; empty if it is not there.
  std::string name(const char* key) const {
    if (!json_.contains(key)) return {};
    std::string text = string_in(json_.at(key), key);
    if (!is_label(text)) {
      fail("{}: {} '{}', expected 1 to 200 bytes without control characters and outer white space", where_,
           key, printable(text));
    }
    return text;
  }

  std::vector<std::string> choices() const {
    const Json& list = required("choices");
    if (!list.is_array()) fail("{}: choices is a {}, expected a list of strings", where_, list.type_name());
    if (list.size() < 2) fail("{}: {} choices, expected at least 2", where_, list.size());
    std::map<std::string, size_t> seen;
    std::vector<std::string> choices;
    for (size_t i = 0; i < list.size(); ++i) {
      choices.push_back(string_in(list[i], fmt::format("choice {}", i)));
      if (strip(choices[i]).empty()) fail("{}: choice {} is empty", where_, i);
      const auto [first, is_new] = seen.emplace(choices[i], i);
      if (!is_new) {
        fail("{}: choices {} and {} are both '{}'", where_, first->second, i, printable(choices[i]));
      }
    }
    return choices;
  }

  int answer(const std::vector<std::string>& choices) const {
    const Json& value = required("answer");
    if (value.is_string()) {
      const auto text = value.get<std::string>();
      const auto found = std::ranges::find(choices, text);
      if (found == choices.end()) {
        std::vector<std::string> names;
        for (const std::string& choice : choices) names.push_back(printable(choice));
        fail("{}: answer '{}' is none of the choices{}", where_, printable(text), suggestion(text, names));
      }
      return static_cast<int>(found - choices.begin());
    }
    if (!value.is_number_integer()) {
      fail("{}: answer is a {}, expected a whole number from 0 or the text of a choice", where_,
           value.type_name());
    }
    // Numbers beyond int64 are stored unsigned and come out negative here, which is out of range as well.
    const auto index = value.get<int64_t>();
    if (index < 0 || static_cast<size_t>(index) >= choices.size()) {
      fail("{}: answer {}, expected 0 to {}", where_, dump_json(value), choices.size() - 1);
    }
    return static_cast<int>(index);
  }

  std::string where_;
  Json json_;
};

// What a whole file holds, before anything is selected.
struct QuestionFile {
  std::vector<Question> evaluated;
  std::vector<Question> shots;
  std::vector<Group> groups;  // of the evaluated questions
};

QuestionFile read_question_file(const std::filesystem::path& path, const std::string& default_group) {
  const std::string file = shown_path(path);
  const std::string text = read_text_file(path);
  QuestionFile out;
  std::map<std::string, std::string> category_of;  // by group
  int64_t line = 0;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view content = std::string_view(text).substr(at, end - at);
    at = end + 1;
    ++line;
    if (content.find_first_not_of(" \t\r") == content.npos) continue;
    const LineReader reader(content, file, line);
    Question question = reader.question();
    if (question.shot) {
      out.shots.push_back(std::move(question));
      continue;
    }
    if (question.group.empty()) question.group = default_group;
    const auto [known, is_new] = category_of.emplace(question.group, question.category);
    if (known->second != question.category) {
      fail("{}: group '{}' has category '{}' here and '{}' before", reader.where(), question.group,
           question.category, known->second);
    }
    if (is_new) out.groups.push_back({question.group, question.category, 0});
    out.evaluated.push_back(std::move(question));
  }
  if (out.evaluated.empty()) fail("{}: no questions to evaluate in the file", file);
  sort_groups(out.groups);
  return out;
}

Item to_item(Question&& question) {
  Item item;
  item.row =
      row_text({{"question", question.text}, {"choices", question.choices}, {"answer", question.answer}});
  item.text = "Question: " + question.text + "\nAnswer:";
  item.answer = question.choices[static_cast<size_t>(question.answer)];
  item.choices = std::move(question.choices);
  item.gold = question.answer;
  item.target = std::to_string(question.answer);
  return item;
}

LoadedItems load_question_file(const LoadRequest& request) {
  LoadedItems loaded;
  loaded.name = label_of(request.data, "questions");
  QuestionFile file = read_question_file(request.data, loaded.name);
  std::vector<Item> examples;
  for (Question& question : file.shots) examples.push_back(to_item(std::move(question)));
  for (const Group& group : select_groups(file.groups, request.only, loaded.name)) {
    ItemGroup& items = loaded.groups.emplace_back();
    items.group = group;
    items.examples = examples;
    items.examples_file = shown_path(request.data) + ": lines with \"shot\": true";
  }
  int64_t place = 0;
  for (Question& question : file.evaluated) {
    const auto group =
        std::ranges::find(loaded.groups, question.group, [](const ItemGroup& g) { return g.group.name; });
    if (group == loaded.groups.end()) continue;
    group->items.push_back(to_item(std::move(question)));
    group->items.back().place = place++;
  }
  return loaded;
}

}  // namespace

TaskFormat question_file_format() {
  TaskFormat format;
  format.name = "jsonl";
  format.version = "1";
  format.default_shots = 0;
  format.metrics = {Metric::acc, Metric::acc_norm};
  format.draws_examples = false;
  format.data_needed = "a file of questions, one JSON object a line (docs/question_format.md)";
  format.load = load_question_file;
  return format;
}

}  // namespace idleheads
