// A child process that answers requests within limits of memory, time and depth: for work that input from a
// stranger can make crash, run for ever or take all memory. Such an end is an Error of one line here, and the
// program goes on.
//
// The child is a fork of this process, started by the first request and kept for the next ones, so a request
// costs two copies of its bytes and not a start. It has
//   - a bound on its address space: what is mapped when it starts plus `memory_bytes` (and its stack); no
//   core dump;
//   - no descriptors but its own, so it holds no file, lock or pipe of this process open; its standard
//   streams are /dev/null;
//   - default signal handlers, and those that a terminal sends to a whole group ignored: this process decides
//   when it ends;
//   - a stack of `stack_bytes`, on a thread of its own;
//   - no end by exit(): nothing that this process registered with atexit runs, no buffer is written twice.
// It ends when its LimitedProcess is destroyed and when this process dies, however that comes about: at once
// if it waits, else after its request, for which its processor time is bounded too. (A signal at the parent's
// death would come at the death of the thread that started it.)
//
// The handler runs after fork() in a process that may have had other threads: it must not need a lock that
// one of them can hold (malloc's are safe), nor threads of this process, nor files that are open here.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>

namespace idleheads {

struct ProcessLimits {
  uint64_t memory_bytes = uint64_t{512} << 20;
  uint64_t stack_bytes = uint64_t{64} << 20;
  uint64_t answer_bytes = uint64_t{64} << 20;  // longest answer
  std::chrono::milliseconds time{10'000};      // for one request, by the clock
};

class LimitedProcess {
 public:
  // Runs in the child. What it throws becomes the Error of ask().
  using Handler = std::function<std::string(std::string_view request)>;

  // `name` begins the messages ("chat template"). Nothing is started yet.
  LimitedProcess(std::string name, const ProcessLimits& limits, Handler handler);
  ~LimitedProcess();
  LimitedProcess(const LimitedProcess&) = delete;
  LimitedProcess& operator=(const LimitedProcess&) = delete;

  // The handler's answer to the request. Throws Error with the handler's own message, or "<name>: ..." if the
  // child could not be started or reached a limit; then the next request starts another child. May be called
  // from several threads, one at a time runs.
  std::string ask(std::string_view request);

 private:
  struct Deadline;
  void start();
  void stop() noexcept;
  bool exchange(std::string_view request, std::string& answer, bool& succeeded);
  [[noreturn]] void fail_with_end(bool timed_out);

  const std::string name_;
  const ProcessLimits limits_;
  const Handler handler_;
  std::mutex mutex_;
  pid_t child_ = -1;
  int socket_ = -1;
};

}  // namespace idleheads
