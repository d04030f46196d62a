// Every task from every layout in which people have its data: the same documents as from the usual one.
#include <map>

#include "format/parquet.h"
#include "format/records.h"
#include "idleheads/task/task.h"
#include "task/test_files.h"

namespace idleheads {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

struct Layout {
  const char* name;
  // Where a split's file goes.
  std::string (*place)(const std::string& config, const std::string& dataset, const std::string& split);
};

constexpr Layout kLayouts[] = {
    {"Hash", [](auto& config, auto&,
                auto& split) { return config + "/" + split + "-00000-of-00001-0a1b2c3d4e5f6789.parquet"; }},
    {"FolderOfSplit",
     [](auto& config, auto&, auto& split) { return config + "/" + split + "/00000-of-00001.parquet"; }},
    {"Converted", [](auto& config, auto&, auto& split) { return config + "/" + split + "/0000.parquet"; }},
    {"NameOfDataset", [](auto& config, auto& dataset,
                         auto& split) { return config + "/" + dataset + "-" + split + ".parquet"; }},
    {"Data", [](auto&, auto&, auto& split) { return "data/" + split + "-00000-of-00001.parquet"; }},
    {"ToJson", [](auto&, auto&, auto& split) { return split + ".jsonl"; }},
};

struct Source {
  std::string folder, dataset;  // in tests/data/task_samples/parquet; as its repository is called
};
const std::map<std::string, Source> kSources = {
    {"arc_easy", {"arc/ARC-Easy", "ai2_arc"}},
    {"arc_challenge", {"arc/ARC-Challenge", "ai2_arc"}},
    {"gsm8k", {"gsm8k/main", "gsm8k"}},
    {"hellaswag", {"hellaswag/data", "hellaswag"}},
    {"piqa", {"piqa/plain_text", "piqa"}},
    {"winogrande", {"winogrande/winogrande_xl", "winogrande"}},
    {"wikitext", {"wikitext2/wikitext-2-raw-v1", "wikitext_document_level"}}};

class EveryLayout : public testing::TestWithParam<std::tuple<std::string, Layout>> {};

TEST_P(EveryLayout, GivesTheSameDocuments) {
  const auto& [name, layout] = GetParam();
  const Source& source = kSources.at(name);
  const fs::path folder = test_data("task_samples/parquet/" + source.folder);
  const TempFolder other;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string file = entry.path().filename().string(), split = file.substr(0, file.find('-'));
    std::string config = folder.filename().string();
    if (config == "data") config = "default";
    const fs::path target = other.path() / layout.place(config, source.dataset, split);
    fs::create_directories(target.parent_path());
    if (target.extension() == ".parquet") {
      fs::copy_file(entry.path(), target);
      continue;
    }
    std::ofstream lines(target);
    read_parquet(entry.path(), {}, [&](std::string_view row) { lines << row << '\n'; });
  }
  TaskOptions options;
  options.data = folder.parent_path();
  options.shots = name == "wikitext" ? 0 : 2;
  const Task expected = load_task(name, options);
  options.data = other.path();
  const Task found = load_task(name, options);
  EXPECT_EQ(found.fingerprint, expected.fingerprint);
  ASSERT_EQ(found.documents.size(), expected.documents.size());
  for (size_t i = 0; i < found.documents.size(); ++i)
    EXPECT_EQ(found.documents[i].contexts, expected.documents[i].contexts);
}

INSTANTIATE_TEST_SUITE_P(Tasks, EveryLayout,
                         testing::Combine(testing::Values("arc_easy", "arc_challenge", "gsm8k", "hellaswag",
                                                          "piqa", "winogrande", "wikitext"),
                                          testing::ValuesIn(kLayouts)),
                         [](const auto& test) {
                           return std::get<0>(test.param) + "_" + std::get<1>(test.param).name;
                         });

// ---- MMLU with all subjects in one table ----

class MmluTable : public testing::Test {
 protected:
  static Task load(const fs::path& data, const std::vector<std::string>& only = {}, int shots = 2) {
    TaskOptions options;
    options.data = data;
    options.shots = shots;
    options.only = only;
    return load_task("mmlu", options);
  }
  // The table's rows as a CSV file a subject.
  void write_csv() const {
    for (const char* split : {"test", "dev"}) {
      std::map<std::string, std::string> files;
      for (const Record& record :
           read_records(table_ / "all" / (std::string(split) + "-00000-of-00001.parquet"))) {
        const Json& row = record.value;
        std::string& file = files[row["subject"]];
        file += row["question"].get<std::string>();
        for (const Json& choice : row["choices"]) file += "," + choice.get<std::string>();
        file += std::string(",") + "ABCD"[row["answer"].get<size_t>()] + "\n";
      }
      for (const auto& [subject, text] : files)
        folder_.write(std::string("csv/") + split + "/" + subject + "_" + split + ".csv", text);
    }
  }

