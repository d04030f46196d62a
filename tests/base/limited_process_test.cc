#include "base/limited_process.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <thread>
#include <vector>

#include "base/fail.h"
#include "support/errors.h"
#include "support/sanitizers.h"

namespace idleheads {
namespace {

using testing::HasSubstr;
using testing::StartsWith;
using namespace std::chrono_literals;

// What a handler of the tests does is the request's first word.
std::string handle(std::string_view request) {
  if (request == "throw") fail("the handler's own words");
  if (request == "crash") ::raise(SIGSEGV);
  if (request == "abort") std::abort();
  if (request == "exit") ::_exit(7);
  if (request == "hang") {
    for (;;) ::usleep(1000);
  }
  if (request == "work") {
    for (std::atomic<uint64_t> step = 0;;) ++step;
  }
  if (request == "memory") {
    std::vector<std::unique_ptr<char[]>> blocks;
    for (;;) blocks.push_back(std::make_unique<char[]>(size_t{1} << 20));
  }
  if (request == "large") return std::string(size_t{80} << 20, 'x');
  if (request == "pid") return std::to_string(::getpid());
  if (request == "signals") {
    struct sigaction action = {};
    ::sigaction(SIGUSR1, nullptr, &action);
    return action.sa_handler == SIG_DFL ? "default" : "kept";
  }
  if (request.starts_with("fd ")) {
    return ::fcntl(std::atoi(std::string(request.substr(3)).c_str()), F_GETFD) < 0 ? "closed" : "open";
  }
  return std::string(request);
}

int depth_of(int depth) {
  volatile char frame[1024];
  frame[0] = static_cast<char>(depth);
  return depth == 0 ? frame[0] : depth_of(depth - 1) + frame[0];
}

// Far more time than any request takes that ends by itself.
const ProcessLimits kSmall = {
    .memory_bytes = uint64_t{64} << 20, .stack_bytes = uint64_t{16} << 20, .time = 60s};

std::string error_of(LimitedProcess& process, std::string_view request) {
  return test::error_of([&] { process.ask(request); });
}

bool has_children() { return ::waitpid(-1, nullptr, WNOHANG) >= 0 || errno != ECHILD; }

TEST(LimitedProcess, AnswersOneRequestAfterTheOther) {
  LimitedProcess process("work", kSmall, handle);
  EXPECT_EQ(process.ask("a"), "a");
  EXPECT_EQ(process.ask(""), "");
  const std::string large(size_t{20} << 20, 'y');
  EXPECT_EQ(process.ask(large), large);
  const std::string pid = process.ask("pid");
  EXPECT_NE(pid, std::to_string(::getpid()));
  EXPECT_EQ(process.ask("pid"), pid) << "one child for all requests";
}

TEST(LimitedProcess, ErrorsOfTheHandlerKeepTheirWordsAndTheChild) {
  LimitedProcess process("work", kSmall, handle);
  const std::string pid = process.ask("pid");
  EXPECT_EQ(error_of(process, "throw"), "the handler's own words");
  EXPECT_EQ(process.ask("pid"), pid);
}

TEST(LimitedProcess, EveryWrongEndIsOneLineAndTheNextRequestIsAnswered) {
  LimitedProcess process("work", kSmall, handle);
  EXPECT_THAT(error_of(process, "crash"), HasSubstr("nests too deeply"));
  EXPECT_EQ(process.ask("a"), "a");
  EXPECT_THAT(error_of(process, "abort"), HasSubstr("memory"));
  EXPECT_EQ(process.ask("a"), "a");
  EXPECT_THAT(error_of(process, "exit"), HasSubstr("ended without an answer"));
  EXPECT_EQ(process.ask("a"), "a");
}

TEST(LimitedProcess, MemoryIsBounded) {
  if (test::kSanitized) GTEST_SKIP() << "sanitizers wait for ever where the system gives them no memory";
  LimitedProcess process("work", kSmall, handle);
  EXPECT_THAT(error_of(process, "memory"), StartsWith("work: it needs more than 64 MiB of memory"));
  EXPECT_EQ(process.ask("a"), "a");
  EXPECT_THAT(error_of(process, "large"), StartsWith("work: it needs more than 64 MiB of memory"));
  EXPECT_EQ(process.ask("a"), "a");
}

TEST(LimitedProcess, ARequestThatNeverEndsIsEnded) {
  LimitedProcess process("work", {.time = 500ms}, handle);
  EXPECT_EQ(error_of(process, "hang"), "work: it needs more than 0.5 s");
  EXPECT_EQ(error_of(process, "work"), "work: it needs more than 0.5 s");
}

TEST(LimitedProcess, AnswersAreBounded) {
  LimitedProcess process("work", {.answer_bytes = 10}, handle);
  EXPECT_EQ(process.ask("0123456789"), "0123456789");
  EXPECT_EQ(error_of(process, "0123456789a"), "work: its answer has 11 bytes, and the most is 10");
  EXPECT_EQ(process.ask("b"), "b");
}

TEST(LimitedProcess, TheStackIsAsLargeAsAsked) {
  if (test::kSanitized) GTEST_SKIP() << "sanitizers keep frames elsewhere";
  const auto depth = [](std::string_view request) {
    return std::to_string(depth_of(std::atoi(std::string(request).c_str())) > 0 ? 1 : 0);
  };
  LimitedProcess process("work", {.stack_bytes = uint64_t{64} << 20}, depth);
  EXPECT_NO_THROW(process.ask("20000"));  // 20 MiB and more
  EXPECT_NE(error_of(process, "2000000"), "no error");
  EXPECT_NO_THROW(process.ask("20000"));
}

TEST(LimitedProcess, HoldsNoDescriptorsAndNoHandlersOfItsParent) {
  const std::filesystem::path path = std::filesystem::path(testing::TempDir()) / "idleheads_limited_process";
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT, 0600);
  ASSERT_GE(file, 0);
  ASSERT_EQ(::flock(file, LOCK_EX), 0);
  const auto before = ::signal(SIGUSR1, [](int) {});
  LimitedProcess process("work", kSmall, handle);
  EXPECT_EQ(process.ask("fd " + std::to_string(std::max(file, 4))), "closed");
  EXPECT_EQ(process.ask("fd 3"), "open") << "its own socket";
  EXPECT_EQ(process.ask("signals"), "default");
  ::signal(SIGUSR1, before);
  ::close(file);
  const int again = ::open(path.c_str(), O_RDWR);
  EXPECT_EQ(::flock(again, LOCK_EX | LOCK_NB), 0) << "the child would hold the lock";
  ::close(again);
  std::filesystem::remove(path);
}

TEST(LimitedProcess, AKilledChildIsReplacedAndNoneStays) {
  {
    LimitedProcess process("work", kSmall, handle);
    ::kill(std::atoi(process.ask("pid").c_str()), SIGKILL);
    ::usleep(20'000);
    EXPECT_EQ(process.ask("a"), "a");
  }
  EXPECT_FALSE(has_children());
}

TEST(LimitedProcess, MayBeAskedFromSeveralThreads) {
  LimitedProcess process("work", kSmall, handle);
  std::vector<std::thread> threads;
  for (int index = 0; index < 4; ++index) {
    threads.emplace_back([&process, index] {
      for (int step = 0; step < 50; ++step)
        EXPECT_EQ(process.ask(std::to_string(index)), std::to_string(index));
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(LimitedProcess, SaysSoIfNoProcessCanBeStarted) {
  constexpr uid_t kNobody = 65534;
  const bool root = ::geteuid() == 0;  // whom limits of processes do not bind
  if (root && ::setresuid(kNobody, kNobody, 0) != 0) GTEST_SKIP() << "no other user can be taken on";
  rlimit before = {};
  ASSERT_EQ(::getrlimit(RLIMIT_NPROC, &before), 0);
  const rlimit none = {0, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NPROC, &none), 0);
  LimitedProcess process("work", kSmall, handle);
  EXPECT_THAT(error_of(process, "a"), StartsWith("work: cannot start a process for it: "));
  EXPECT_EQ(::setrlimit(RLIMIT_NPROC, &before), 0);
  EXPECT_EQ(process.ask("a"), "a");
  if (root) {
    EXPECT_EQ(::setresuid(0, 0, 0), 0);
  }
}

}  // namespace
}  // namespace idleheads
