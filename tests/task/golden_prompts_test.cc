// Every prompt of lm-evaluation-harness' goldens: contexts, continuations, right answers. The data sets are
// made again from the rows that the prompts need; IDLEHEADS_GOLDEN and IDLEHEADS_DATA name folders of all
// goldens (prompts/) and whole data sets to compare everything instead.
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "idleheads/model/chat_template.h"
#include "idleheads/task/task.h"
#include "task/test_files.h"

namespace idleheads {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

std::vector<json> json_lines(const fs::path& path) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error("no file " + path.string());
  std::vector<json> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(json::parse(line));
  return lines;
}

std::string read(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// A row that no prompt needs. Each file has its own, because an example equal to the document is dropped.
json filler(const std::string& file) {
  if (file.starts_with("mmlu")) return {file, "a", "b", "c", "d", "A"};
  if (file.starts_with("piqa")) return {{"goal", "g"}, {"sol1", "a"}, {"sol2", "b"}};
  if (file.starts_with("winogrande"))
    return {{"sentence", "A _ " + file}, {"option1", "x"}, {"option2", "y"}, {"answer", "1"}};
  if (file.starts_with("gsm8k")) return {{"question", file}, {"answer", "#### 1"}};
  if (file.starts_with("arc"))
    return {{"id", "i"},
            {"question", "q"},
            {"choices", {{"text", {"a", "b"}}, {"label", {"A", "B"}}}},
            {"answerKey", "A"}};
  return {{"ind", 0},     {"activity_label", "l"},           {"ctx_a", "a"},
          {"ctx_b", "b"}, {"endings", {"1", "2", "3", "4"}}, {"label", 0}};
}

std::string csv_line(const json& fields) {
  std::string line;
  for (std::string field : fields) {
    for (size_t at = 0; (at = field.find('"', at)) != field.npos; at += 2) field.insert(at, 1, '"');
    line += (line.empty() ? "\"" : ",\"") + field + '"';
  }
  return line;
}

class GoldenPrompts : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = std::make_unique<TempFolder>();
    for (const json& file : json_lines(test_data("prompts/rows.jsonl"))) {
      const auto name = file["file"].get<std::string>();
      std::string text, labels;
      for (int64_t row = 0; row < file["rows"]; ++row) {
        const std::string key = std::to_string(row);
        const json fields = file["needed"].contains(key) ? file["needed"][key] : filler(name);
        text += (fields.is_array() ? csv_line(fields) : fields.dump()) + "\n";
        if (file.contains("labels"))
          labels += file["labels"].contains(key) ? file["labels"][key].dump() + "\n" : "0\n";
      }
      folder_->write(name, text);
      if (!labels.empty()) folder_->write("piqa/valid-labels.lst", labels);
    }
  }
  static void TearDownTestSuite() {
    tasks_.clear();
    folder_.reset();
  }

  static bool whole() { return std::getenv("IDLEHEADS_GOLDEN") && std::getenv("IDLEHEADS_DATA"); }
  static fs::path golden() {
    return whole() ? fs::path(std::getenv("IDLEHEADS_GOLDEN")) / "prompts" : fs::path(test_data("prompts"));
  }
  static fs::path data() { return whole() ? fs::path(std::getenv("IDLEHEADS_DATA")) : folder_->path(); }

  // The task that a golden line is of.
  const Task& task_of(const json& line) {
    const auto full = line["task"].get<std::string>();
    const std::string name = full.starts_with("mmlu_") ? "mmlu" : full;
    TaskOptions options;
    if (name != full) options.only = {full.substr(5)};
    options.data = data() / (name.starts_with("arc") ? "arc" : name);
    options.shots = line["num_fewshot"].get<int>();
    std::string key = full + "/" + std::to_string(*options.shots);
    if (line["chat"]) {
      const auto file = line["template"].get<std::string>() + ".jinja";
      const ChatTemplate chat(read(golden() / "templates" / file), {.named = {{"eos_token", "<|im_end|>"}}});
      options.chat = ChatOptions{[chat](const auto& messages) { return chat.render(messages); },
                                 line["fewshot_as_multiturn"]};
      // With a limit, to render little; the examples stay the same.
      options.limit = line["doc_index"].get<double>() + 1;
      key += file + line["fewshot_as_multiturn"].dump() + line["doc_index"].dump();
    }
    const auto [found, is_new] = tasks_.try_emplace(key);
    if (is_new) found->second = load_task(name, options);
    return found->second;
  }

  const Document* find(const json& line) {
    auto group = line["task"].get<std::string>();
    if (group.starts_with("mmlu_")) group = group.substr(5);
    for (const Document& document : task_of(line).documents) {
      if (document.group == group && document.index == line["doc_index"]) return &document;
    }
    return nullptr;
  }

  // How many lines were compared.
  int compare(const std::string& file) {
    int compared = 0;
    for (const json& line : json_lines(golden() / file)) {
      const std::string place =
          file + ": " + line["task"].get<std::string>() + " " + line["doc_index"].dump();
      const Document* document = find(line);
      if (!document) {
        ADD_FAILURE() << place << ": no such document";
        continue;
      }
      ++compared;
      std::vector<std::string> contexts;
      if (line["context"].is_null()) {
        line["contexts"].get_to(contexts);
      } else {
        contexts.push_back(line["context"]);
      }
      EXPECT_EQ(document->contexts, contexts) << place;
      if (line.contains("gen_kwargs")) {
        EXPECT_EQ(document->target, line["gold"].get<std::string>()) << place;
        EXPECT_EQ(task_of(line).generation.until,
                  line["gen_kwargs"]["until"].get<std::vector<std::string>>());
      } else {
        EXPECT_EQ(document->continuations, line["choices"].get<std::vector<std::string>>()) << place;
        EXPECT_EQ(document->gold, line["gold"].get<int>()) << place;
      }
    }
    return compared;
  }

  static inline std::unique_ptr<TempFolder> folder_;
  static inline std::map<std::string, Task> tasks_;
};

