// GSM8K: the model writes its way to a number.
#include "task/one_group.h"
#include "task/row_json.h"

namespace idleheads {
namespace {

Item to_item(const Row& row) {
  Item item;
  item.text = "Question: " + row.text("question") + "\nAnswer:";
  item.answer = item.target = row.text("answer");
  item.row = row_text({{"question", row.text("question")}, {"answer", row.text("answer")}});
  return item;
}

DatasetSplit split(const std::string& name) {
  return {{"openai/gsm8k", "gsm8k"}, "main", name, {name + ".jsonl"}};
}

}  // namespace

TaskFormat gsm8k_format() {
  TaskFormat format;
  format.name = "gsm8k";
  format.version = "3.0";
  format.output = OutputType::generate_until;
  format.default_shots = 5;
  format.metrics = {Metric::exact_match_strict, Metric::exact_match_flexible};
  format.generation = {{"Question:", "</s>", "<|im_end|>"}, 256};
  format.load = load_one_group("gsm8k", split("test"), split("train"), each_row(to_item));
  return format;
}

}  // namespace idleheads
