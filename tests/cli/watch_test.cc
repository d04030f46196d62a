// A page that is written again while its study grows.
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <optional>

#include "cli/cli_fixture.h"
#include "report/report_fixture.h"

namespace idleheads {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr const char* kRefresh = "<meta http-equiv=\"refresh\" content=\"1\">";

class Watch : public Cli {
 protected:
  // Its last intervention has 100 of 200 results: 1,300 of 1,400 in all.
  StudyStore half_done() { return store_study(study_, output("a.db"), {-1, -1, -1, -1, -1, -1, 100}); }

  void add_the_rest(StudyStore& store) {
    Cohort cohort;
    for (int64_t d = 100; d < 200; ++d) cohort.emplace_back(6, fake_result(study_, 6, d));
    store.add(cohort);
  }

  std::string page() {
    return fs::exists(output("a.html")) ? read_text_file(output("a.html")) : std::string();
  }

  std::string messages() { return read_text_file(output("messages")); }

  void wait_for(const std::string& text) {
    for (int i = 0; i < 6000 && page().find(text) == std::string::npos; ++i) usleep(10'000);
    EXPECT_THAT(page(), HasSubstr(text));
  }
  void wait_for_message(const std::string& text) {
    for (int i = 0; i < 6000 && messages().find(text) == std::string::npos; ++i) usleep(10'000);
    EXPECT_THAT(messages(), HasSubstr(text));
  }

  // Its standard error goes into messages().
  Outcome watched(const std::function<void(pid_t)>& meanwhile) {
    write_file(output("messages"), "");
    Surroundings surroundings;
    surroundings.before = [&] {
      alarm(300);
      dup2(open(output("messages").c_str(), O_WRONLY | O_APPEND), STDERR_FILENO);
    };
    surroundings.meanwhile = meanwhile;
    Outcome outcome = run_idleheads_in(surroundings, {"report", output("a.db"), "--watch", "1"});
    outcome.err = messages();
    return outcome;
  }

  FakeStudy study_ = small_study();
};

TEST_F(Watch, PageFollowsTheStudyUntilItIsFinished) {
  std::optional<StudyStore> store = half_done();
  const Outcome outcome = watched([&](pid_t) {
    wait_for("\"done\":1300,\"all\":1400,\"is_whole\":false");
    EXPECT_THAT(page(), HasSubstr(kRefresh));
    add_the_rest(*store);
    wait_for("\"done\":1400,\"all\":1400,\"is_whole\":true");
    EXPECT_THAT(page(), HasSubstr(kRefresh)) << "whoever writes the study may have more";
    store.reset();
  });
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr(": 1400 of 1400 results; finished\n"));
  EXPECT_THAT(page(), Not(HasSubstr(kRefresh)));
  EXPECT_THAT(page(), HasSubstr("\"written\":\"20"));
}

// Its writer was killed: said once, and the page follows again when the study goes on.
TEST_F(Watch, SaysThatNobodyWritesAndGoesOn) {
  half_done();
  const std::string note = "a.db: 1300 of 1400 results, and no process of this machine writes it";
  const Outcome outcome = watched([&](pid_t) {
    wait_for_message(note);
    sleep(3);  // in which it looks again
    StudyStore store = StudyStore::open(output("a.db"), study_.settings, study_.documents);
    add_the_rest(store);
  });
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(outcome.err.find(note), outcome.err.rfind(note)) << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr("finished"));
}

TEST_F(Watch, OfAFinishedStudyEndsAtOnce) {
  store_study(study_, output("a.db"));
  EXPECT_EQ(watched([](pid_t) {}).code, 0);
  EXPECT_THAT(page(), Not(HasSubstr(kRefresh)));
}

TEST_F(Watch, InterruptedLeavesAPageThatDoesNotLoadItselfAgain) {
  const StudyStore store = half_done();
  const Outcome outcome = watched([&](pid_t child) {
    wait_for(kRefresh);
    kill(child, SIGINT);
  });
  EXPECT_EQ(outcome.code, 130);
  EXPECT_THAT(outcome.err, HasSubstr("has what was stored until now"));
  EXPECT_THAT(page(), Not(HasSubstr(kRefresh)));
  EXPECT_THAT(page(), HasSubstr("\"done\":1300"));
}

TEST_F(Watch, Refuses) {
  store_study(study_, output("a.db"));
  for (const char* seconds : {"0", "-1", "86401", "1.5", "soon"})
    expect_failure(run_idleheads({"report", output("a.db"), fmt::format("--watch={}", seconds)}), 2,
                   "is no number of seconds from 1 to 86400");
  expect_failure(run_idleheads({"report", output("a.db"), "--watch", output("b.db")}), 2,
                 "study files come before it");
  expect_failure(run_idleheads({"report", output("none.db"), "--watch"}), 1, "none.db");
  EXPECT_FALSE(fs::exists(output("a.html")));
}

TEST_F(Watch, WithoutItAnUnfinishedStudySaysWhenThePageWasWritten) {
  half_done();
  ASSERT_EQ(run_idleheads({"report", output("a.db")}).code, 0);
  EXPECT_THAT(page(), HasSubstr("\"written\":\"20"));
  EXPECT_THAT(page(), Not(HasSubstr("http-equiv=\"refresh\"")));
}

}  // namespace
}  // namespace idleheads
