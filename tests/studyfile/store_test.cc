#include "idleheads/studyfile/store.h"

#include <fmt/format.h>

#include <fstream>
#include <stdexcept>

#include "study_fixture.h"

namespace idleheads {
namespace {

using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class StoreTest : public testing::Test {
 protected:
  StudyStore open(const Settings& settings = make_settings()) {
    return StudyStore::open(file_, settings, documents_);
  }
  std::string open_error(const Settings& settings, const std::vector<StoredDocument>& documents) {
    return error_of([&] { StudyStore::open(file_, settings, documents); });
  }

  TempFolder folder_;
  std::filesystem::path file_ = folder_ / "study.db";
  std::vector<StoredDocument> documents_ = make_documents();
};

TEST_F(StoreTest, KeepsEverything) {
  run_study(file_);
  expect_complete(file_);
  run_study(file_);  // finished: nothing to do
  expect_complete(file_);
}

TEST_F(StoreTest, NewFileIsEmptyButKnowsItsStudy) {
  StudyStore store = open();
  EXPECT_EQ(store.settings(), make_settings());
  EXPECT_EQ(store.documents(), documents_);
  EXPECT_TRUE(store.plan().empty());
  EXPECT_EQ(store.done(), std::vector<std::vector<bool>>(1, std::vector<bool>(documents_.size())));
  EXPECT_TRUE(store.results(0, true).empty());
}

TEST_F(StoreTest, ExcerptsAreKeptAsTheFileWasBegun) {
  std::vector<std::string> excerpts;
  for (size_t i = 0; i < documents_.size(); ++i) excerpts.push_back(fmt::format("Question {}?", i));
  const auto begun_with = [&](const std::vector<std::string>& given) {
    return StudyStore::open(file_, make_settings(), documents_, given).excerpts();
  };
  EXPECT_EQ(begun_with(excerpts), excerpts);
  EXPECT_EQ(begun_with({}), excerpts);
  EXPECT_EQ(begun_with(std::vector<std::string>(documents_.size(), "other")), excerpts);
  EXPECT_EQ(StudyStore::open_read_only(file_).excerpts(), excerpts);
  std::filesystem::remove(file_);
  EXPECT_TRUE(begun_with({}).empty());
  EXPECT_TRUE(begun_with(excerpts).empty()) << "who began it without them wanted none in it";
  EXPECT_THROW(begun_with({"one"}), std::invalid_argument);
}

TEST_F(StoreTest, StudyAtRestIsOneFile) {
  run_study(file_);
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder_.path()))
    names.push_back(entry.path().filename());
  EXPECT_EQ(names, std::vector<std::string>{"study.db"});
}

TEST_F(StoreTest, StatisticsOnlyWhenAskedFor) {
  run_study(file_);
  const StudyStore store = StudyStore::open_read_only(file_);
  EXPECT_TRUE(store.results(0, false)[0].stats.empty());
  EXPECT_EQ(store.results(0, true)[2].stats.size(), 3u);
  EXPECT_TRUE(store.results(1, true)[0].stats.empty());
  EXPECT_TRUE(store.results(99, true).empty());
}

TEST_F(StoreTest, DoneSaysWhichAreThere) {
  StudyStore store = open();
  store.add(make_cohort(documents_, 0, 2, 4));
  auto expected = std::vector<std::vector<bool>>(1, std::vector<bool>(documents_.size()));
  expected[0][2] = expected[0][3] = true;
  EXPECT_EQ(store.done(), expected);
  store.set_plan(make_plan());
  store.add(make_cohort(documents_, 3, 0, 1));
  expected.resize(4, std::vector<bool>(documents_.size()));
  expected[3][0] = true;
  EXPECT_EQ(store.done(), expected);
}

TEST_F(StoreTest, DocumentsMayBeMany) {
  documents_ = make_documents(5000);
  StudyStore store = open();
  store.add(make_cohort(documents_, 0, 0, 5000));
  EXPECT_EQ(store.results(0, false).size(), 5000u);
  EXPECT_TRUE(same_result(store.results(0, true)[4321], make_result(documents_, 0, 4321)));
}

TEST_F(StoreTest, StoredResultsNeverChange) {
  StudyStore store = open();
  store.add(make_cohort(documents_, 0, 0, 3));
  Cohort again = make_cohort(documents_, 0, 3, 5);
  again.push_back({0, make_result(documents_, 0, 1)});
  again.back().second.log_likelihoods[0] = 99;
  EXPECT_THAT(
      error_of([&] { store.add(again); }),
      AllOf(StartsWith(file_.string()), HasSubstr("intervention 0 for document 1 is stored already")));
  EXPECT_FALSE(store.done()[0][3]) << "nothing of the refused cohort is stored";
  EXPECT_TRUE(same_result(store.results(0, true)[1], make_result(documents_, 0, 1)));
  again.pop_back();
  store.add(again);
  EXPECT_TRUE(store.done()[0][4]);
}

TEST_F(StoreTest, PlanIsStoredOnce) {
  StudyStore store = open();
  store.set_plan(make_plan());
  store.set_plan(make_plan());
  auto other = make_plan();
  other[2].share = 0.15;
  EXPECT_THAT(error_of([&] { store.set_plan(other); }),
              HasSubstr("another plan of interventions is stored already"));
  other.pop_back();
  EXPECT_NE(error_of([&] { store.set_plan(other); }), "no error");
  EXPECT_EQ(store.plan(), make_plan());
}

