#include "base/limited_process.h"

#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <new>
#include <optional>

#include "base/fail.h"

namespace idleheads {
namespace {

// An answer is one byte for how it went, then 8 bytes of length, then the text. A request is the last two.
constexpr char kAnswered = 0, kThrew = 1, kOutOfMemory = 2;
constexpr size_t kLengthBytes = sizeof(uint64_t);
constexpr size_t kHeadBytes = 1 + kLengthBytes;
// Exit codes of the child before it answers anything.
constexpr int kNoThread = 120;

// ---- In the child ----

bool read_all(int socket, void* data, size_t size) {
  auto* bytes = static_cast<char*>(data);
  while (size > 0) {
    const ssize_t count = ::read(socket, bytes, size);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    bytes += count;
    size -= static_cast<size_t>(count);
  }
  return true;
}

bool write_all(int socket, const void* data, size_t size) {
  const auto* bytes = static_cast<const char*>(data);
  while (size > 0) {
    const ssize_t count = ::send(socket, bytes, size, MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    bytes += count;
    size -= static_cast<size_t>(count);
  }
  return true;
}

bool write_answer(int socket, char how, std::string_view text) {
  std::array<char, kHeadBytes> head = {how};
  const uint64_t size = text.size();
  std::memcpy(head.data() + 1, &size, kLengthBytes);
  return write_all(socket, head.data(), head.size()) && write_all(socket, text.data(), text.size());
}

struct Service {
  int socket;
  const ProcessLimits* limits;
  const LimitedProcess::Handler* handler;
};

void lower_limit(decltype(RLIMIT_AS) resource, rlim_t value) {
  rlimit limit = {};
  if (::getrlimit(resource, &limit) != 0) return;
  limit.rlim_cur = std::min(limit.rlim_cur, value);
  ::setrlimit(resource, &limit);
}

// The parent ends a request that takes too long. If it is no longer there, the processor's time ends it.
void limit_processor_time(std::chrono::milliseconds time) {
  rusage used = {};
  ::getrusage(RUSAGE_SELF, &used);
  const auto so_far = static_cast<rlim_t>(used.ru_utime.tv_sec + used.ru_stime.tv_sec);
  const auto allowed = static_cast<rlim_t>(std::chrono::ceil<std::chrono::seconds>(time).count()) + 2;
  rlimit limit = {};
  if (::getrlimit(RLIMIT_CPU, &limit) != 0) return;
  limit.rlim_cur = std::min(limit.rlim_max, so_far + allowed);
  ::setrlimit(RLIMIT_CPU, &limit);
}

bool answer(const Service& service, std::string_view request) {
  try {
    return write_answer(service.socket, kAnswered, (*service.handler)(request));
  } catch (const std::bad_alloc&) {
    return write_answer(service.socket, kOutOfMemory, "");
  } catch (const std::exception& error) {
    return write_answer(service.socket, kThrew, error.what());
  }
}

void* serve(void* argument) {
  const Service& service = *static_cast<const Service*>(argument);
  uint64_t size = 0;
  std::string request;
  while (read_all(service.socket, &size, sizeof(size))) {
    try {
      request.resize(size);
    } catch (const std::exception&) {
      write_answer(service.socket, kOutOfMemory, "");
      break;
    }
    if (!read_all(service.socket, request.data(), request.size())) break;
    limit_processor_time(service.limits->time);
    if (!answer(service, request)) break;
  }
  _exit(0);
}

// Standard streams lead nowhere, and `socket` becomes the only other descriptor. Its new number.
int keep_only(int socket) {
  constexpr int kPlace = 3;
  const int nowhere = ::open("/dev/null", O_RDWR);
  if (socket != kPlace) ::dup2(socket, kPlace);
  for (int stream = 0; stream < kPlace; ++stream) {
    if (nowhere < 0)
      ::close(stream);
    else
      ::dup2(nowhere, stream);
  }
#ifdef SYS_close_range
  if (::syscall(SYS_close_range, kPlace + 1, ~0u, 0) == 0) return kPlace;
#endif
  const long most = ::sysconf(_SC_OPEN_MAX);
  for (int descriptor = kPlace + 1; descriptor < (most < 0 ? 1024 : most); ++descriptor) ::close(descriptor);
  return kPlace;
}

void reset_signals() {
  for (int signal = 1; signal < NSIG; ++signal) ::signal(signal, SIG_DFL);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGPIPE}) ::signal(signal, SIG_IGN);
  sigset_t none;
  sigemptyset(&none);
  pthread_sigmask(SIG_SETMASK, &none, nullptr);
}

// Bytes of address space in use; 0 if /proc does not say.
uint64_t mapped_bytes() {
  const int file = ::open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  std::array<char, 64> text = {};
  const ssize_t count = ::read(file, text.data(), text.size() - 1);
  ::close(file);
  unsigned long long pages = 0;
  if (count <= 0 || std::sscanf(text.data(), "%llu", &pages) != 1) return 0;
  return pages * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
}

[[noreturn]] void run_child(int socket, const ProcessLimits& limits, const LimitedProcess::Handler& handler) {
  reset_signals();
  Service service = {keep_only(socket), &limits, &handler};
  lower_limit(RLIMIT_CORE, 0);
  if (const uint64_t mapped = mapped_bytes(); mapped > 0)
    lower_limit(RLIMIT_AS, mapped + limits.stack_bytes + limits.memory_bytes);
  ::mallopt(M_ARENA_MAX, 1);  // an arena of the thread's own would take 64 MiB of the address space
  pthread_attr_t attributes;
  pthread_t thread = {};
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, limits.stack_bytes);
  if (::pthread_create(&thread, &attributes, serve, &service) != 0) _exit(kNoThread);
  ::pthread_join(thread, nullptr);
  _exit(0);
}

