// WinoGrande, by partial evaluation: which of two beginnings makes the rest of the sentence likelier.
#include "task/dataset.h"
#include "task/formats.h"
#include "task/row_json.h"
#include "task/unicode.h"

namespace idleheads {
namespace {

Item to_item(const Row& row) {
  const std::string &sentence = row.text("sentence"), &answer = row.text("answer");
  const size_t blank = sentence.find('_');
  if (blank == sentence.npos || sentence.find('_', blank + 1) != sentence.npos)
    row.fail_here("the sentence needs exactly one _");
  if (answer != "1" && answer != "2") row.fail_here("answer '{}', expected 1 or 2", printable(answer));
  for (const char* option : {"option1", "option2"}) {
    if (row.text(option).empty()) row.fail_here("{} is empty", option);
  }
  const std::string before = sentence.substr(0, blank);
  Item item;
  item.choices = {before + row.text("option1"), before + row.text("option2")};
  item.gold = answer == "2";
  item.answer = strip(std::string_view(sentence).substr(blank + 1));
  item.target = item.answer;
  item.row = row_text({{"sentence", sentence},
                       {"option1", row.text("option1")},
                       {"option2", row.text("option2")},
                       {"answer", answer}});
  return item;
}

std::vector<Item> read_items(const std::string& split, std::vector<std::string> names,
                             const LoadRequest& request) {
  const DatasetSplit where = {{"allenai/winogrande", "winogrande"}, "winogrande_xl", split, std::move(names)};
  std::vector<Item> items;
  for (const Row& row : read_split(where, request.data)) items.push_back(to_item(row));
  return items;
}

LoadedItems load(const LoadRequest& request) {
  refuse_subjects(request.only, "winogrande");
  ItemGroup group;
  group.group.name = "winogrande";
  group.items = read_items("validation", {"validation.jsonl", "dev.jsonl"}, request);
  if (request.examples) group.examples = read_items("train", {"train_xl.jsonl", "train.jsonl"}, request);
  group.examples_file = "winogrande's training split";
  return {{std::move(group)}, ""};
}

}  // namespace

TaskFormat winogrande_format() {
  TaskFormat format;
  format.name = "winogrande";
  format.version = "1.0";
  format.metrics = {Metric::acc};
  format.draws_one_more = true;
  format.choices_are_contexts = true;
  format.load = load;
  return format;
}

}  // namespace idleheads
