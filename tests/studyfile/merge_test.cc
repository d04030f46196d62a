// The parts of a study, joined: the same file as if one process had run it, whatever the order; and what is
// refused.
#include "studyfile/merge.h"

#include <fmt/format.h>

#include <numeric>

#include "idleheads/studyfile/plan.h"
#include "idleheads/version.h"
#include "studyfile/study_fixture.h"

namespace idleheads {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class MergeTest : public testing::Test {
 protected:
  const std::vector<StoredDocument> documents_ = make_documents();
  TempFolder folder_;

  std::filesystem::path path(const std::string& name) const { return folder_ / name; }

  static Settings settings_of(Shard shard) {
    Settings settings = make_settings();
    settings[kShardSetting] = to_string(shard);
    settings[kScoresSetting] = "ahon_ln,random";
    settings[kSharesSetting] = "0.1,0.25";
    return settings;
  }

  // Results of interventions [first, end) for the shard's documents.
  std::filesystem::path write_part(const std::string& name, Shard shard, int64_t first, int64_t end,
                                   const std::vector<StoredIntervention>& plan = {}) const {
    StudyStore store = StudyStore::open(path(name), settings_of(shard), documents_);
    if (!plan.empty()) store.set_plan(plan);
    const DocumentRange range = shard_ranges(documents_, shard.count)[static_cast<size_t>(shard.number - 1)];
    for (int64_t i = first; i < end; ++i) store.add(make_cohort(documents_, i, range.first, range.end));
    return path(name);
  }

  std::vector<std::filesystem::path> write_parts(int count, int64_t first, int64_t end,
                                                 const std::vector<StoredIntervention>& plan = {}) const {
    std::vector<std::filesystem::path> parts;
    for (int k = 1; k <= count; ++k)
      parts.push_back(
          write_part(fmt::format("{}.{}", end, file_name({k, count})), {k, count}, first, end, plan));
    return parts;
  }

  void expect_whole(const std::filesystem::path& file, int64_t interventions) const {
    const StudyStore store = StudyStore::open_read_only(file);
    for (int64_t i = 0; i < interventions; ++i) {
      const std::vector<StoredResult> results = store.results(i, true);
      ASSERT_EQ(results.size(), documents_.size()) << i;
      for (const StoredResult& result : results)
        EXPECT_TRUE(same_result(result, make_result(documents_, i, result.document))) << i;
    }
  }

