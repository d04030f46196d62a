// Threads that the system does not let start: one line, and those that did start have ended.
#include <fmt/format.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <string>

#include "base/thread_pool.h"
#include "idleheads/base/error.h"
#include "support/sanitizers.h"

namespace idleheads {
namespace {

constexpr unsigned kSecondsToHang = 60;

// What `body` gives in a process of its own, which SIGALRM ends if it hangs.
std::string in_child(const std::function<std::string()>& body) {
  int ends[2];
  EXPECT_EQ(::pipe(ends), 0);
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::alarm(kSecondsToHang);
    const std::string text = body();
    ::_exit(::write(ends[1], text.data(), text.size()) == static_cast<ssize_t>(text.size()) ? 0 : 1);
  }
  ::close(ends[1]);
  std::string text;
  char buffer[1024];
  for (ssize_t size; (size = ::read(ends[0], buffer, sizeof buffer)) > 0;)
    text.append(buffer, static_cast<size_t>(size));
  ::close(ends[0]);
  int status = 0;
  ::waitpid(pid, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "status " << status;
  return text;
}

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
    const std::string message = in_child([&]() -> std::string {
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
  const std::string message = in_child([&]() -> std::string {
    if (!set_limit(RLIMIT_AS, rlim_t{300} << 20)) return "no limit";
    return start_pool(1000);
  });
  EXPECT_EQ(message.rfind("cannot start 1000 threads, only ", 0), 0u) << message;
}

TEST(ThreadsThatCannotStart, WithinTheLimitsTheyStart) {
  EXPECT_EQ(in_child([] { return start_pool(4); }), "started");
}

}  // namespace
}  // namespace idleheads
