// The program under limits, signals and closed descriptors: one line and an exit code, never a crash or a
// hang.
#include "cli/process.h"

#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <thread>

#include "cli/cli_fixture.h"
#include "report/device.h"
#include "support/sanitizers.h"

namespace idleheads {
namespace {

using testing::AllOf;
using testing::AnyOf;
using testing::ContainsRegex;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

constexpr unsigned kSecondsToHang = 60;

void limit(decltype(RLIMIT_AS) resource, rlim_t value) {
  const rlimit wanted = {value, value};
  if (setrlimit(resource, &wanted) != 0) _exit(126);
  alarm(kSecondsToHang);
}

Outcome run_limited(decltype(RLIMIT_AS) resource, rlim_t value, const std::vector<std::string>& arguments) {
  Surroundings surroundings;
  surroundings.before = [=] { limit(resource, value); };
  return run_idleheads_in(surroundings, arguments);
}

class Process : public Cli {
 protected:
  std::vector<std::string> probe(std::vector<std::string> more = {}) {
    std::vector<std::string> arguments = {"probe", model_, "--text", "x", "--dtype", "f32"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }
  Outcome without_descriptors(const std::vector<int>& closed, const std::vector<std::string>& arguments) {
    Surroundings surroundings;
    surroundings.before = [&] {
      for (const int number : closed) close(number);
    };
    return run_idleheads_in(surroundings, arguments);
  }
};

TEST_F(Process, ThreadsThatCannotStart) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can become a user without other processes";
  for (const fs::path& path : {folder_.path(), fs::path(model_)}) fs::permissions(path, fs::perms(0755));
  for (const rlim_t allowed : {1, 2, 3}) {
    Surroundings surroundings;
    surroundings.before = [=] {
      const uid_t nobody = 61'000 + static_cast<uid_t>(getpid() % 1000);
      if (setgroups(0, nullptr) != 0) _exit(126);
      limit(RLIMIT_NPROC, allowed);
      if (setresuid(nobody, nobody, nobody) != 0) _exit(126);
    };
    expect_failure(run_idleheads_in(surroundings, probe({"-t", "8"})), 1,
                   fmt::format("cannot start 8 threads, only {}", allowed));
  }
}

// From what is too little for the program's libraries to what is enough: never a signal.
TEST_F(Process, LittleMemory) {
  if (test::kSanitized) GTEST_SKIP() << "sanitizers need terabytes of addresses";
  int short_of = 0;
  for (rlim_t mib = 60; mib <= 130; mib += 2) {
    const Outcome outcome = run_limited(RLIMIT_AS, mib << 20, probe({"-t", "1"}));
    // The loader, or a library that starts before main(), has no room.
    if (outcome.code == 127 || outcome.err.starts_with("\nlibgomp: ")) continue;
    ASSERT_THAT(outcome.code, AnyOf(0, 1)) << mib << " MiB: " << outcome.err;
    if (outcome.code == 0) continue;
    ++short_of;
    EXPECT_THAT(outcome.err, StartsWith("idleheads: ")) << mib;
    EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 1) << outcome.err;
  }
  EXPECT_GT(short_of, 0);
}

TEST_F(Process, OutOfMemoryNamesWhatBinds) {
  EXPECT_EQ(cli::out_of_memory(true), "out of memory; give a smaller --memory");
  EXPECT_THAT(cli::out_of_memory(false), AllOf(StartsWith("out of memory"), Not(HasSubstr("--memory"))));
  rlimit before = {};
  ASSERT_EQ(getrlimit(RLIMIT_AS, &before), 0);
  const rlimit wanted = {rlim_t{1} << 46, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_AS, &wanted), 0);
  EXPECT_THAT(cli::out_of_memory(false), HasSubstr("allowed 67108864 MiB; raise the limit (ulimit -v)"));
  EXPECT_THAT(cli::out_of_memory(true), EndsWith("(ulimit -v) or give a smaller --memory"));
  setrlimit(RLIMIT_AS, &before);
}

