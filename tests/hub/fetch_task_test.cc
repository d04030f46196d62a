// The data of every task from a made-up Hub into the cache, from where the task reads them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>

#include "base/mapped_file.h"
#include "idleheads/base/error.h"
#include "idleheads/hub/fetch.h"
#include "idleheads/task/task.h"
#include "support/errors.h"
#include "support/play_hub.h"

namespace idleheads {
namespace {

namespace fs = std::filesystem;
using test::error_of;
using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;

const fs::path kTestData = IDLEHEADS_TEST_DATA;

// Where each task's sample lies, and where the Hub has it.
struct Source {
  const char *sample, *repository, *config;
};
const std::map<std::string, Source> kSources = {
    {"arc_easy", {"task_samples/parquet/arc/ARC-Easy", "allenai/ai2_arc", "ARC-Easy"}},
    {"arc_challenge", {"task_samples/parquet/arc/ARC-Challenge", "allenai/ai2_arc", "ARC-Challenge"}},
    {"gsm8k", {"task_samples/parquet/gsm8k/main", "openai/gsm8k", "main"}},
    {"hellaswag", {"task_samples/parquet/hellaswag/data", "Rowan/hellaswag", "data"}},
    {"mmlu", {"mmlu_all/all", "cais/mmlu", "all"}},
    {"piqa", {"task_samples/parquet/piqa/plain_text", "ybisk/piqa", "plain_text"}},
    {"winogrande", {"task_samples/parquet/winogrande/winogrande_xl", "allenai/winogrande", "winogrande_xl"}},
    {"wikitext",
     {"task_samples/parquet/wikitext2/wikitext-2-raw-v1", "EleutherAI/wikitext_document_level",
      "wikitext-2-raw-v1"}}};

class FetchTask : public testing::TestWithParam<std::string> {
 protected:
  // The task's sample at a revision ('+' for '/').
  void serve(const std::string& task, const std::string& repository, const std::string& revision) const {
    const Source& source = kSources.at(task);
    const std::string root = "datasets/" + repository + "/" + revision + "/";
    hub_.serve_folder(root + source.config, kTestData / source.sample);
    hub_.serve(root + "README.md", "not read");
    hub_.serve(root + "other/" + source.config + "/test.csv", "not read");
  }
  static Task load(const std::string& task) {
    TaskOptions options;
    options.shots = task == "wikitext" ? 0 : 1;
    if (task == "mmlu") options.only = {"anatomy"};  // the sample has three subjects
    return load_task(task, options);
  }

  test::PlayHub hub_;
};

TEST_P(FetchTask, IsReadFromTheCache) {
  const std::string task = GetParam();
  EXPECT_THAT(error_of([&] { load(task); }), HasSubstr("get it with: idleheads fetch task " + task + ", or"));
  serve(task, kSources.at(task).repository, "main");
  const Fetched fetched = fetch_task(task);
  EXPECT_GT(fetched.downloaded, 0);
  EXPECT_FALSE(fs::exists(fetched.path / "README.md"));
  EXPECT_FALSE(fs::exists(fetched.path / "other"));
  EXPECT_GT(load(task).documents.size(), 0u);
  EXPECT_EQ(fetch_task(task).downloaded, 0);
}

TEST_P(FetchTask, IsConvertedWhereItIsNotPublishedAsParquet) {
  const std::string task = GetParam(), repository = kSources.at(task).repository;
  hub_.serve("datasets/" + repository + "/main/script.py", "a script that loads it");
  serve(task, repository, "refs+convert+parquet");
  const Fetched fetched = fetch_task(task);
  std::string folder = "datasets--" + repository;
  folder.replace(folder.find('/'), 1, "--");
  EXPECT_EQ(read_text_file(hub_.cache() / folder / "refs/refs/convert/parquet"), fetched.commit);
  EXPECT_GT(load(task).documents.size(), 0u);
}

std::vector<std::string> names_of_sources() {
  std::vector<std::string> names;
  for (const auto& [name, source] : kSources) names.push_back(name);
  return names;
}

INSTANTIATE_TEST_SUITE_P(Of, FetchTask, testing::ValuesIn(names_of_sources()),
                         [](const auto& param) { return param.param; });

TEST(FetchTasks, EveryTaskWithADataSetIsTested) {
  std::vector<std::string> names = tasks_with_dataset();
  std::sort(names.begin(), names.end());
  EXPECT_EQ(names, names_of_sources());
}

TEST_F(FetchTask, ExamplesComeToo) {
  serve("winogrande", "allenai/winogrande", "main");
  fetch_task("winogrande");
  TaskOptions options;
  options.shots = 2;
  EXPECT_GT(load_task("winogrande", options).documents.size(), 0u);
}

TEST_F(FetchTask, OtherNamesOfARepositoryAreTried) {
  serve("piqa", "baber/piqa", "main");
  const Fetched fetched = fetch_task("piqa");
  EXPECT_EQ(fetched.repository, "baber/piqa");
  EXPECT_GT(load("piqa").documents.size(), 0u);
}

TEST_F(FetchTask, AnOriginalFileComesWithItsLabels) {
  const fs::path original = kTestData / "task_samples/original/piqa";
  for (const auto& entry : fs::directory_iterator(original))
    hub_.serve("datasets/ybisk/piqa/main/" + entry.path().filename().string(), read_text_file(entry.path()));
  fetch_task("piqa");
  EXPECT_GT(load("piqa").documents.size(), 0u);
}

TEST_F(FetchTask, PartsOfMmluAreMmlu) {
  serve("mmlu", "cais/mmlu", "main");
  EXPECT_EQ(fetch_task("mmlu_anatomy").repository, "cais/mmlu");
}

TEST_F(FetchTask, WhereNobodyHasItAllPlacesAreNamed) {
  hub_.serve("datasets/Rowan/hellaswag/main/README.md", "no data");
  EXPECT_THAT(
      error_of([] { fetch_task("hellaswag"); }),
      AllOf(HasSubstr("the data of task hellaswag cannot be fetched: Rowan/hellaswag at main has no "),
            HasSubstr("; Rowan/hellaswag has no revision 'refs/convert/parquet'"),
            HasSubstr("; hellaswag: no such data set on ")));
  serve("hellaswag", "Rowan/hellaswag", "main");
  fs::remove(hub_.folder() / "repos/datasets/Rowan/hellaswag/main/data/validation-00000-of-00001.parquet");
  EXPECT_THAT(error_of([] { fetch_task("hellaswag"); }), HasSubstr("cannot be fetched")) << "without a split";
  EXPECT_FALSE(fs::exists(hub_.cache() / "datasets--Rowan--hellaswag"));
}

TEST_F(FetchTask, NamesThatAreNone) {
  EXPECT_THAT(error_of<UsageError>([] { fetch_task("piqqa"); }), HasSubstr("did you mean 'piqa'?"));
  for (const char* name : {"", "mine.jsonl", "jsonl", "text", "../piqa"})
    EXPECT_THROW(fetch_task(name), UsageError) << name;
}

}  // namespace
}  // namespace idleheads
