#include "cli/process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

#include "base/fail.h"
#include "base/mapped_file.h"
#include "base/memory.h"
#include "base/portable_name.h"
#include "base/words.h"
#include "idleheads_memory.h"

namespace idleheads::cli {
namespace {

volatile std::sig_atomic_t g_interrupted = 0;
std::span<char* const> g_arguments;  // without the program's name

void on_interrupt(int signal) {
  g_interrupted = 1;
  std::signal(signal, SIG_DFL);
}

void catch_interrupt(int signal) {
  struct sigaction before = {};
  if (sigaction(signal, nullptr, &before) == 0 && before.sa_handler == SIG_IGN) return;
  struct sigaction action = {};
  action.sa_handler = on_interrupt;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  sigaction(signal, &action, nullptr);
}

// Only what may be called in a signal handler.
void say_at_once(const char* text) {
  for (size_t left = std::strlen(text); left > 0;) {
    const ssize_t written = ::write(STDERR_FILENO, text, left);
    if (written <= 0) return;
    text += written;
    left -= static_cast<size_t>(written);
  }
}

void on_bus_error(int signal, siginfo_t* info, void*) {
  const bool by_kernel = info->si_code > 0;  // else somebody sent it, and there is no address
  const char* file = by_kernel ? mapped_file_at(info->si_addr) : nullptr;
  if (file == nullptr) {  // let it end the process as always
    std::signal(signal, SIG_DFL);
    ::raise(signal);
    return;
  }
  say_at_once("idleheads: ");
  say_at_once(file);
  say_at_once(
      ": cut while it was in use, or its disk cannot be read; what was computed since is not kept: start "
      "again\n");
  ::_exit(1);
}

// std::bad_alloc of the Rust part, which has none.
extern "C" void on_out_of_memory() {
  say_at_once(
      "idleheads: out of memory: raise the limit of this process (ulimit -v) or end other programs\n");
  ::_exit(1);
}

void catch_bus_errors() {
  struct sigaction action = {};
  action.sa_sigaction = on_bus_error;
  action.sa_flags = SA_SIGINFO;
  sigemptyset(&action.sa_mask);
  sigaction(SIGBUS, &action, nullptr);
}

// Lowest free numbers come first, so 0, 1, 2 are filled in order.
void open_standard_descriptors() {
  for (const int number : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(number, F_GETFD) >= 0 || errno != EBADF) continue;
    // Reading from 0 and writing to 1 must go on failing.
    if (::open("/dev/null", number == STDOUT_FILENO ? O_RDONLY : O_WRONLY) != number) return;
  }
}

// Each part between commas, as in --task=a.jsonl,b.jsonl, without the folders of this machine.
std::string portable_argument(const std::string& text) {
  size_t at = text.starts_with("--") ? text.find('=') + 1 : 0;
  std::string shown = text.substr(0, at);
  for (size_t end = 0; end != std::string::npos; at = end + 1) {
    end = text.find(',', at);
    shown += portable_name(text.substr(at, end == std::string::npos ? end : end - at));
    if (end != std::string::npos) shown += ',';
  }
  return shell_word(shown);
}

}  // namespace

void prepare_process(std::span<char* const> arguments) {
  g_arguments = arguments.subspan(std::min<size_t>(1, arguments.size()));
  open_standard_descriptors();
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) catch_interrupt(signal);
  std::signal(SIGXFSZ, SIG_IGN);
  catch_bus_errors();
  idleheads_on_out_of_memory(on_out_of_memory);
  return_large_blocks();
}

bool interrupted() { return g_interrupted != 0; }

std::string command_line() {
  std::string line = "idleheads";
  bool is_prompt = false;  // what people type as a prompt is nobody else's business
  for (const std::string argument : g_arguments) {
    const std::string option = argument.substr(0, argument.find('='));
    if (is_prompt) {
      line += " ...";
      is_prompt = false;
    } else if (option == "--text" || option == "--prompt" || option == "-p") {
      is_prompt = option == argument;
      line += " " + option + (option == argument ? "" : "=...");
    } else {
      line += " " + portable_argument(argument);
    }
  }
  return printable(line, 4000);
}

std::string out_of_memory(bool has_memory_flag) {
  const char* flag = has_memory_flag ? " or give a smaller --memory" : "";
  for (const auto& [resource, option] : {std::pair{RLIMIT_AS, "-v"}, std::pair{RLIMIT_DATA, "-d"}}) {
    rlimit limit = {};
    if (getrlimit(resource, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) continue;
    return fmt::format("out of memory: this process is allowed {} MiB; raise the limit (ulimit {}){}",
                       limit.rlim_cur >> 20, option, flag);
  }
  if (has_memory_flag) return "out of memory; give a smaller --memory";
  return "out of memory; end other programs or use a machine with more";
}

}  // namespace idleheads::cli
