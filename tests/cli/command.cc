#include "cli/command.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iterator>

namespace idleheads {
namespace {

std::string read_all(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

[[noreturn]] void run_child(const std::vector<std::string>& arguments,
                            const std::map<std::string, std::string>& environment,
                            const std::filesystem::path& out, const std::filesystem::path& err,
                            const std::function<void()>& before) {
  for (const auto& [name, value] : environment) setenv(name.c_str(), value.c_str(), 1);
  const int input = open("/dev/null", O_RDONLY);
  const int output = open(out.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  const int errors = open(err.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  dup2(input, 0);
  dup2(output, 1);
  dup2(errors, 2);
  std::vector<char*> argv = {const_cast<char*>(IDLEHEADS_BINARY)};
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  before();
  execv(IDLEHEADS_BINARY, argv.data());
  _exit(127);
}

Outcome run(const std::vector<std::string>& arguments, const std::map<std::string, std::string>& environment,
            const Surroundings& surroundings) {
  const test::TempFolder folder;
  const pid_t child = fork();
  if (child == 0) run_child(arguments, environment, folder / "out", folder / "err", surroundings.before);
  surroundings.meanwhile(child);
  int status = 0;
  rusage usage = {};
  wait4(child, &status, 0, &usage);
  const int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return {code, read_all(folder / "out"), read_all(folder / "err"), usage.ru_maxrss * 1024};
}

}  // namespace

Outcome run_idleheads(const std::vector<std::string>& arguments,
                      const std::map<std::string, std::string>& environment) {
  return run(arguments, environment, {});
}

Outcome run_and_kill(const std::vector<std::string>& arguments, unsigned microseconds) {
  Surroundings surroundings;
  surroundings.meanwhile = [&](pid_t child) {
    usleep(microseconds);
    kill(child, SIGKILL);
  };
  return run(arguments, {}, surroundings);
}

Outcome run_idleheads_in(const Surroundings& surroundings, const std::vector<std::string>& arguments) {
  return run(arguments, {}, surroundings);
}

void write_file(const std::filesystem::path& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

}  // namespace idleheads