std::string seconds(std::chrono::milliseconds time) {
  return fmt::format("{:g} s", static_cast<double>(time.count()) / 1000.0);
}

}  // namespace

// ---- In this process ----

struct LimitedProcess::Deadline {
  std::chrono::steady_clock::time_point end;

  // Waits until `socket` is ready for `events`. False at the end of the time.
  bool wait(int socket, short events) const {
    for (;;) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
      if (left.count() <= 0) return false;
      pollfd ready = {socket, events, 0};
      const int count = ::poll(&ready, 1, static_cast<int>(std::min<int64_t>(left.count(), 1'000'000)));
      if (count > 0) return true;
    }
  }
};

LimitedProcess::LimitedProcess(std::string name, const ProcessLimits& limits, Handler handler)
    : name_(std::move(name)), limits_(limits), handler_(std::move(handler)) {}

LimitedProcess::~LimitedProcess() { stop(); }

void LimitedProcess::start() {
  std::array<int, 2> ends = {-1, -1};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0)
    fail("{}: cannot start a process for it: {}", name_, std::strerror(errno));
  // No handler of this process may run in the child before it resets them.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const pid_t child = ::fork();
  const int problem = errno;
  if (child == 0) run_child(ends[1], limits_, handler_);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  ::close(ends[1]);
  if (child < 0) {
    ::close(ends[0]);
    fail("{}: cannot start a process for it: {}", name_, std::strerror(problem));
  }
  ::fcntl(ends[0], F_SETFL, O_NONBLOCK);
  child_ = child;
  socket_ = ends[0];
}

void LimitedProcess::stop() noexcept {
  if (child_ < 0) return;
  ::close(socket_);
  ::kill(child_, SIGKILL);
  while (::waitpid(child_, nullptr, 0) < 0 && errno == EINTR) {
  }
  child_ = -1;
  socket_ = -1;
}

