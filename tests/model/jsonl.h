// JSON Lines files of tests/data.
#pragma once

#include <string>
#include <vector>

#include "base/mapped_file.h"
#include "format/json.h"

namespace idleheads::test {

inline std::filesystem::path data_path(const std::string& name) {
  return std::filesystem::path(IDLEHEADS_TEST_DATA) / name;
}

// One value a line of tests/data/prompts/<name>.
inline std::vector<Json> read_prompts(const std::string& name) {
  const std::string text = read_text_file(data_path("prompts/" + name));
  std::vector<Json> lines;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    lines.push_back(
        parse_json(text.substr(begin, end - begin), name, static_cast<int64_t>(lines.size()) + 1));
    begin = end + 1;
  }
  return lines;
}

}  // namespace idleheads::test
