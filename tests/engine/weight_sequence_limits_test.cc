// Weights are streamed also where no thread can be started to read ahead.
#include <grp.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/weight_sequence.h"

namespace idleheads {
namespace {

// Exit code of the child: 0 right, 1 wrong, 2 an exception, 3 not set up.
int stream_without_threads() {
  const rlimit one = {1, 1};
  const uid_t nobody = 62'000 + static_cast<uid_t>(::getpid() % 1000);  // a user without other processes
  if (::setgroups(0, nullptr) != 0 || ::setrlimit(RLIMIT_NPROC, &one) != 0 ||
      ::setresuid(nobody, nobody, nobody) != 0) {
    return 3;
  }
  try {
    auto sequence = WeightSequence<int64_t>::streamed(3, [](int64_t i) { return 10 * i; });
    for (const int64_t i : {0, 1, 2, 0, 2, 1}) {
      if (*sequence.get(i) != 10 * i) return 1;
    }
    return 0;
  } catch (const std::exception&) {
    return 2;
  }
}

TEST(WeightSequenceLimits, NoThreadToReadAhead) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can become a user without other processes";
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::alarm(60);
    ::_exit(stream_without_threads());
  }
  int status = 0;
  ::waitpid(pid, &status, 0);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace idleheads
