// Every task from small files, in its original format and as Parquet, and every way a row can be wrong.
#include "idleheads/model/chat_template.h"
#include "idleheads/task/task.h"
#include "task/test_files.h"

namespace idleheads {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using Strings = std::vector<std::string>;

std::string folder_of(const std::string& task) {
  return task.starts_with("arc_") ? "arc" : task == "wikitext" ? "wikitext2" : task;
}

Task sample(const std::string& task, int shots = 0, const std::string& format = "original") {
  TaskOptions options;
  options.data = test_data("task_samples/" + format + "/" + folder_of(task));
  options.shots = shots;
  return load_task(task, options);
}

// ---- Rows as documents ----

class EveryTask : public testing::TestWithParam<std::string> {};

TEST_P(EveryTask, ParquetGivesTheSameAsTheOriginalFiles) {
  for (const int shots : {0, 2}) {
    if (shots > 0 && GetParam() == "wikitext") continue;
    const Task original = sample(GetParam(), shots), parquet = sample(GetParam(), shots, "parquet");
    EXPECT_EQ(original.fingerprint, parquet.fingerprint);
    ASSERT_EQ(original.documents.size(), parquet.documents.size());
    for (size_t i = 0; i < original.documents.size(); ++i) {
      EXPECT_EQ(original.documents[i].contexts, parquet.documents[i].contexts);
      EXPECT_EQ(original.documents[i].continuations, parquet.documents[i].continuations);
      EXPECT_EQ(original.documents[i].row, parquet.documents[i].row);
    }
  }
}

TEST_P(EveryTask, LimitChangesNoPrompt) {
  TaskOptions options;
  options.data = test_data("task_samples/original/" + folder_of(GetParam()));
  options.shots = GetParam() == "wikitext" ? 0 : 1;
  const Task all = load_task(GetParam(), options);
  options.limit = 1;
  const Task one = load_task(GetParam(), options);
  ASSERT_EQ(one.documents.size(), 1u);
  EXPECT_EQ(one.documents[0].contexts, all.documents[0].contexts);
  EXPECT_EQ(one.groups.at(0).documents, static_cast<int64_t>(all.documents.size()));
}

TEST_P(EveryTask, NoFiles) {
  const TempFolder folder;
  TaskOptions options;
  options.data = folder.path();
  options.shots = 0;
  EXPECT_THAT(error_of<Error>([&] { load_task(GetParam(), options); }), HasSubstr(folder.path().string()));
}

TEST_P(EveryTask, ExamplesThatAreNotThere) {
  if (GetParam() == "wikitext") return;  // takes none
  const TempFolder folder;
  const fs::path source = test_data("task_samples/original/" + folder_of(GetParam()));
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(source)) {
    const std::string name = fs::relative(entry.path(), source).string();
    const bool is_pool =
        name.find("train") != name.npos || name.find("Train") != name.npos || name.starts_with("dev/");
    if (!entry.is_regular_file() || is_pool) continue;
    fs::create_directories((folder.path() / name).parent_path());
    fs::copy_file(entry.path(), folder.path() / name);
  }
  TaskOptions options;
  options.data = folder.path();
  options.shots = 0;
  EXPECT_FALSE(load_task(GetParam(), options).documents.empty());
  options.shots = 1;
  EXPECT_THAT(error_of<Error>([&] { load_task(GetParam(), options); }),
              testing::AnyOf(HasSubstr("train"), HasSubstr("dev/anatomy_dev.csv")));
}

TEST_P(EveryTask, OnlyItselfIsASubject) {
  if (GetParam() == "mmlu") return;  // has subjects
  TaskOptions options;
  options.data = test_data("task_samples/original/" + folder_of(GetParam()));
  options.only = {GetParam()};
  options.shots = 0;
  EXPECT_FALSE(load_task(GetParam(), options).documents.empty());
  options.only = {"anatomy"};
  EXPECT_THAT(error_of<UsageError>([&] { load_task(GetParam(), options); }), HasSubstr("'anatomy'"));
}

