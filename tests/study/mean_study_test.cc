// Studies in which heads that are off give their means: what is stored, stopping and going on, parts.
#include "study/tiny_study.h"
#include "studyfile/merge.h"
#include "studyfile/sqlite.h"
#include "studyfile/store_check.h"

namespace idleheads {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class MeanStudy : public TinyStudy {
 protected:
  void SetUp() override {
    TinyStudy::SetUp();
    mean_ = true;
    task_ = made_up_questions(kQuestions, "no, never");
  }
  OutputSums sums_of_all() {
    std::vector<Sample> samples;
    for (const EncodedDocument& document : task_.documents)
      samples.insert(samples.end(), document.samples.begin(), document.samples.end());
    OutputSums sums;
    const std::vector<Intervention> none = {std::monostate{}};
    engine_->run(samples, none, {.outputs = &sums});
    return sums;
  }
  int64_t rows_of(const std::vector<bool>& done) const {
    int64_t rows = 0;
    for (size_t d = 0; d < done.size(); ++d)
      rows += done[d] ? task_.stored[d].tokens - task_.stored[d].samples : 0;
    return rows;
  }

  // Stops a part, and joins what it has.
  void join_half(const std::string& name, Shard shard, StudyOptions options, const fs::path& joined) {
    {
      StudyStore part = store(name, task_, shard);
      options.cohort_rows = 1;
      options.progress = [calls = 0](const Progress&) mutable { return ++calls < 7; };
      EXPECT_THROW(run_study(*engine_, task_, part, options), Interrupted);
      EXPECT_GT(rows_of(part.done().front()), 0);
    }
    const std::vector<fs::path> half = {folder_ / name};
    merge_studies(half, joined);
  }