TEST_F(GoldenPrompts, AreEqual) {
  EXPECT_EQ(compare("mmlu_5shot.jsonl"), 86);
  EXPECT_EQ(compare("piqa_0shot.jsonl"), 20);
  EXPECT_EQ(compare("gsm8k_5shot.jsonl"), 10);
  EXPECT_EQ(compare("winogrande_5shot.jsonl"), 16);
  EXPECT_EQ(compare("winogrande_0shot.jsonl"), 5);
  EXPECT_EQ(compare("arc_0shot.jsonl"), 15);
  EXPECT_EQ(compare("hellaswag_0shot_subset.jsonl"), 20);
}

TEST_F(GoldenPrompts, AreEqualAsChats) {
  EXPECT_EQ(compare("chat_smollm2.jsonl"), 16);
  EXPECT_EQ(compare("chat_qwen2.5.jsonl"), 16);
}

void expect_pages(const fs::path& data, const fs::path& golden, size_t count) {
  TaskOptions options;
  options.data = data;
  const Task task = load_task("wikitext", options);
  const std::vector<json> pages = json_lines(golden);
  ASSERT_EQ(pages.size(), count);
  ASSERT_EQ(task.documents.size(), count);
  for (size_t i = 0; i < count; ++i) {
    EXPECT_EQ(task.documents[i].contexts, std::vector<std::string>{pages[i]["text"]}) << i;
    EXPECT_EQ(task.documents[i].words, pages[i]["words"]) << i;
    EXPECT_EQ(task.documents[i].bytes, pages[i]["page_bytes"]) << i;
  }
}

TEST_F(GoldenPrompts, PagesOfWikitext) {
  if (whole()) {
    expect_pages(data() / "wikitext2", golden() / "wikitext_docs.jsonl", 62);
  } else {
    expect_pages(test_data("wikitext_small"), test_data("wikitext_small/documents.jsonl"), 4);
  }
}

}  // namespace
}  // namespace idleheads
