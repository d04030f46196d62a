// Threads that the system does not let start: one line, and those that did start have ended.
#include <fmt/format.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <string>

#include "base/thread_pool.h"
#include "idleheads/base/error.h"
#include "support/child_process.h"
#include "support/sanitizers.h"

namespace idleheads {
namespace {

std::string start_pool(int threads) {
  try {
    ThreadPool pool(threads);
    return "started";
  } catch (const Error& error) {
    return error.what();
  }
}

bool set_limit(decltype(RLIMIT_AS) resource, rlim_t value) {
  const rlimit limit = {value, value};
  return ::setrlimit(resource, &limit) == 0;
}

TEST(ThreadsThatCannotStart, TooManyProcesses) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can become a user without other processes";
  for (const rlim_t allowed : {1, 2, 3}) {
    const std::string message = test::text_of_child([&]() -> std::string {
      const uid_t nobody = 60'000 + static_cast<uid_t>(::getpid() % 1000);  // no one else runs as this
      if (!set_limit(RLIMIT_NPROC, allowed) || ::setgroups(0, nullptr) != 0 ||
          ::setresuid(nobody, nobody, nobody) != 0)
        return "cannot become an ordinary user";
      return start_pool(8);
    });
    EXPECT_EQ(message.rfind(fmt::format("cannot start 8 threads, only {}: ", allowed), 0), 0u) << message;
    EXPECT_NE(message.find("give a smaller --threads"), std::string::npos) << message;
    EXPECT_EQ(message.find('\n'), std::string::npos);
  }
}

TEST(ThreadsThatCannotStart, TooLittleMemoryForTheirStacks) {
  if (test::kSanitized) GTEST_SKIP() << "sanitizers need terabytes of addresses";
  const std::string message = test::text_of_child([&]() -> std::string {
    if (!set_limit(RLIMIT_AS, rlim_t{300} << 20)) return "no limit";
    return start_pool(1000);
  });
  EXPECT_EQ(message.rfind("cannot start 1000 threads, only ", 0), 0u) << message;
}

TEST(ThreadsThatCannotStart, WithinTheLimitsTheyStart) {
  EXPECT_EQ(test::text_of_child([] { return start_pool(4); }), "started");
}

}  // namespace
}  // namespace idleheads
