// ARC, easy and challenge: science questions with 3 to 5 answers, scored as texts.
#include <algorithm>

#include "task/one_group.h"
#include "task/row_json.h"

namespace idleheads {
namespace {

struct Question {
  std::string text;
  std::vector<std::string> choices, labels;
};

// Hugging Face has lists of texts and labels; the original files a list of choices within the question.
Question read_question(const Row& row) {
  if (!row.field("question").is_object()) {
    const Row choices = row.object("choices");
    return {row.text("question"), choices.texts("text"), choices.texts("label")};
  }
  const Row nested = row.object("question");
  Question question = {nested.text("stem"), {}, {}};
  for (const Row& choice : nested.objects("choices")) {
    question.choices.push_back(choice.text("text"));
    question.labels.push_back(choice.text("label"));
  }
  return question;
}

Item arc_item(const Row& row) {
  const auto [question, choices, labels] = read_question(row);
  const std::string& key = row.text("answerKey");
  Item item;
  item.text = "Question: " + question + "\nAnswer:";
  item.choices = choices;
  if (item.choices.size() != labels.size() || item.choices.empty())
    row.fail_here("{} choices and {} labels", item.choices.size(), labels.size());
  for (size_t j = 0; j < labels.size(); ++j) {
    if (item.choices[j].empty()) row.fail_here("choice {} is empty", j);
  }
  const auto found = std::ranges::find(labels, key);
  if (found == labels.end()) row.fail_here("answerKey '{}' is none of the labels", printable(key));
  item.gold = static_cast<int>(found - labels.begin());
  item.answer = item.choices[static_cast<size_t>(item.gold)];
  item.target = std::to_string(item.gold);
  item.row = row_text({{"id", row.has("id") ? OrderedJson(row.field("id")) : OrderedJson("")},
                       {"question", question},
                       {"choices", {{"text", item.choices}, {"label", labels}}},
                       {"answerKey", key}});
  return item;
}

// `config` as Hugging Face has it, ARC-Easy; the original files are arc_easy_test.jsonl or
// ARC-Easy-Test.jsonl.
TaskFormat arc_format(const std::string& name, const std::string& config) {
  const auto split = [&](const std::string& split_name, const std::string& capitalised) -> DatasetSplit {
    return {{"allenai/ai2_arc", "ai2_arc"},
            config,
            split_name,
            {name + "_" + split_name + ".jsonl", config + "-" + capitalised + ".jsonl"},
            {"id", "question", "choices", "answerKey"}};
  };
  TaskFormat format;
  format.name = name;
  format.version = "1.0";
  format.metrics = {Metric::acc, Metric::acc_norm};
  format.harness_config = [config](const Group&) {
    OrderedJson out = OrderedJson::parse(R"({"tag": ["ai2_arc"], "dataset_path": "allenai/ai2_arc",
        "dataset_name": "", "training_split": "train", "validation_split": "validation", "test_split": "test",
        "doc_to_text": "Question: {{question}}\nAnswer:",
        "doc_to_target": "{{choices.label.index(answerKey)}}", "doc_to_choice": "{{choices.text}}",
        "should_decontaminate": true, "doc_to_decontamination_query": "Question: {{question}}\nAnswer:"})");
    out["dataset_name"] = config;
    return row_text(out);
  };
  use_splits(format, split("test", "Test"), split("train", "Train"), each_row(arc_item));
  return format;
}

}  // namespace

TaskFormat arc_easy_format() { return arc_format("arc_easy", "ARC-Easy"); }
TaskFormat arc_challenge_format() { return arc_format("arc_challenge", "ARC-Challenge"); }

}  // namespace idleheads
