// GSM8K: the model writes its way to a number.
#include "task/dataset.h"
#include "task/formats.h"
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

std::vector<Item> read_items(const std::string& split, const LoadRequest& request) {
  const DatasetSplit where = {{"openai/gsm8k", "gsm8k"}, "main", split, {split + ".jsonl"}};
  std::vector<Item> items;
  for (const Row& row : read_split(where, request.data)) items.push_back(to_item(row));
  return items;
}

LoadedItems load(const LoadRequest& request) {
  refuse_subjects(request.only, "gsm8k");
  ItemGroup group;
  group.group.name = "gsm8k";
  group.items = read_items("test", request);
  if (request.examples) group.examples = read_items("train", request);
  group.examples_file = "gsm8k's training split";
  return {{std::move(group)}, ""};
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
  format.load = load;
  return format;
}

}  // namespace idleheads
