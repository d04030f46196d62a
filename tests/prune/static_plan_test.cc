#include "prune/static_plan.h"

#include "idleheads/studyfile/plan.h"
#include "report/report_fixture.h"

namespace idleheads {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(StaticPlan, HalfAndAllOfTheInputsOfTheBestScores) {
  TempFolder folder;
  StudyStore store = store_study(small_study(), folder / "a.db");
  EXPECT_EQ(plan_static_masks(store), 8);
  const std::vector<StoredIntervention> plan = store.plan();
  const std::vector<StoredIntervention> masks(plan.begin() + 7, plan.end());
  // ahon_ln is best, then awft; of the random control there is none.
  EXPECT_THAT(masks, ElementsAre(StoredIntervention{"ahon_ln", 0.1, "L1H3", 1, 0.5},
                                 StoredIntervention{"ahon_ln", 0.1, "L1H3", 1, 1.0},
                                 StoredIntervention{"ahon_ln", 0.25, "L0H0,L1H0,L1H3", 1, 0.5},
                                 StoredIntervention{"ahon_ln", 0.25, "L1H3", 1, 1.0},
                                 StoredIntervention{"awft", 0.1, "L0H1", 1, 0.5},
                                 StoredIntervention{"awft", 0.1, "L0H1", 1, 1.0},
                                 StoredIntervention{"awft", 0.25, "L0H1,L1H1", 1, 0.5},
                                 StoredIntervention{"awft", 0.25, "L0H1,L1H1", 1, 1.0}));
}

TEST(StaticPlan, GrowsByWhatIsNew) {
  TempFolder folder;
  FakeStudy study = small_study();
  study.runs.push_back({{"ahon_ln", 0.1, "L1H3", 1, 1.0}, 159, {{1, 3}}, {}});
  StudyStore store = store_study(study, folder / "a.db");
  EXPECT_EQ(plan_static_masks(store), 7);
  EXPECT_EQ(store.plan().back().generation, 2);
  EXPECT_THAT(error_of([&] {
                grow_plan(store, std::vector<TriedShare>{{"awft", 0.15}}, 1234);
              }),
              HasSubstr("tests static masks already"));
  EXPECT_EQ(by_input(store.plan()).size(), 7u);
}

TEST(StaticPlan, NothingOffOftenIsNoMask) {
  TempFolder folder;
  FakeStudy study = small_study();
  study.runs.resize(3);
  for (FakeRun& run : study.runs) run.off.clear();
  study.runs[2].half = {{1, 1}};
  StudyStore store = store_study(study, folder / "a.db");
  EXPECT_EQ(plan_static_masks(store), 1);
  EXPECT_EQ(store.plan().back(), (StoredIntervention{"awft", 0.25, "L1H1", 1, 0.5}));
}

TEST(StaticPlan, NeedsAllResults) {
  TempFolder folder;
  StudyStore store = store_study(small_study(), folder / "a.db", {-1, -1, -1, -1, 7});
  EXPECT_THAT(error_of([&] { plan_static_masks(store); }), HasSubstr("ahon_ln@25% has 7 of 200 documents"));
  EXPECT_EQ(store.plan().size(), 7u);
}

}  // namespace
}  // namespace idleheads
