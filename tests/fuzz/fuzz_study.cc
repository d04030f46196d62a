// Any bytes taken as a study file: an Error or results, never a crash, a hang or much memory.
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "idleheads/base/error.h"
#include "idleheads/studyfile/store.h"

namespace {

const std::filesystem::path& input_file();

// Also those beside it: an input must not be read with the log that an earlier one left.
void remove_files() {
  for (const char* suffix : {"", "-wal", "-shm", "-journal"})
    std::filesystem::remove(input_file().string() + suffix);
}

// One file for the whole run, in memory where the system has a place for that.
const std::filesystem::path& input_file() {
  static const auto& path = *new const std::filesystem::path([] {
    const std::filesystem::path memory = "/dev/shm";
    const auto folder =
        std::filesystem::is_directory(memory) ? memory : std::filesystem::temp_directory_path();
    std::atexit(remove_files);
    return folder / ("fuzz_study_" + std::to_string(::getpid()) + ".db");
  }());  // never destroyed: it is needed at exit
  return path;
}

void read_everything(const idleheads::StudyStore& store) {
  store.settings();
  store.documents();
  const auto plan = store.plan();
  store.done();
  store.results(0, true);
  for (size_t i = 0; i < plan.size(); ++i) store.results(static_cast<int64_t>(i), i % 2 == 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  remove_files();
  std::ofstream(input_file(), std::ios::binary)
      .write(reinterpret_cast<const char*>(data), static_cast<std::streamsize>(size));
  try {
    read_everything(idleheads::StudyStore::open_read_only(input_file()));
  } catch (const idleheads::Error&) {
  }
  return 0;
}
