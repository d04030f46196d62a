// WinoGrande, by partial evaluation: which of two beginnings makes the rest of the sentence likelier.
#include "task/one_group.h"
#include "task/row_json.h"
#include "task/unicode.h"

namespace idleheads {
namespace {

Item winogrande_item(const Row& row) {
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

DatasetSplit split(const char* name, std::vector<std::string> original) {
  return {{"allenai/winogrande", "winogrande"},
          "winogrande_xl",
          name,
          std::move(original),
          {"sentence", "option1", "option2", "answer"}};
}

}  // namespace

TaskFormat winogrande_format() {
  TaskFormat format;
  format.name = "winogrande";
  format.version = "1.0";
  format.metrics = {Metric::acc};
  format.draws_one_more = true;
  format.choices_are_contexts = true;
  format.harness_config = [](const Group&) {
    return R"({"dataset_path": "winogrande", "dataset_name": "winogrande_xl",
        "dataset_kwargs": {"trust_remote_code": true},
        "training_split": "train", "validation_split": "validation",
        "doc_to_text": "<function>", "doc_to_target": "<function>", "doc_to_choice": "<function>",
        "should_decontaminate": true, "doc_to_decontamination_query": "sentence"})";
  };
  use_splits(format, split("validation", {"validation.jsonl", "dev.jsonl"}),
             split("train", {"train_xl.jsonl", "train.jsonl"}), each_row(winogrande_item));
  return format;
}

}  // namespace idleheads
