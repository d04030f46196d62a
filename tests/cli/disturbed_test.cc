// A study whose files are taken away, or that is told to stop, while it runs.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "cli/cli_fixture.h"

namespace idleheads {
namespace {

using testing::AllOf;
using testing::AnyOf;
using testing::HasSubstr;

// The child stays to be waited for.
bool has_ended(pid_t child) {
  siginfo_t info = {};
  return waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
         info.si_pid == child;
}

class Disturbed : public Cli {
 protected:
  Disturbed() {
    // Questions for some seconds, stored one by one.
    std::ofstream questions(questions_);
    for (int i = 0; i < 250; ++i) {
      questions << fmt::format(
                       R"({{"question": "What is {}?", "choices": ["a rose", "the sea"], "answer": {}}})", i,
                       i % 2)
                << "\n";
    }
  }

  std::vector<std::string> long_study(std::vector<std::string> more = {}) {
    std::vector<std::string> all = {"-q", "-t", "1", "--cohort-rows", "1"};
    all.insert(all.end(), more.begin(), more.end());
    return study("a.db", all);
  }

  // `change` happens when some results are stored, long before the end.
  Outcome run_disturbed(const std::vector<std::string>& arguments, const std::function<void(pid_t)>& change) {
    Surroundings surroundings;
    surroundings.before = [] { alarm(300); };
    surroundings.meanwhile = [&](pid_t child) {
      const fs::path log = output("a.db-wal");
      std::error_code error;
      while (!has_ended(child) && !(fs::file_size(log, error) > 100'000 && !error)) usleep(1000);
      change(child);
    };
    return run_idleheads_in(surroundings, arguments);
  }

  void expect_stopped(const std::function<void(pid_t)>& change, const std::string& message) {
    expect_failure(run_disturbed(long_study(), change), 1, message);
    fs::remove(output("a.db"));
  }
};

TEST_F(Disturbed, StudyRemovedEmptiedReplaced) {
  expect_stopped([&](pid_t) { fs::remove(output("a.db")); },
                 "a.db: removed while the study was being written");
  expect_stopped([&](pid_t) { fs::resize_file(output("a.db"), 0); }, "a.db: cut from");
  expect_stopped([&](pid_t) { fs::rename(output("a.db"), output("b.db")); }, "a.db: moved while");
  EXPECT_EQ(run_idleheads({"show", output("b.db")}).code, 0) << "what was stored is whole";
}

TEST_F(Disturbed, ModelChangedOrCut) {
  const fs::path weights = fs::path(model_) / "model.safetensors";
  const std::string before = read_text_file(weights);
  for (const bool cut : {false, true}) {
    SCOPED_TRACE(cut);
    write_file(weights, before);
    const Outcome outcome = run_disturbed(long_study(), [&](pid_t) {
      if (cut) {
        fs::resize_file(weights, fs::file_size(weights) / 2);
      } else {
        std::fstream(weights, std::ios::in | std::ios::out | std::ios::binary).seekp(-1000, std::ios::end)
            << "changed";
      }
    });
    expect_failure(outcome, 1, "model.safetensors: c");  // changed, or cut
    EXPECT_THAT(outcome.err, HasSubstr("while it was in use"));
    fs::remove(output("a.db"));
  }
}

// The time of modification can be set back; the system's own time of change cannot, and then the contents
// decide.
TEST_F(Disturbed, ModelChangedUnderItsOldTime) {
  const fs::path weights = fs::path(model_) / "model.safetensors";
  expect_stopped(
      [&](pid_t) {
        const auto time = fs::last_write_time(weights);
        std::fstream(weights, std::ios::in | std::ios::out | std::ios::binary).seekp(-1000, std::ios::end)
            << "changed";
        fs::last_write_time(weights, time);
      },
      "changed while it was in use");
}

TEST_F(Disturbed, ModelRemovedIsNoReasonToStop) {
  EXPECT_EQ(
      run_disturbed(long_study(), [&](pid_t) { fs::remove(fs::path(model_) / "model.safetensors"); }).code,
      0);
}

TEST_F(Disturbed, SignalsThatAskToStop) {
  for (const int signal : {SIGHUP, SIGINT, SIGTERM}) {
    const Outcome outcome = run_disturbed(long_study(), [=](pid_t child) { kill(child, signal); });
    EXPECT_EQ(outcome.code, 130) << outcome.err;
    EXPECT_THAT(outcome.err, HasSubstr(" results of the baseline are stored, "));
    EXPECT_FALSE(fs::exists(output("a.db-wal"))) << "tidied up";
    EXPECT_FALSE(fs::exists(output("a.db.lock")));
    EXPECT_EQ(run_idleheads({"show", output("a.db")}).code, 0);
    fs::remove(output("a.db"));
  }
}

TEST_F(Disturbed, IgnoredSignalsStayIgnored) {
  Surroundings surroundings;
  surroundings.before = [] {
    alarm(300);
    signal(SIGHUP, SIG_IGN);  // nohup
  };
  surroundings.meanwhile = [&](pid_t child) {
    while (!has_ended(child) && !fs::exists(output("a.db-wal"))) usleep(1000);
    kill(child, SIGHUP);
  };
  EXPECT_EQ(run_idleheads_in(surroundings, study("a.db", {"-q", "-t", "1"})).code, 0);
}

}  // namespace
}  // namespace idleheads
