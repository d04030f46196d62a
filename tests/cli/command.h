// Runs the idleheads program as a user would: arguments, environment, exit code, both outputs.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "support/temp_folder.h"

namespace idleheads {

struct Outcome {
  int code = -1;  // exit code; 128 + signal if it was killed
  std::string out;
  std::string err;
  int64_t peak_memory = 0;  // bytes resident at most
};

// IDLEHEADS_BINARY with these arguments; standard input is empty and neither output is a terminal.
Outcome run_idleheads(const std::vector<std::string>& arguments,
                      const std::map<std::string, std::string>& environment = {});

// The same, killed (SIGKILL) after `microseconds` if it still runs then.
Outcome run_and_kill(const std::vector<std::string>& arguments, unsigned microseconds);

// What surrounds a run of the program.
struct Surroundings {
  std::function<void()> before = [] {};  // in its process, before it is the program: limits, descriptors
  std::function<void(pid_t)> meanwhile = [](pid_t) {};  // in this process, while it runs
};
Outcome run_idleheads_in(const Surroundings& surroundings, const std::vector<std::string>& arguments);

void write_file(const std::filesystem::path& path, const std::string& text);

}  // namespace idleheads