  std::string refusal(const std::vector<std::filesystem::path>& parts,
                      const char* output = "joined.db") const {
    return error_of([&] { merge_studies(parts, path(output)); });
  }
};

TEST_F(MergeTest, AFileOfAnOlderSchemaIsJoined) {
  const std::filesystem::path old = IDLEHEADS_TEST_DATA "/study/version4.study";
  const MergeReport report = merge_studies(std::vector{old}, path("joined.db"));
  EXPECT_EQ(report.added, 4 * std::ssize(documents_));
  EXPECT_EQ(merge_studies(std::vector{old}, path("joined.db")).equal, report.added);
  expect_whole(path("joined.db"), 4);
  EXPECT_EQ(StudyStore::open_read_only(path("joined.db")).plan(), make_plan());
}

// Parts that were run with the plan as it was, and as it is since it has grown.
TEST_F(MergeTest, PlansMayHaveGrown) {
  std::vector<StoredIntervention> plan = make_plan(), grown = plan;
  grown.push_back({"awft", 0.2, "awft>0.8", 1});
  const std::vector<std::filesystem::path> parts = {write_part("1.db", {1, 2}, 0, 4, plan),
                                                    write_part("2.db", {2, 2}, 0, 5, grown)};
  const MergeReport report = merge_studies(parts, path("joined.db"));
  EXPECT_EQ(report.interventions, 5);
  EXPECT_EQ(StudyStore::open_read_only(path("joined.db")).plan(), grown);
  EXPECT_EQ(merge_studies(parts, path("joined.db")).added, 0);
}

TEST_F(MergeTest, PartsOfOtherDecisionsAreRefused) {
  const auto part = [&](const std::string& name, Shard shard, const DecisionOptions& terms, int64_t rounds) {
    write_part(name, shard, 0, 4, make_plan());
    StudyStore store = StudyStore::open(path(name), settings_of(shard), documents_);
    store.set_order({.block_documents = 1, .rounds = rounds});
    store.set_decision_terms(terms);
    return path(name);
  };
  const auto first = part("1.db", {1, 2}, {}, 50);
  EXPECT_THAT(refusal({first, part("2.db", {2, 2}, {.tolerance = 0.02}, 50)}),
              AllOf(HasSubstr("2.db: it decides within another tolerance"), HasSubstr("joined.db")));
  EXPECT_THAT(refusal({first, part("3.db", {2, 2}, {}, 60)}, "other.db"),
              AllOf(HasSubstr("3.db: it asks the documents in another order"), HasSubstr("other.db")));
}

TEST_F(MergeTest, TwoRoundsOfPartsGiveTheStudyOfOneProcess) {
  StudyStore whole = StudyStore::open(path("whole.db"), make_settings(), documents_);
  whole.add(make_cohort(documents_, 0, 0, std::ssize(documents_)));
  make_plan(whole, targets_of("ahon_ln,random", "0.1,0.25"), 1234);
  for (const int count : {1, 2, 3, 7}) {
    const std::string name = fmt::format("joined{}.db", count);
    std::vector<std::filesystem::path> parts = write_parts(count, 0, 1);
    std::ranges::reverse(parts);
    const MergeReport first = merge_studies(parts, path(name));
    EXPECT_EQ(first.added, std::ssize(documents_));
    EXPECT_TRUE(first.planned);
    const std::vector<StoredIntervention> plan = StudyStore::open_read_only(path(name)).plan();
    EXPECT_EQ(plan, whole.plan());
    const MergeReport second = merge_studies(write_parts(count, 1, 5, plan), path(name));
    EXPECT_EQ(second.added, 4 * std::ssize(documents_));
    EXPECT_FALSE(second.planned);
    EXPECT_TRUE(second.missing.empty());
    expect_whole(path(name), 5);
    EXPECT_FALSE(StudyStore::open_read_only(path(name)).settings().contains(kShardSetting));
  }
}

TEST_F(MergeTest, AgainAndOverlappingPartsChangeNothing) {
  const std::vector<std::filesystem::path> parts = write_parts(3, 0, 1),
                                           others = {write_part("b.db", {1, 3}, 0, 1)};
  merge_studies(parts, path("joined.db"));
  const std::vector<Work> work = StudyStore::open_read_only(path("joined.db")).work();
  const MergeReport again = merge_studies(parts, path("joined.db"));
  EXPECT_EQ(again.added, 0);
  EXPECT_EQ(again.equal, std::ssize(documents_));
  EXPECT_EQ(merge_studies(others, path("joined.db")).added, 0);
  expect_whole(path("joined.db"), 1);
  const std::vector<Work> now = StudyStore::open_read_only(path("joined.db")).work();
  for (size_t i = 0; i < work.size(); ++i) EXPECT_EQ(now[i].rows_unshared, work[i].rows_unshared);
}

TEST_F(MergeTest, WhatIsMissingIsListed) {
  const std::vector<std::filesystem::path> parts = write_parts(3, 0, 1);
  const std::vector<DocumentRange> ranges = shard_ranges(documents_, 3);
  const MergeReport report = merge_studies(std::vector{parts[0], parts[2]}, path("joined.db"));
  ASSERT_EQ(report.missing.size(), 1u);
  EXPECT_EQ(report.missing[0].documents, ranges[1]);
  EXPECT_EQ(report.missing[0].interventions, 1);
  EXPECT_FALSE(report.planned);
  EXPECT_TRUE(merge_studies(std::vector{parts[1]}, path("joined.db")).planned);
}

TEST_F(MergeTest, ProgressCountsResultsAndStops) {
  const std::vector<std::filesystem::path> parts = write_parts(3, 0, 4, make_plan());
  std::vector<Progress> seen;
  const auto stop_after = [&](size_t reports) {
    return MergeOptions{.progress = [&seen, reports](const Progress& progress) {
      seen.push_back(progress);
      return seen.size() < reports;
    }};
  };
  EXPECT_THAT(error_of<Interrupted>([&] { merge_studies(parts, path("joined.db"), stop_after(5)); }),
              HasSubstr("the same command goes on"));
  const double stored = seen.back().done;
  EXPECT_GT(stored, 0);
  const MergeReport rest = merge_studies(parts, path("joined.db"), stop_after(1000));
  EXPECT_EQ(static_cast<double>(rest.equal), stored);
  EXPECT_EQ(rest.added + rest.equal, 4 * std::ssize(documents_));
  EXPECT_EQ(seen.back().done, seen.back().total);
  EXPECT_EQ(seen.back().total, static_cast<double>(4 * documents_.size()));
}

TEST_F(MergeTest, WorkIsAddedUp) {
  std::vector<std::filesystem::path> parts;
  for (const int k : {1, 2}) {
    parts.push_back(path(fmt::format("{}.db", k)));
    StudyStore store = StudyStore::open(parts.back(), settings_of({k, 2}), documents_);
    Cohort cohort = make_cohort(documents_, 0, k == 1 ? 0 : 5, k == 1 ? 5 : 12);
    for (auto& [number, result] : cohort) result.work = {1.5, 10 + k};
    store.add(cohort);
  }
  merge_studies(parts, path("joined.db"));
  const Work work = StudyStore::open_read_only(path("joined.db")).work().front();
  EXPECT_DOUBLE_EQ(work.rows, 12 * 1.5);
  EXPECT_EQ(work.rows_unshared, 5 * 11 + 7 * 12);
}

TEST_F(MergeTest, ResultsThatDifferAreNamed) {
  const std::filesystem::path good = write_part("a.db", {1, 1}, 0, 1);
  StudyStore store = StudyStore::open(path("b.db"), settings_of({1, 1}), documents_);
  Cohort cohort = make_cohort(documents_, 0, 7, 8);
  cohort[0].second.log_likelihoods[0] += 0.001f;
  store.add(cohort);
  EXPECT_THAT(
      refusal({good, path("b.db")}),
      AllOf(HasSubstr("b.db: intervention 0, document 7: another result than in"), HasSubstr("joined.db")));
}

TEST_F(MergeTest, PartsOfOtherStudiesAreRefusedBeforeAnythingIsWritten) {
  const std::filesystem::path good = write_part("a.db", {1, 2}, 0, 1);
  const auto with = [&](const char* name, const char* value) {
    Settings settings = settings_of({2, 2});
    settings[name] = value;
    std::filesystem::remove(path("b.db"));
    StudyStore::open(path("b.db"), settings, documents_);
    return refusal({good, path("b.db")});
  };
  EXPECT_THAT(with("dtype", "bf16"), AllOf(HasSubstr("b.db"), HasSubstr("dtype"), HasSubstr("'bf16'")));
  EXPECT_THAT(with(kShardSetting, "2/3"),
              AllOf(HasSubstr("b.db: the number of parts is '3', in "), HasSubstr("a.db it is '2'")));
  EXPECT_THAT(with(kScoresSetting, "awft"), HasSubstr("what --scores names is 'awft'"));
  EXPECT_THAT(with(kSharesSetting, "0.5"), HasSubstr("what --shares names is '0.5'"));
  std::filesystem::remove(path("b.db"));
  StudyStore::open(path("b.db"), settings_of({2, 2}), make_documents(11));
  EXPECT_THAT(refusal({good, path("b.db")}), HasSubstr("b.db"));
  EXPECT_FALSE(std::filesystem::exists(path("joined.db")));
}

TEST_F(MergeTest, ExcerptsGoAlong) {
  const std::vector<std::string> excerpts(documents_.size(), "What is this?");
  write_part("1.db", {1, 2}, 0, 1);
  StudyStore::open(path("2.db"), settings_of({2, 2}), documents_, excerpts);
  merge_studies(std::vector{path("1.db"), path("2.db")}, path("joined.db"));
  EXPECT_EQ(StudyStore::open_read_only(path("joined.db")).excerpts(), excerpts);
  merge_studies(std::vector{path("1.db")}, path("without.db"));
  EXPECT_TRUE(StudyStore::open_read_only(path("without.db")).excerpts().empty());
}

TEST_F(MergeTest, AllBuildsAreNamed) {
  std::vector<std::filesystem::path> parts;
  for (const char* builds : {"0.1 (a)", "0.1 (b); 0.1 (a)"}) {
    Settings settings = settings_of({static_cast<int>(parts.size()) + 1, 2});
    settings[kBuildsSetting] = builds;
    parts.push_back(path(fmt::format("{}.db", parts.size())));
    StudyStore::open(parts.back(), settings, documents_);
  }
  const std::string expected = "0.1 (a); 0.1 (b); " + build_description();
  for (int round = 0; round < 2; ++round) {
    merge_studies(parts, path("joined.db"));
    EXPECT_EQ(StudyStore::open_read_only(path("joined.db")).settings().at(kBuildsSetting), expected);
  }
}

// The file's fault, not that of what the user typed.
TEST_F(MergeTest, APlanThatIsNotUnderstoodIsNoMistakeOfUsage) {
  for (const auto& [scores, shares] :
       {std::pair("entropy_of_tomorrow", "0.1"), std::pair("ahon_ln", "many")}) {
    try {
      targets_of(scores, shares);
      ADD_FAILURE() << scores;
    } catch (const UsageError& error) {
      ADD_FAILURE() << error.what();
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), testing::AnyOf(HasSubstr("entropy_of_tomorrow"), HasSubstr("'many'")));
    }
  }
}

TEST_F(MergeTest, AnotherPlanIsRefused) {
  const std::vector<StoredIntervention> plan = make_plan();
  const std::filesystem::path good = write_part("a.db", {1, 2}, 1, 2, plan);
  std::vector<StoredIntervention> other = plan;
  other[1].rule = "ahon_ln<0.26";
  EXPECT_THAT(refusal({good, write_part("b.db", {2, 2}, 1, 2, other)}),
              HasSubstr("b.db: its interventions are others than those of"));
}

TEST_F(MergeTest, TheOutputIsNoPart) {
  const std::filesystem::path part = write_part("a.db", {1, 1}, 0, 1);
  EXPECT_THAT(refusal({part}, "a.db"),
              HasSubstr("a.db: the output is one of the parts; name another with -o"));
  std::filesystem::create_symlink(part, path("link.db"));
  EXPECT_THAT(refusal({part}, "link.db"), HasSubstr("the output is one of the parts"));
  EXPECT_THAT(refusal({path("none.db")}), HasSubstr("none.db"));
}

}  // namespace
}  // namespace idleheads
