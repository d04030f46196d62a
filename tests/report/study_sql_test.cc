// What docs/study_format.md asks a study in SQL alone: the numbers of summarize(), by SQLite and nothing of
// ours.
#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <map>
#include <sstream>

#include "idleheads/report/summary.h"
#include "report/report_fixture.h"

namespace idleheads {
namespace {

using testing::ElementsAre;

using Rows = std::vector<std::vector<std::string>>;

int take_row(void* rows, int columns, char** values, char** /*names*/) {
  auto& row = static_cast<Rows*>(rows)->emplace_back();
  for (int i = 0; i < columns; ++i) row.emplace_back(values[i] ? values[i] : "NULL");
  return 0;
}

// Blocks of SQL by their first line, a comment.
std::map<std::string, std::string> documented_queries() {
  std::map<std::string, std::string> queries;
  std::istringstream page(read_file(IDLEHEADS_TEST_DATA "/../../docs/study_format.md"));
  std::string line, name;
  while (std::getline(page, line)) {
    if (line == "```sql") {
      std::getline(page, name);
    } else if (line == "```") {
      name.clear();
    } else if (!name.empty()) {
      queries[name] += line + "\n";
    }
  }
  return queries;
}

class StudySql : public testing::Test {
 protected:
  Rows rows(const std::string& sql) {
    sqlite3* database = nullptr;
    EXPECT_EQ(sqlite3_open_v2(file_.c_str(), &database, SQLITE_OPEN_READONLY, nullptr), SQLITE_OK);
    Rows out;
    EXPECT_EQ(sqlite3_exec(database, sql.c_str(), take_row, &out, nullptr), SQLITE_OK)
        << sqlite3_errmsg(database) << "\n"
        << sql;
    sqlite3_close(database);
    return out;
  }

  Rows documented(const std::string& name) {
    const auto queries = documented_queries();
    const auto found = queries.find("-- " + name);
    EXPECT_NE(found, queries.end()) << name;
    return found == queries.end() ? Rows{} : rows(found->second);
  }

