// GSM8K: the model writes its way to a number.
#include "task/one_group.h"
#include "task/row_json.h"

namespace idleheads {
namespace {

Item gsm8k_item(const Row& row) {
  Item item;
  item.text = "Question: " + row.text("question") + "\nAnswer:";
  item.answer = item.target = row.text("answer");
  item.row = row_text({{"question", row.text("question")}, {"answer", row.text("answer")}});
  return item;
}

DatasetSplit split(const std::string& name) {
  return {{"openai/gsm8k", "gsm8k"}, "main", name, {name + ".jsonl"}, {"question", "answer"}};
}

// analysis/exact_match.h does what the filters and the metric say here.
constexpr const char* kHarnessConfig = R"json({"tag": ["math_word_problems"],
    "dataset_path": "gsm8k", "dataset_name": "main",
    "training_split": "train", "test_split": "test", "fewshot_split": "train",
    "doc_to_text": "Question: {{question}}\nAnswer:", "doc_to_target": "{{answer}}",
    "metric_list": [{"metric": "exact_match", "aggregation": "mean", "higher_is_better": true,
        "ignore_case": true, "ignore_punctuation": false,
        "regexes_to_ignore": [",", "\\$", "(?s).*#### ", "\\.$"]}],
    "filter_list": [
        {"name": "strict-match", "filter": [
            {"function": "regex", "regex_pattern": "#### (\\-?[0-9\\.\\,]+)"}, {"function": "take_first"}]},
        {"name": "flexible-extract", "filter": [
            {"function": "regex", "group_select": -1,
             "regex_pattern": "(-?[$0-9.,]{2,})|(-?[0-9]+)"}, {"function": "take_first"}]}]})json";

}  // namespace

TaskFormat gsm8k_format() {
  TaskFormat format;
  format.name = "gsm8k";
  format.version = "3.0";
  format.output = OutputType::generate_until;
  format.default_shots = 5;
  format.metrics = {Metric::exact_match_strict, Metric::exact_match_flexible};
  format.generation = {{"Question:", "</s>", "<|im_end|>"}, 256};
  format.harness_config = [](const Group&) { return kHarnessConfig; };
  use_splits(format, split("test"), split("train"), each_row(gsm8k_item));
  return format;
}

}  // namespace idleheads
