// PIQA: the original valid.jsonl with a file of labels beside it, or rows that have their labels.
#include <algorithm>

#include "base/mapped_file.h"
#include "task/one_group.h"
#include "task/row_json.h"

namespace idleheads {
namespace {

namespace fs = std::filesystem;

// One label a line.
std::vector<int64_t> read_labels(const fs::path& path) {
  const std::string file = shown_path(path);
  const std::string text = read_text_file(path);
  std::vector<int64_t> labels;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    std::string_view line = std::string_view(text).substr(at, end - at);
    at = end + 1;
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line != "0" && line != "1")
      fail("{}:{}: label '{}', expected 0 or 1", file, labels.size() + 1, printable(line));
    labels.push_back(line == "1");
  }
  return labels;
}

Item piqa_item(const Row& row, int64_t label) {
  Item item;
  item.text = "Question: " + row.text("goal") + "\nAnswer:";
  item.choices = {row.text("sol1"), row.text("sol2")};
  for (const char* solution : {"sol1", "sol2"}) {
    if (row.text(solution).empty()) row.fail_here("{} is empty", solution);
  }
  if (label != 0 && label != 1) row.fail_here("label {}, expected 0 or 1", label);
  item.gold = static_cast<int>(label);
  item.answer = item.choices[static_cast<size_t>(label)];
  item.target = std::to_string(label);
  item.row = row_text(
      {{"goal", row.text("goal")}, {"sol1", row.text("sol1")}, {"sol2", row.text("sol2")}, {"label", label}});
  return item;
}

// The name of the original's file of labels: "valid-labels.lst" of "valid.jsonl".
std::string labels_of(const fs::path& original) { return original.stem().string() + "-labels.lst"; }

DatasetSplit split(const char* name, const char* original) {
  return {{"ybisk/piqa", "piqa", "baber/piqa"},
          "plain_text",
          name,
          {original},
          {"goal", "sol1", "sol2", "label"},
          false,
          {labels_of(original)}};
}

// The original valid.jsonl has its labels in valid-labels.lst.
std::vector<Item> read_items(const DatasetSplit& split, const fs::path& data) {
  const fs::path file = find_split(split, data).front();
  const std::vector<Row> rows = read_split(split, data);
  std::vector<Item> items;
  if (file.extension() == ".parquet" || rows.front().has("label")) {
    for (const Row& row : rows) items.push_back(piqa_item(row, row.integer("label")));
    return items;
  }
  const fs::path labels_file = file.parent_path() / labels_of(file);
  const std::vector<int64_t> labels = read_labels(labels_file);
  if (labels.size() != rows.size()) {
    fail("{}: {} labels, but {} questions in {}", shown_path(labels_file), labels.size(), rows.size(),
         file.filename().string());
  }
  for (size_t i = 0; i < rows.size(); ++i) items.push_back(piqa_item(rows[i], labels[i]));
  return items;
}

}  // namespace

TaskFormat piqa_format() {
  TaskFormat format;
  format.name = "piqa";
  format.version = "1.0";
  format.metrics = {Metric::acc, Metric::acc_norm};
  format.draws_one_more = true;
  format.harness_config = [](const Group&) {
    return R"({"dataset_path": "piqa", "dataset_kwargs": {"trust_remote_code": true},
        "training_split": "train", "validation_split": "validation",
        "doc_to_text": "Question: {{goal}}\nAnswer:", "doc_to_target": "label",
        "doc_to_choice": "{{[sol1, sol2]}}", "should_decontaminate": true,
        "doc_to_decontamination_query": "goal"})";
  };
  use_splits(format, split("validation", "valid.jsonl"), split("train", "train.jsonl"), read_items);
  return format;
}

}  // namespace idleheads