INSTANTIATE_TEST_SUITE_P(Tasks, EveryTask,
                         testing::Values("mmlu", "piqa", "winogrande", "gsm8k", "arc_easy", "arc_challenge",
                                         "hellaswag", "wikitext"),
                         [](const auto& of_test) { return of_test.param; });

TEST(Tasks, DefaultsAndMetrics) {
  struct Expected {
    std::string version;
    OutputType output;
    int shots;
    std::vector<Metric> metrics;
  };
  using enum Metric;
  const OutputType choice = OutputType::multiple_choice;
  const std::map<std::string, Expected> table = {
      {"mmlu", {"1.0", choice, 5, {acc}}},
      {"piqa", {"1.0", choice, 0, {acc, acc_norm}}},
      {"winogrande", {"1.0", choice, 0, {acc}}},
      {"gsm8k", {"3.0", OutputType::generate_until, 5, {exact_match_strict, exact_match_flexible}}},
      {"arc_easy", {"1.0", choice, 0, {acc, acc_norm}}},
      {"arc_challenge", {"1.0", choice, 0, {acc, acc_norm}}},
      {"hellaswag", {"1.0", choice, 0, {acc, acc_norm}}},
      {"wikitext",
       {"2.0", OutputType::loglikelihood_rolling, 0, {word_perplexity, byte_perplexity, bits_per_byte}}},
  };
  for (const auto& [name, expected] : table) {
    TaskOptions options;
    options.data = test_data("task_samples/original/" + folder_of(name));
    if (expected.shots == 5) options.shots = 1;  // there are three examples
    const Task task = load_task(name, options);
    EXPECT_EQ(task.name, name);
    EXPECT_EQ(task.version, expected.version) << name;
    EXPECT_EQ(task.output, expected.output) << name;
    EXPECT_EQ(task.metrics, expected.metrics) << name;
    EXPECT_EQ(task.shots, expected.shots == 5 ? 1 : 0) << name;
    if (expected.shots == 5) {
      options.shots.reset();
      EXPECT_THAT(error_of<Error>([&] { load_task(name, options); }), HasSubstr("5 shots")) << name;
    }
  }
}