TEST_F(StoreTest, RefusesResultsThatDoNotFit) {
  StudyStore store = open();
  const auto refused = [&](int64_t intervention, StoredResult result) {
    EXPECT_THROW(store.add({{intervention, std::move(result)}}), std::invalid_argument);
  };
  const StoredResult good = make_result(documents_, 0, 2);
  StoredResult bad = good;
  refused(1, good);  // no plan yet
  refused(-1, good);
  bad.document = 12;
  refused(0, bad);
  bad = good;
  bad.log_likelihoods.pop_back();
  refused(0, bad);
  bad = good;
  bad.masks.pop_back();
  refused(0, bad);
  bad = good;
  bad.masks[1] = HeadMask(kHeads, kLayers);
  refused(0, bad);
  bad = good;
  bad.stats.clear();
  refused(0, bad);
  bad = good;
  bad.stats[0] = SampleStats(kLayers, kHeads + 1);
  refused(0, bad);
  store.set_plan(make_plan());
  refused(1, good);  // statistics belong to the baseline
  EXPECT_TRUE(store.results(0, false).empty());
}

TEST_F(StoreTest, RefusesAPlanWithoutBaseline) {
  StudyStore store = open();
  EXPECT_THROW(store.set_plan({}), std::invalid_argument);
  EXPECT_THROW(store.set_plan({{"awft", 0.1, "awft>0.9"}}), std::invalid_argument);
  EXPECT_THROW(store.set_plan({{"", 0, "none"}, {"awft", NAN, "awft>0.9"}}), std::invalid_argument);
}

TEST_F(StoreTest, ReaderCannotWrite) {
  run_study(file_);
  StudyStore store = StudyStore::open_read_only(file_);
  EXPECT_THROW(store.add({}), std::logic_error);
  EXPECT_THROW(store.set_plan(make_plan()), std::logic_error);
}

TEST_F(StoreTest, NamesEveryOtherSetting) {
  run_study(file_);
  Settings other = make_settings();
  other["dtype"] = "bf16";
  other["seed"] = std::string(500, 'x');
  other["bos"] = "yes";
  other.erase("empty");
  EXPECT_THAT(
      open_error(other, documents_),
      AllOf(StartsWith(file_.string() + ": holds a study with other settings: "),
            HasSubstr("bos: stored nothing, given 'yes'; dtype: stored 'f32', given 'bf16'; "
                      "empty: stored '', given nothing; seed: stored '1234', given 'xxx"),
            HasSubstr("xxx...'"), Not(HasSubstr(std::string(100, 'x'))), EndsWith("use another --output")));
  expect_complete(file_);
}

TEST_F(StoreTest, NamesTheFirstOtherDocument) {
  run_study(file_);
  auto other = documents_;
  other[7].choice_lengths[1] = 6;
  other[8].gold = 1;
  EXPECT_THAT(
      open_error(make_settings(), other),
      HasSubstr("document 7: choice lengths: stored '[12,12,12]', given '[12,6,12]'; use another --output"));
  other = documents_;
  other.pop_back();
  EXPECT_THAT(open_error(make_settings(), other), HasSubstr("stored 12 of them, given 11"));
  expect_complete(file_);
}

TEST_F(StoreTest, RefusalLeavesTheFileAsItWas) {
  run_study(file_);
  const auto bytes = [&] {
    std::ifstream in(file_, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(in), {});
  };
  const std::string before = bytes();
  EXPECT_NE(open_error({{"model.layers", "3"}, {"model.heads", "7"}}, documents_), "no error");
  EXPECT_EQ(bytes(), before);
}

TEST_F(StoreTest, SettingsMustGiveTheShape) {
  for (const std::string value : {"", "0", "-1", "3 ", "3.0", "x", "99999999999999999999", "65537"}) {
    Settings settings = make_settings();
    settings["model.layers"] = value;
    EXPECT_THAT(open_error(settings, documents_), HasSubstr("'model.layers' is '" + value + "'"));
  }
  EXPECT_THAT(open_error({{"model.layers", "3"}}, documents_), HasSubstr("'model.heads' is missing"));
  EXPECT_THAT(open_error({{"model.layers", "65536"}, {"model.heads", "65536"}}, documents_),
              HasSubstr("at most"));
  EXPECT_FALSE(std::filesystem::exists(file_));
}

TEST_F(StoreTest, AbsentHeadsMustBeOfTheModelAndInOrder) {
  const auto error = [&](const std::string& absent) {
    return open_error({{"model.layers", "3"}, {"model.heads", "2"}, {"model.absent_heads", absent}},
                      documents_);
  };
  for (const char* absent : {"", "L0H2", "L3H0", "L1H0,", ",L1H0", "L1H0,L0H1", "L1H0,L1H0", "x", "L1H0;L1H1",
                             "L0H0,L0H1,L1H0,L1H1,L2H0,L2H1", "L-1H0"}) {
    EXPECT_THAT(error(absent),
                HasSubstr("setting 'model.absent_heads' is '" + std::string(absent) +
                          "', expected heads in order, as in 'L3H0,L3H1', of 3 layers and 2 heads"));
  }
  EXPECT_EQ(error("L1H0,L1H1,L2H0"), "no error");
  const HeadShape shape =
      model_shape({{"model.layers", "3"}, {"model.heads", "2"}, {"model.absent_heads", "L1H0"}});
  EXPECT_EQ(shape, HeadShape(3, 2, std::vector<HeadId>{{1, 0}}));
}

TEST_F(StoreTest, DocumentsMustMakeSense) {
  documents_[1].gold = 3;
  EXPECT_THAT(open_error(make_settings(), documents_), HasSubstr("gold answer is number 3"));
  documents_ = make_documents();
  documents_[1].samples = -1;
  EXPECT_THAT(open_error(make_settings(), documents_), HasSubstr("-1 samples"));
}

}  // namespace
}  // namespace idleheads
