#include "task/task_file.h"

#include "base/fail.h"
#include "task/unicode.h"

namespace idleheads {

std::string_view format_of_file(std::string_view name) {
  if (name.ends_with(".jsonl")) return "jsonl";
  return name.ends_with(".txt") ? "text" : "";
}

bool is_label(std::string_view text) {
  return !text.empty() && text.size() <= 200 && strip(text) == text && printable(text, text.size()) == text;
}

std::string label_of(const std::filesystem::path& file, const std::string& otherwise) {
  std::string label = file.stem().string();
  return is_label(label) ? label : otherwise;
}

}  // namespace idleheads