  const fs::path table_ = test_data("mmlu_all");
  const TempFolder folder_;
};

TEST_F(MmluTable, PromptsAreThoseOfAFileForEachSubject) {
  write_csv();
  const Task csv = load(folder_.path() / "csv");
  ASSERT_EQ(csv.documents.size(), 9u);
  fs::create_directories(folder_.path() / "data");
  fs::copy(table_ / "all", folder_.path() / "data/all");
  for (const fs::path& data : {table_, table_ / "all", folder_.path()}) {
    SCOPED_TRACE(data);
    const Task table = load(data);
    EXPECT_EQ(table.fingerprint, csv.fingerprint);
    ASSERT_EQ(table.documents.size(), csv.documents.size());
    for (size_t i = 0; i < csv.documents.size(); ++i) {
      EXPECT_EQ(table.documents[i].group, csv.documents[i].group);
      EXPECT_EQ(table.documents[i].index, csv.documents[i].index);
      EXPECT_EQ(table.documents[i].contexts, csv.documents[i].contexts);
      EXPECT_EQ(table.documents[i].gold, csv.documents[i].gold);
      EXPECT_EQ(table.documents[i].row, csv.documents[i].row);
    }
  }
}

TEST_F(MmluTable, OneSubjectOfIt) {
  const Task task = load(table_, {"anatomy"}, 1);
  ASSERT_EQ(task.documents.size(), 3u);
  EXPECT_THAT(
      task.documents[1].contexts.at(0),
      HasSubstr(
          "about anatomy.\n\nItem 0 of anatomy?\nA. w\nB. x\nC. y\nD. z\nAnswer: A\n\nItem 1 of anatomy?"));
  EXPECT_THAT(error_of<Error>([&] { load(table_, {"astronomy"}); }),
              HasSubstr("all/test-00000-of-00001.parquet: no test questions of 'astronomy' there"));
}

TEST_F(MmluTable, FromTheCache) {
  const fs::path repository = folder_.path() / "datasets--cais--mmlu";
  folder_.write("datasets--cais--mmlu/refs/main", "0123");
  fs::create_directories(repository / "snapshots/0123");
  fs::copy(table_ / "all", repository / "snapshots/0123/all");
  setenv("HF_HUB_CACHE", folder_.path().c_str(), 1);
  EXPECT_EQ(load("", {"virology"}).documents.size(), 3u);
  // The cache has the whole data set, or it is not right.
  EXPECT_THAT(error_of<Error>([&] { load(""); }), HasSubstr("no test questions of "));
  fs::remove_all(repository / "snapshots/0123/all");
  folder_.write("datasets--cais--mmlu/snapshots/0123/README.md", "");
  EXPECT_THAT(
      error_of<Error>([&] { load("", {"virology"}); }),
      HasSubstr(
          "looked for virology/test-*.parquet or test.jsonl of cais/mmlu or hails/mmlu_no_train in the"));
  unsetenv("HF_HUB_CACHE");
}

TEST_F(MmluTable, JsonLinesAndWrongSubjects) {
  const std::string row =
      R"({"question": "q", "subject": "anatomy", "choices": ["1", "2", "3", "4"], "answer": 2})";
  folder_.write("test.jsonl", row + "\n");
  EXPECT_EQ(load(folder_.path(), {}, 0).documents.at(0).gold, 2);
  std::string wrong = row;
  wrong.replace(wrong.find("anatomy"), 7, "anatomie");
  folder_.write("test.jsonl", row + "\n" + wrong + "\n");
  EXPECT_THAT(error_of<Error>([&] { load(folder_.path(), {}, 0); }),
              HasSubstr("test.jsonl:2: no MMLU subject 'anatomie', did you mean 'anatomy'?"));
}

TEST_F(MmluTable, FoldersWithoutAnyOfIt) {
  folder_.write("notes/README.md", "");
  EXPECT_THAT(
      error_of<Error>([&] { load(folder_.path()); }),
      HasSubstr(
          "neither test/SUBJECT_test.csv nor SUBJECT/test-*.parquet, all/test-*.parquet or test.jsonl in "
          "the folder; found notes/README.md"));
}

}  // namespace
}  // namespace idleheads