TEST_F(Process, FilesThatMayNotGrow) {
  for (const rlim_t kilobytes : {1, 8}) {
    expect_failure(run_limited(RLIMIT_FSIZE, kilobytes << 10, study("small.db", {"-q"})), 1, "no space left");
  }
  ASSERT_EQ(run_idleheads(study("small.db", {"-q"})).code, 0) << "the same command goes on";
  expect_failure(run_limited(RLIMIT_FSIZE, 1 << 10, {"report", output("small.db"), "-o", output("r.html")}),
                 1, "r.html: cannot be written: File too large");
  EXPECT_FALSE(fs::exists(output("r.html")));
}

TEST_F(Process, ClosedDescriptors) {
  ASSERT_EQ(run_idleheads(study("a.db", {"-q"})).code, 0);
  const std::vector<std::string> report = {"report", output("a.db"), "-o", output("r.html")};
  for (const std::vector<int>& closed : {std::vector{2}, {0, 2}, {0, 1, 2}}) {
    EXPECT_EQ(without_descriptors(closed, report).code, 0);
    EXPECT_THAT(read_text_file(output("r.html")),
                AllOf(StartsWith("<!doctype html>"), EndsWith("</html>\n")));
    EXPECT_EQ(without_descriptors(closed, {"show", output("nope.db")}).code, 1);
    EXPECT_EQ(without_descriptors(closed, {"shwo"}).code, 2);
    EXPECT_EQ(without_descriptors(closed, study("b.db", {"-q"})).code, 0);
    expect_equal_exports("a.db", "b.db");
    fs::remove(output("b.db"));
  }
  expect_failure(without_descriptors({1}, {"show", output("a.db")}), 1, "cannot write");
  expect_failure(without_descriptors({0, 1}, {"export", output("a.db"), "--json"}), 1, "cannot write");
}

TEST_F(Process, FullDevicesForMessagesAreNoReasonToFail) {
  ASSERT_EQ(run_idleheads(study("a.db", {"-q"})).code, 0);
  Surroundings surroundings;
  surroundings.before = [] { dup2(open("/dev/full", O_WRONLY), 2); };
  EXPECT_EQ(run_idleheads_in(surroundings, {"report", output("a.db"), "-o", output("r.html")}).code, 0);
  EXPECT_EQ(run_idleheads_in(surroundings, {"show", output("nope.db")}).code, 1);
  surroundings.before = [] { dup2(open("/dev/full", O_WRONLY), 1); };
  expect_failure(run_idleheads_in(surroundings, {"show", output("a.db")}), 1, "cannot write");
}