namespace {

// Sends all of `data`, or receives all of it. `ready` waits for the socket and is false at the end of the
// time.
template <typename Bytes, typename Move, typename Ready>
std::optional<bool> transfer(Bytes* data, size_t size, const Move& move, const Ready& ready) {
  while (size > 0) {
    const ssize_t count = move(data, size);
    if (count > 0) {
      data += count;
      size -= static_cast<size_t>(count);
    } else if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      if (!ready()) return std::nullopt;
    } else if (count == 0 || errno != EINTR) {
      return false;
    }
  }
  return true;
}

}  // namespace

// False if the child has ended; throws at the end of the time.
bool LimitedProcess::exchange(std::string_view request, std::string& answer, bool& succeeded) {
  const Deadline deadline = {std::chrono::steady_clock::now() + limits_.time};
  const auto send = [&](std::string_view data) {
    return transfer(
        data.data(), data.size(),
        [&](const char* bytes, size_t size) { return ::send(socket_, bytes, size, MSG_NOSIGNAL); },
        [&] { return deadline.wait(socket_, POLLOUT); });
  };
  const auto receive = [&](char* data, size_t size) {
    return transfer(
        data, size, [&](char* bytes, size_t count) { return ::recv(socket_, bytes, count, 0); },
        [&] { return deadline.wait(socket_, POLLIN); });
  };
  const auto done = [&](std::optional<bool> moved) {
    if (!moved) fail_with_end(true);
    return *moved;
  };
  const uint64_t size = request.size();
  std::array<char, kLengthBytes> length;
  std::memcpy(length.data(), &size, kLengthBytes);
  if (!done(send({length.data(), length.size()})) || !done(send(request))) return false;

  std::array<char, kHeadBytes> head;
  if (!done(receive(head.data(), head.size()))) return false;
  uint64_t answer_size = 0;
  std::memcpy(&answer_size, head.data() + 1, kLengthBytes);
  if (head[0] == kOutOfMemory || answer_size > limits_.answer_bytes) {
    stop();
    if (head[0] == kOutOfMemory)
      fail("{}: it needs more than {} MiB of memory", name_, limits_.memory_bytes >> 20);
    fail("{}: its answer has {} bytes, and the most is {}", name_, answer_size, limits_.answer_bytes);
  }
  answer.resize(answer_size);
  succeeded = head[0] == kAnswered;
  return done(receive(answer.data(), answer.size()));
}

void LimitedProcess::fail_with_end(bool timed_out) {
  if (timed_out) {
    stop();
    fail("{}: it needs more than {}", name_, seconds(limits_.time));
  }
  int status = 0;
  pid_t ended = -1;
  do {
    ended = ::waitpid(child_, &status, 0);
  } while (ended < 0 && errno == EINTR);
  ::close(socket_);
  child_ = -1;
  socket_ = -1;
  if (ended > 0 && WIFEXITED(status) && WEXITSTATUS(status) == kNoThread)
    fail("{}: cannot start a process for it: no thread can be started", name_);
  const int signal = ended > 0 && WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  switch (signal) {
    case SIGSEGV:
    case SIGBUS:
      fail("{}: it nests too deeply (its process crashed)", name_);
    case SIGXCPU:
      fail("{}: it needs more than {}", name_, seconds(limits_.time));
    case SIGABRT:
    case SIGKILL:
      fail("{}: it needs more than {} MiB of memory (its process was ended)", name_,
           limits_.memory_bytes >> 20);
    default:
      fail("{}: its process ended without an answer; it nests too deeply or needs more than {} MiB of memory",
           name_, limits_.memory_bytes >> 20);
  }
}

std::string LimitedProcess::ask(std::string_view request) {
  const std::lock_guard lock(mutex_);
  // A child that somebody ended between two requests says nothing about either.
  if (child_ >= 0 && ::waitpid(child_, nullptr, WNOHANG) != 0) {
    ::close(socket_);
    child_ = -1;
    socket_ = -1;
  }
  if (child_ < 0) start();
  std::string answer;
  bool succeeded = false;
  if (!exchange(request, answer, succeeded)) fail_with_end(false);
  if (!succeeded) throw Error(answer);
  return answer;
}

}  // namespace idleheads