  TempFolder folder_;
  std::filesystem::path file_ = folder_ / "study.db";
};

std::vector<const CurveEntry*> entries_of(const StudySummary& summary) {
  std::vector<const CurveEntry*> entries;
  for (const ScoreSummary& score : summary.scores) {
    for (const CurveEntry& entry : score.points) entries.push_back(&entry);
  }
  std::ranges::sort(entries, {}, [](const CurveEntry* entry) { return entry->intervention; });
  return entries;
}

TEST_F(StudySql, AccuracyAndHeadsOff) {
  const StudySummary summary = summarize(store_study(small_study(), file_));
  const Rows found = documented("accuracy and heads off under every intervention");
  const auto entries = entries_of(summary);
  ASSERT_EQ(found.size(), 1 + entries.size());
  EXPECT_THAT(found[0], ElementsAre("none", "200", "0.8", "0.0"));
  for (size_t i = 0; i < entries.size(); ++i) {
    EXPECT_EQ(found[1 + i][0], entries[i]->rule);
    EXPECT_EQ(found[1 + i][1], "200");
    EXPECT_DOUBLE_EQ(std::stod(found[1 + i][2]), value_of(entries[i]->values, Metric::acc).value);
    EXPECT_DOUBLE_EQ(std::stod(found[1 + i][3]), entries[i]->percent_off);
  }
}

TEST_F(StudySql, AnswersLostAndWon) {
  const StudySummary summary = summarize(store_study(small_study(), file_));
  const Rows found = documented("right answers lost and won");
  const auto entries = entries_of(summary);
  ASSERT_EQ(found.size(), entries.size());
  for (size_t i = 0; i < entries.size(); ++i) {
    const AnswerChanges& changes = entries[i]->changes;
    EXPECT_THAT(found[i],
                ElementsAre(entries[i]->rule, std::to_string(changes.lost), std::to_string(changes.won)));
  }
}

TEST_F(StudySql, AccuracyPerSubject) {
  const StudySummary summary = summarize(store_study(small_study(), file_), {.subjects_of = "ahon_ln@25%"});
  Rows expected;
  for (const SubjectRow& row : summary.subjects_chosen) {
    if (row.is_subject)
      expected.push_back({row.name, fmt::format("{}", value_of(row.values, Metric::acc).value)});
  }
  EXPECT_EQ(expected.size(), 2u);
  EXPECT_THAT(documented("accuracy by subject under a rule"), testing::UnorderedElementsAreArray(expected));
}

// Of 8 heads three were cut out of the model: 5 are there.
TEST_F(StudySql, PercentIsOfTheHeadsThatAreThere) {
  FakeStudy study = small_study();
  study.settings["model.absent_heads"] = "L0H0,L0H2,L1H2";
  for (FakeRun& run : study.runs) run.off = {{1, 3}}, run.half = {};
  const StudySummary summary = summarize(store_study(study, file_));
  EXPECT_DOUBLE_EQ(entries_of(summary).at(0)->percent_off, 20);
  EXPECT_EQ(rows("SELECT DISTINCT percent_off FROM accuracy"), (Rows{{"20.0"}}));
}

TEST_F(StudySql, HowOftenEachHeadWasOff) {
  const StudySummary summary = summarize(store_study(small_study(), file_));
  const CurveEntry& entry = find_point(summary, "ahon_ln@25%");
  const Rows found = documented("how often each head was off under a rule");
  Rows expected;
  for (const HeadId id : heads_by_frequency(entry.frequency)) {
    if (const int64_t off = entry.frequency.count(id))
      expected.push_back({fmt::format("L{}H{}", id.layer, id.head), std::to_string(off)});
  }
  EXPECT_EQ(found, expected);
}

// Every bit of masks of all kinds: 21 heads, so that bits are left over, one to three samples of a question.
TEST_F(StudySql, HeadsOffAreTheBitsOfTheMasks) {
  run_study(file_);
  Rows expected;
  for (int64_t i = 0; i < std::ssize(make_plan()); ++i) {
    for (const StoredResult& result : StudyStore::open_read_only(file_).results(i, false)) {
      for (size_t k = 0; k < result.masks.size(); ++k) {
        for (int h = 0; h < kLayers * kHeads; ++h) {
          if (result.masks[k].off(h / kHeads, h % kHeads)) {
            expected.push_back({std::to_string(i), std::to_string(result.document), std::to_string(k), "1",
                                std::to_string(h / kHeads), std::to_string(h % kHeads)});
          }
        }
      }
    }
  }
  EXPECT_GT(expected.size(), 300u);
  EXPECT_EQ(rows("SELECT * FROM heads_off"), expected);
}

// A study of the baseline and one intervention, whose results are for the test to store.
StudyStore begun(const std::filesystem::path& path, const std::string& metrics,
                 const std::vector<StoredDocument>& documents) {
  FakeStudy study;
  study.settings["task.metrics"] = metrics;
  StudyStore store = StudyStore::open(path, study.settings, documents);
  store.set_plan({{"", 0, "none"}, {"ahon_ln", 0.1, "ahon_ln<0.25"}});
  return store;
}

StoredResult scored(std::vector<float> log_likelihoods, size_t samples) {
  StoredResult result;
  result.log_likelihoods = std::move(log_likelihoods);
  result.masks.assign(samples, HeadMask(2, 4));
  return result;
}

StoredResult written(int64_t document, const std::string& response, std::vector<HeadMask> masks,
                     std::vector<int64_t> passes) {
  StoredResult result;
  result.document = document;
  result.response = response;
  result.masks = std::move(masks);
  result.passes = std::move(passes);
  return result;
}

TEST_F(StudySql, WrittenAnswersCountByForwardPass) {
  StudyStore store = begun(file_, "exact_match,strict-match;exact_match,flexible-extract",
                           {answer_document("#### 5"), answer_document("#### 6")});
  HeadMask none(2, 4), one(2, 4);
  one.set(1, 2, true);
  store.add({{1, written(0, "#### 5", {none, one}, {3, 12})}, {1, written(1, "it is 6", {one}, {7})}});
  EXPECT_EQ(rows("SELECT documents, correct, percent_off FROM accuracy"),
            (Rows{{"2", "1", fmt::format("{:.15g}", 100.0 * 19 / 8 / 22)}}));
  EXPECT_EQ(rows("SELECT document, mask, passes, bits FROM masks"),
            (Rows{{"0", "0", "3", "00"}, {"0", "1", "12", "40"}, {"1", "0", "7", "40"}}));
  EXPECT_EQ(rows("SELECT sum(passes), layer, head FROM heads_off"), (Rows{{"19", "1", "2"}}));
}

TEST_F(StudySql, PerplexitiesAreNoAccuracy) {
  StudyStore store = begun(file_, "word_perplexity;byte_perplexity", {text_document(10, 40, 2)});
  store.add({{1, scored({-3}, 2)}});
  EXPECT_EQ(rows("SELECT documents, accuracy FROM accuracy"), (Rows{{"0", "NULL"}}));
}

TEST_F(StudySql, CorrectIsByTheTasksFirstMetric) {
  for (const auto& [metrics, correct] : {std::pair{"acc;acc_norm", "0"}, {"acc_norm;acc", "1"}}) {
    file_ = folder_ / metrics;
    StudyStore store = begun(file_, metrics, {choices_document({1, 10}, 1)});
    store.add({{1, scored({-2, -3}, 1)}});
    EXPECT_EQ(rows("SELECT correct FROM results"), (Rows{{correct}})) << metrics;
  }
}

}  // namespace
}  // namespace idleheads