// Reading where the file has been cut meanwhile, on this thread or another.
TEST_F(Process, MappedFilesThatAreCut) {
  for (const bool on_other_thread : {false, true}) {
    const fs::path path = folder_ / "cut.gguf";
    write_file(path, std::string(100'000, 'x'));
    const auto read_it = [&] {
      cli::prepare_process({});
      const MappedFile file(path);
      fs::resize_file(path, 0);
      const auto read = [&] { _exit(static_cast<char>(file.bytes()[50'000]) == 'x' ? 3 : 4); };
      on_other_thread ? std::thread(read).join() : read();
    };
    EXPECT_EXIT(read_it(), testing::ExitedWithCode(1),
                "^idleheads: .*cut.gguf: cut while it was in use[^\n]*\n$");
  }
}

TEST_F(Process, OtherBusErrorsEndItAsAlways) {
  const auto send = [] {
    cli::prepare_process({});
    raise(SIGBUS);
  };
  EXPECT_EXIT(send(), testing::KilledBySignal(SIGBUS), "");
}

TEST_F(Process, OutputsOntoDevices) {
  ASSERT_EQ(run_idleheads(study("a.db", {"-q"})).code, 0);
  const Outcome page = run_idleheads({"report", output("a.db"), "-o", "/dev/stdout"});
  EXPECT_EQ(page.code, 0) << page.err;
  EXPECT_THAT(page.out, AllOf(StartsWith("<!doctype html>"), EndsWith("</html>\n")));
  const fs::path null = safe_device("null", folder_.path()), full = safe_device("full", folder_.path());
  if (null.empty() || full.empty()) GTEST_SKIP() << "no devices can be made here";
  for (const char* kind : {"--npz", "--json"}) {
    EXPECT_EQ(run_idleheads({"export", output("a.db"), kind, "-o", null}).code, 0) << kind;
    expect_failure(run_idleheads({"export", output("a.db"), kind, "-o", full}), 1, "No space left");
    EXPECT_TRUE(fs::is_character_file(null) && fs::is_character_file(full));
  }
  expect_failure(run_idleheads({"export", output("a.db"), "--csv", "-o", null}), 1, "cannot be made");
  std::vector<std::string> onto = study("");
  for (const fs::path& place : {null, folder_.path()}) {
    *(std::ranges::find(onto, "-o") + 1) = place.string();
    expect_failure(run_idleheads(onto), 1, "not a file");
  }
}

TEST_F(Process, NoPathOfThisMachineInResults) {
  const std::vector<std::string> run = study("a.db");
  ASSERT_EQ(run_idleheads(run).code, 0);
  const std::string place = folder_.path().filename().string();
  const auto expect_clean = [&](const std::string& file) {
    EXPECT_THAT(read_text_file(file), Not(HasSubstr(place))) << file;
  };
  expect_clean(output("a.db"));
  for (const char* kind : {"--npz", "--json"}) {
    ASSERT_EQ(run_idleheads({"export", output("a.db"), kind, "-o", output("export")}).code, 0);
    expect_clean(output("export"));
  }
  ASSERT_EQ(run_idleheads({"export", output("a.db"), "--figure", "curves", "-o", output("f.svg")}).code, 0);
  for (const char* file : {"f.svg", "f.caption.txt"}) expect_clean(output(file));
  ASSERT_EQ(run_idleheads({"export", output("a.db"), "--csv", "-o", output("csv")}).code, 0);
  ASSERT_EQ(run_idleheads({"report", output("a.db"), output("a.db"), "-o", output("r.html")}).code, 0);
  expect_clean(output("r.html"));
  ASSERT_EQ(
      run_idleheads({"eval", model_, "--task", questions_, "--ablate", "L0H1", "-o", output("eval")}).code,
      0);
  for (const fs::path& folder : {fs::path(output("csv")), fs::path(output("eval"))}) {
    for (const auto& entry : fs::recursive_directory_iterator(folder)) {
      EXPECT_THAT(entry.path().lexically_relative(folder).string(), Not(HasSubstr(place)));
      if (entry.is_regular_file()) expect_clean(entry.path().string());
    }
  }
  EXPECT_THAT(run_idleheads({"export", output("a.db"), "--json"}).out,
              AllOf(HasSubstr("\"info.model\": \"model\""), HasSubstr("\"info.builds\": \"0."),
                    HasSubstr("\"program\": \"0."), ContainsRegex("\"info.date\": \"20..-..-..\""),
                    HasSubstr("\"info.command\": \"idleheads study model --task")));
}

TEST_F(Process, PromptsAreNotKept) {
  ASSERT_EQ(run_idleheads({"score", model_, "--text", "my own", "--text", "- secret", "--dtype", "f32", "-o",
                           output("a.db")})
                .code,
            0);
  ASSERT_EQ(run_idleheads({"score", model_, "--prompt=my secret", "-o", output("b.db")}).code, 0);
  EXPECT_THAT(run_idleheads({"export", output("a.db"), "--json"}).out,
              HasSubstr("\"idleheads score model --text ... --text ... --dtype f32 -o a.db\""));
  EXPECT_THAT(run_idleheads({"export", output("b.db"), "--json"}).out,
              HasSubstr("\"idleheads score model --prompt=... -o b.db\""));
}

}  // namespace
}  // namespace idleheads