TEST(Tasks, Piqa) {
  const Task task = sample("piqa");
  EXPECT_EQ(task.documents.at(0).contexts, Strings{"Question: to open a jar\nAnswer:"});
  EXPECT_EQ(task.documents.at(1).contexts, Strings{"Question: \nAnswer:"});
  EXPECT_EQ(task.documents.at(1).continuations, (Strings{"  Pour the café crème", " pour the 茶"}));
  EXPECT_EQ(task.documents.at(1).choices.at(0), " Pour the café crème");
  EXPECT_EQ(task.documents.at(1).gold, 1);
  EXPECT_EQ(task.documents.at(0).row,
            R"({"goal":"to open a jar","sol1":"twist the lid","sol2":"twist the jar's floor","label":0})");
}

TEST(Tasks, Winogrande) {
  const Task task = sample("winogrande");
  const Document& zoe = task.documents.at(1);
  EXPECT_EQ(zoe.contexts, (Strings{"Zoë asked Ann, and Zoë", "Zoë asked Ann, and Ann"}));
  EXPECT_EQ(zoe.continuations, (Strings{" said no.", " said no."}));
  EXPECT_EQ(zoe.target, "said no.");
  EXPECT_EQ(zoe.gold, 1);
  EXPECT_EQ(task.documents.at(2).contexts, (Strings{"He", "She"}));
  EXPECT_EQ(task.documents.at(2).continuations.at(0), " .");
}

TEST(Tasks, Gsm8k) {
  const Task task = sample("gsm8k", 1);
  const Document& document = task.documents.at(2);
  EXPECT_THAT(document.contexts.at(0),
              testing::EndsWith("\n\nQuestion: ¿Cuántos días tiene una semana?\nAnswer:"));
  EXPECT_EQ(document.target, "Siete.\n#### 7");
  EXPECT_TRUE(document.continuations.empty());
  EXPECT_EQ(task.generation.until, (Strings{"Question:", "</s>", "<|im_end|>"}));
  EXPECT_EQ(task.generation.max_new_tokens, 256);
}

TEST(Tasks, Arc) {
  const Document document = sample("arc_challenge").documents.at(1);
  EXPECT_EQ(document.contexts, Strings{"Question: Which is largest?\nAnswer:"});
  EXPECT_EQ(document.choices, (Strings{"a cell", "an atom", "a frog", "Ørsted's house", "a leaf"}));
  EXPECT_EQ(document.gold, 3);
  EXPECT_EQ(document.target, "3");
}

TEST(Tasks, HellaswagIsCleaned) {
  const Task task = sample("hellaswag");
  EXPECT_EQ(task.documents.at(0).contexts, Strings{"Baking: A man stands in a kitchen. He"});
  EXPECT_EQ(task.documents.at(0).choices.at(2), "sings  loudly.");
  EXPECT_EQ(task.documents.at(1).contexts,
            Strings{"Cutting bread: How to cut bread. Take a knife. Any will do."});
  EXPECT_EQ(task.documents.at(1).choices, (Strings{" Cut. Slowly.", "Cut [unclosed", "cut  it", " Eat it."}));
  EXPECT_EQ(task.documents.at(1).continuations.at(0), "  Cut. Slowly.");
  EXPECT_EQ(task.documents.at(2).contexts, Strings{"Skiing: A hill is seen. Étienne and ann"});
}

TEST(Tasks, WikitextPages) {
  const Task task = sample("wikitext");
  ASSERT_EQ(task.documents.size(), 2u);
  EXPECT_EQ(task.documents.at(0).contexts, Strings{" = First page =\n\nSome text, with a word-mark and 3.5 "
                                                   "(numbers).\n== Part ==\nIt's \"quoted\". "});
  EXPECT_EQ(task.documents.at(1).contexts, Strings{" = Second page =\n\nGröße of 4°C; 1 = 1\n"});
  EXPECT_EQ(task.documents.at(0).continuations, Strings{});
}

// ---- What cannot be ----

TEST(Tasks, WholeTextsTakeNoExamples) {
  EXPECT_EQ(error_of<UsageError>([] { sample("wikitext", 3); }),
            "3 shots: task wikitext scores whole texts and takes none");
}

TEST(Tasks, ChatWithoutMessagesIsAnError) {
  TaskOptions options;
  options.data = test_data("task_samples/original/winogrande");
  std::ifstream file(test_data("prompts/templates/qwen2.5.jinja"));
  const ChatTemplate chat({std::istreambuf_iterator<char>(file), {}},
                          {.named = {{"eos_token", "<|im_end|>"}}});
  options.chat = ChatOptions{[&](const auto& messages) { return chat.render(messages); }, true};
  EXPECT_THAT(error_of<Error>([&] { load_task("winogrande", options); }),
              HasSubstr("document 0 of winogrande: chat template: "));
}

class BadRows : public testing::Test {
 protected:
  // The message about `file` with a good first line and `line` as its second, without the folder's name.
  std::string error(const std::string& task, const std::string& file, const std::string& good,
                    const std::string& line) {
    folder_.write(file, good + "\n" + line + "\n");
    TaskOptions options;
    options.data = folder_.path();
    options.shots = 0;
    const std::string message = error_of<Error>([&] { load_task(task, options); });
    const std::string prefix = (folder_.path() / file).string();
    EXPECT_THAT(message, testing::StartsWith(prefix + ":2: "));
    return message.substr(std::min(message.size(), prefix.size() + 4));
  }

  const TempFolder folder_;
};

TEST_F(BadRows, ExamplesSayWhatTheyAreFor) {
  folder_.write("test.jsonl", R"({"question": "q", "answer": "#### 1"})");
  TaskOptions options;
  options.data = folder_.path();
  EXPECT_EQ(
      error_of<Error>([&] { load_task("gsm8k", options); }),
      folder_.path().string() +
          ": no train.jsonl or main/train-*.parquet in the folder; found test.jsonl (few-shot examples are "
          "of this split; --shots 0 needs none)");
}

TEST_F(BadRows, FoldersThatAreNone) {
  const auto error_with = [](const fs::path& data) {
    TaskOptions options;
    options.data = data;
    return error_of<Error>([&] { load_task("piqa", options); });
  };
  const fs::path file = folder_.write("valid.jsonl", "");
  EXPECT_EQ(error_with(file), file.string() + ": a file, expected the folder of a task's data");
  EXPECT_EQ(error_with(folder_.path() / "none"),
            (folder_.path() / "none").string() + ": there is no such folder of data");
}

TEST_F(BadRows, Piqa) {
  const std::string good = R"({"goal": "g", "sol1": "a", "sol2": "b"})";
  folder_.write("valid-labels.lst", "0\n1\n");
  const auto error_in = [&](const std::string& line) { return error("piqa", "valid.jsonl", good, line); };
  EXPECT_EQ(error_in(R"({"goal": "g", "sol1": "a"})"), "no field 'sol2'");
  EXPECT_EQ(error_in(R"({"goal": 3, "sol1": "a", "sol2": "b"})"), "goal is a number, expected a text");
  EXPECT_EQ(error_in(R"({"goal": "g", "sol1": "", "sol2": "b"})"), "sol1 is empty");
  EXPECT_EQ(error_in(R"(["goal"])"), "array, expected an object {...}");
  EXPECT_NE(error_in(R"({"goal": "g")"), "");
}

TEST_F(BadRows, LabelsOfPiqa) {
  const std::string row = R"({"goal": "g", "sol1": "a", "sol2": "b"})";
  folder_.write("valid.jsonl", row + "\n" + row + "\n");
  TaskOptions options;
  options.data = folder_.path();
  const std::string labels = (folder_.path() / "valid-labels.lst").string();
  const auto error_with = [&](const std::string& text) {
    folder_.write("valid-labels.lst", text);
    return error_of<Error>([&] { load_task("piqa", options); });
  };
  EXPECT_EQ(error_with("0\n2\n"), labels + ":2: label '2', expected 0 or 1");
  EXPECT_EQ(error_with("0\n\n"), labels + ":2: label '', expected 0 or 1");
  EXPECT_EQ(error_with("0\n"), labels + ": 1 labels, but 2 questions in valid.jsonl");
  EXPECT_EQ(error_with("0\n1\n1"), labels + ": 3 labels, but 2 questions in valid.jsonl");
  fs::remove(labels);
  EXPECT_THAT(error_of<Error>([&] { load_task("piqa", options); }), HasSubstr(labels));
}

TEST_F(BadRows, Winogrande) {
  const std::string good = R"({"sentence": "A _ b.", "option1": "x", "option2": "y", "answer": "1"})";
  const auto error_in = [&](const std::string& line) { return error("winogrande", "dev.jsonl", good, line); };
  EXPECT_EQ(error_in(R"({"sentence": "A b.", "option1": "x", "option2": "y", "answer": "1"})"),
            "the sentence needs exactly one _");
  EXPECT_EQ(error_in(R"({"sentence": "_ a _", "option1": "x", "option2": "y", "answer": "1"})"),
            "the sentence needs exactly one _");
  EXPECT_EQ(error_in(R"({"sentence": "A _ b.", "option1": "x", "option2": "", "answer": "1"})"),
            "option2 is empty");
  EXPECT_EQ(error_in(R"({"sentence": "A _ b.", "option1": "x", "option2": "y", "answer": "3"})"),
            "answer '3', expected 1 or 2");
  EXPECT_EQ(error_in(R"({"sentence": "A _ b.", "option1": "x", "option2": "y", "answer": 1})"),
            "answer is a number, expected a text");
}

TEST_F(BadRows, Gsm8k) {
  const std::string good = R"({"question": "q", "answer": "#### 1"})";
  const auto error_in = [&](const std::string& line) { return error("gsm8k", "test.jsonl", good, line); };
  EXPECT_EQ(error_in(R"({"question": "q"})"), "no field 'answer'");
  EXPECT_EQ(error_in(R"({"question": null, "answer": "1"})"), "question is a null, expected a text");
}

TEST_F(BadRows, Arc) {
  const std::string good =
      R"({"question": "q", "choices": {"text": ["a", "b"], "label": ["A", "B"]}, "answerKey": "A"})";
  const auto error_in = [&](const std::string& choices, const std::string& key) {
    return error("arc_easy", "arc_easy_test.jsonl", good,
                 R"({"question": "q", "choices": )" + choices + R"(, "answerKey": ")" + key + "\"}");
  };
  EXPECT_EQ(error_in(R"({"text": ["a", "b"], "label": ["A", "B"]})", "C"),
            "answerKey 'C' is none of the labels");
  EXPECT_EQ(error_in(R"({"text": ["a"], "label": ["A", "B"]})", "A"), "1 choices and 2 labels");
  EXPECT_EQ(error_in(R"({"text": [], "label": []})", "A"), "0 choices and 0 labels");
  EXPECT_EQ(error_in(R"({"text": ["a", ""], "label": ["A", "B"]})", "A"), "choice 1 is empty");
  EXPECT_EQ(error_in(R"({"text": ["a", 1], "label": ["A", "B"]})", "A"),
            "text has a number in it, expected texts");
  EXPECT_EQ(error_in(R"(["a", "b"])", "A"), "choices is a array, expected an object");
  EXPECT_EQ(error("arc_easy", "arc_easy_test.jsonl", good,
                  R"({"question": {"stem": "q", "choices": ["a"]}, "answerKey": "A"})"),
            "choices has a string in it, expected objects");
}

TEST_F(BadRows, Hellaswag) {
  const std::string fields = R"({"activity_label": "l", "ctx_a": "a", "ctx_b": "b", "endings": )";
  const auto error_in = [&](const std::string& endings, const std::string& label) {
    return error("hellaswag", "hellaswag_val.jsonl", fields + R"(["1", "2", "3", "4"], "label": 0})",
                 fields + endings + ", \"label\": " + label + "}");
  };
  EXPECT_EQ(error_in(R"(["1", "2", "3", "4"])", "4"), "label 4, expected 0 to 3");
  EXPECT_EQ(error_in(R"(["1", "2", "3", "4"])", "-1"), "label -1, expected 0 to 3");
  EXPECT_EQ(error_in(R"(["1", "2", "3", "4"])", "\"\""), "label is \"\", expected a whole number");
  EXPECT_EQ(error_in(R"(["1", "2", "3", "4"])", "1.5"), "label is 1.5, expected a whole number");
  EXPECT_EQ(error_in(R"(["1", "2", "3"])", "0"), "3 endings, expected 4");
  EXPECT_EQ(error_in(R"(["1", "[x]", "3", "4"])", "0"), "an ending is empty");
  EXPECT_EQ(error_in(R"("1")", "0"), "endings is a string, expected a list of texts");
}

TEST_F(BadRows, Wikitext) {
  const auto error_with = [&](const std::string& text) {
    const std::string file = folder_.write("wiki.test.raw", text).string();
    TaskOptions options;
    options.data = folder_.path();
    const std::string message = error_of<Error>([&] { load_task("wikitext", options); });
    EXPECT_THAT(message, testing::StartsWith(file + ": "));
    return message.substr(std::min(message.size(), file.size() + 2));
  };
  EXPECT_EQ(error_with(""), "no pages in the file");
  EXPECT_EQ(error_with(" \n \n"), "no pages in the file");
  EXPECT_EQ(error_with(" = A = \n\xff\n"), "byte 8 is not UTF-8");
}

// Marks without end are read in one pass.
TEST_F(BadRows, LongLinesOfMarks) {
  const std::string marks(300000, '['), quotes(300000, '"'), slashes = "/' /' /' /'";
  folder_.write("hellaswag_val.jsonl",
                R"({"activity_label": "l", "ctx_a": ")" + marks +
                    R"(", "ctx_b": "b", "endings": ["1", "2", "3", "4"], "label": 0})");
  folder_.write("wiki.test.raw", " = A = \n" + marks + std::string(300000, '(') + quotes + slashes);
  TaskOptions options;
  options.data = folder_.path();
  EXPECT_THAT(load_task("hellaswag", options).documents.at(0).contexts.at(0), HasSubstr(marks));
  EXPECT_THAT(load_task("wikitext", options).documents.at(0).contexts.at(0), HasSubstr(marks));
}

}  // namespace
}  // namespace idleheads
