// HellaSwag: which of four ends goes on with a description.
#include "strings/regex.h"
#include "task/letter_case.h"
#include "task/one_group.h"
#include "task/row_json.h"
#include "task/unicode.h"

namespace idleheads {
namespace {

// The harness' clean-up of WikiHow's marks.
std::string clean(std::string_view raw) {
  static const Regex brackets(R"(\[.*?\])");
  return replaced(brackets.replaced(replaced(strip(raw), " [title]", ". "), ""), "  ", " ");
}

Item hellaswag_item(const Row& row) {
  const std::vector<std::string> endings = row.texts("endings");
  const int64_t label = row.integer("label");
  if (endings.size() != 4) row.fail_here("{} endings, expected 4", endings.size());
  if (label < 0 || label > 3) row.fail_here("label {}, expected 0 to 3", label);
  Item item;
  item.text =
      clean(row.text("activity_label") + ": " + row.text("ctx_a") + " " + capitalize(row.text("ctx_b")));
  for (const std::string& ending : endings) {
    item.choices.push_back(clean(ending));
    if (item.choices.back().empty()) row.fail_here("an ending is empty");
  }
  item.gold = static_cast<int>(label);
  item.answer = item.choices[static_cast<size_t>(label)];
  item.target = std::to_string(label);
  OrderedJson out;
  for (const char* field :
       {"ind", "activity_label", "ctx_a", "ctx_b", "ctx", "endings", "source_id", "split", "split_type"}) {
    if (row.has(field)) out[field] = row.field(field);
  }
  out["label"] = item.target;
  out["query"] = item.text;
  out["choices"] = item.choices;
  out["gold"] = label;
  item.row = row_text(out);
  return item;
}

DatasetSplit split(const char* name, std::vector<std::string> original) {
  return {{"Rowan/hellaswag", "hellaswag"},
          "default",
          name,
          std::move(original),
          {"ind", "activity_label", "ctx_a", "ctx_b", "ctx", "endings", "source_id", "split", "split_type",
           "label"}};
}

}  // namespace

TaskFormat hellaswag_format() {
  TaskFormat format;
  format.name = "hellaswag";
  format.version = "1.0";
  format.metrics = {Metric::acc, Metric::acc_norm};
  format.draws_one_more = true;
  format.harness_config = [](const Group&) {
    return R"({"tag": ["multiple_choice"], "dataset_path": "hellaswag",
        "dataset_kwargs": {"trust_remote_code": true},
        "training_split": "train", "validation_split": "validation", "process_docs": "<function>",
        "doc_to_text": "{{query}}", "doc_to_target": "{{label}}", "doc_to_choice": "choices"})";
  };
  use_splits(format, split("validation", {"hellaswag_val.jsonl", "hellaswag_val_subset1000.jsonl"}),
             split("train", {"hellaswag_train.jsonl"}), each_row(hellaswag_item));
  return format;
}

}  // namespace idleheads