  static constexpr int kQuestions = 13;
  PreparedTask task_;
};

// Its means are those of all prompts, and its results are of heads that give them.
TEST_F(MeanStudy, InterventionsGiveMeans) {
  {
    StudyStore file = store("mean.db", task_);
    run_study(*engine_, task_, file, options_);
  }
  const StudyStore file = StudyStore::open_read_only(folder_ / "mean.db");
  const HeadMeans means = sums_of_all().means();
  EXPECT_EQ(file.means(), means);
  const std::vector<StoredIntervention> plan = file.plan();
  const std::vector<int64_t> all = all_documents(task_);
  for (size_t i = 0; i < plan.size(); ++i) {
    const std::vector<Intervention> rule = {rule_of(plan[i])};
    EvaluateOptions options;
    options.means = &means;
    std::vector<StoredResult> want;
    evaluate(*engine_, task_, all, rule, options, [&](Results results) {
      for (auto& [number, result] : results) want.push_back(std::move(result));
    });
    const std::vector<StoredResult> got = file.results(static_cast<int64_t>(i), false);
    ASSERT_EQ(got.size(), want.size());
    for (size_t d = 0; d < got.size(); ++d) EXPECT_TRUE(same_result(got[d], want[d])) << i << " " << d;
  }
  mean_ = false;
  StudyStore zeros = store("zeros.db", task_);
  run_study(*engine_, task_, zeros, options_);
  EXPECT_FALSE(zeros.means());
  EXPECT_TRUE(zeros.outputs().empty());
  EXPECT_EQ(zeros.plan(), plan) << "thresholds are the baseline's";
  EXPECT_FALSE(same_result(zeros.results(2, false)[0], file.results(2, false)[0]));
  EXPECT_THAT(error_of([&] { store("mean.db", task_); }), HasSubstr("ablation"));
}

// The sums are of exactly the results that are stored, whenever it is stopped.
TEST_F(MeanStudy, StoppedAtEveryCohortItIsTheSame) {
  StudyStore whole = store("whole.db", task_);
  run_study(*engine_, task_, whole, options_);
  for (bool stopped = true; stopped;) {
    StudyStore file = store("stopped.db", task_);
    StudyOptions options = options_;
    options.cohort_rows = 1;
    options.progress = [calls = 0](const Progress&) mutable { return ++calls < 7; };
    try {
      run_study(*engine_, task_, file, options);
      stopped = false;
    } catch (const Interrupted&) {
    }
    OutputSums sums;
    for (const auto& [part, outputs] : file.outputs()) sums.add(outputs);
    EXPECT_EQ(sums.rows, rows_of(file.done().front()));
    if (sums.rows < rows_of(std::vector<bool>(kQuestions, true))) {
      EXPECT_THAT(error_of([&] { file.means(); }), HasSubstr("means are of the whole baseline"));
    }
  }
  EXPECT_EQ(store("stopped.db", task_).outputs(), whole.outputs());
  expect_equal("whole.db", "stopped.db", 5);
}

// Parts bring their sums, come again when they have more, and take those of all for their interventions.
TEST_F(MeanStudy, PartsThatAreJoinedAreTheStudyOfOneProcess) {
  StudyStore whole = store("whole.db", task_);
  run_study(*engine_, task_, whole, options_);
  const int count = 3;
  const fs::path joined = folder_ / "joined.db";
  std::vector<fs::path> parts;
  for (const Round round : {Round::baseline, Round::interventions}) {
    for (int k = 1; k <= count; ++k) {
      const Shard shard = {k, count};
      StudyOptions options = options_;
      options.round = round;
      options.documents = shard_ranges(task_.stored, count)[static_cast<size_t>(k - 1)];
      const std::string name = fmt::format("part{}.db", k);
      if (round == Round::baseline && k == 2) join_half(name, shard, options, joined);
      StudyStore part = store(name, task_, shard);
      if (round == Round::interventions) {
        const StudyStore from = StudyStore::open_read_only(joined);
        part.set_plan(from.plan());
        part.take_outputs(from.outputs());
      }
      run_study(*engine_, task_, part, options);
      if (round == Round::baseline) parts.push_back(folder_ / name);
    }
    merge_studies(parts, joined);
  }
  EXPECT_EQ(StudyStore::open_read_only(joined).outputs().size(), 3u);
  EXPECT_EQ(StudyStore::open_read_only(joined).means(), whole.means());
  expect_equal("whole.db", "joined.db", 5);
}

TEST_F(MeanStudy, DecidesAsWell) {
  StudyOptions decide = options_;
  decide.decide = DecideOptions{};
  StudyStore decided = store("decided.db", task_), whole = store("whole.db", task_);
  run_study(*engine_, task_, decided, decide);
  run_study(*engine_, task_, whole, options_);
  for (int64_t i = 0; i < std::ssize(whole.plan()); ++i) {
    const std::vector<StoredResult> all = whole.results(i, false);
    for (const StoredResult& result : decided.results(i, false))
      EXPECT_TRUE(same_result(result, all[static_cast<size_t>(result.document)])) << i;
  }
}

TEST_F(MeanStudy, DamageIsNamed) {
  {
    StudyStore file = store("mean.db", task_);
    run_study(*engine_, task_, file, options_);
  }
  const auto error_after = [&](const char* change) {
    const fs::path copy = folder_ / "damaged.db";
    fs::copy_file(folder_ / "mean.db", copy, fs::copy_options::overwrite_existing);
    {
      sqlite::Database database(copy, sqlite::Database::Mode::read_write);
      database.execute(change);
    }
    return error_of([&] { StudyStore::open_read_only(copy).means(); });
  };
  EXPECT_THAT(error_after("UPDATE outputs SET sums = x'00'"),
              HasSubstr("sums of the heads' outputs have 1 bytes"));
  EXPECT_THAT(error_after("UPDATE outputs SET head_dim = 4097"), HasSubstr("make no sense"));
  EXPECT_THAT(error_after("UPDATE outputs SET rows = -1"), HasSubstr("make no sense"));
  EXPECT_THAT(error_after("UPDATE outputs SET rows = rows + 1"),
              HasSubstr("means are of the whole baseline"));
  EXPECT_THAT(error_after("DELETE FROM outputs"), HasSubstr("has the heads' outputs of 0 tokens"));
}

}  // namespace
}  // namespace idleheads
