// Any bytes as a file of questions: a task that holds together, or an Error of one line.
#include <cstdlib>
#include <cstring>

#include "fuzz/input_file.h"
#include "idleheads/base/error.h"
#include "idleheads/task/task.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  idleheads::TaskOptions options;
  options.data = idleheads::write_input(data, size, ".jsonl");
  try {
    const idleheads::Task task = idleheads::load_task("jsonl", options);
    for (const idleheads::Document& document : task.documents) {
      const auto choices = static_cast<int>(document.continuations.size());
      if (choices < 2 || document.gold < 0 || document.gold >= choices) std::abort();
    }
    if (task.documents.empty()) std::abort();
  } catch (const idleheads::Error& error) {
    if (std::strlen(error.what()) > 1500 || std::strchr(error.what(), '\n') != nullptr) std::abort();
  }
  return 0;
}
