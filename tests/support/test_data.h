// Files of tests/data.
#pragma once

#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace idleheads {

inline std::string test_data(const std::string& name) {
  return std::string(IDLEHEADS_TEST_DATA) + "/" + name;
}

// Rows of a tab-separated file.
inline std::vector<std::vector<std::string>> read_tsv(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error("no file " + path);
  std::vector<std::vector<std::string>> rows;
  for (std::string line; std::getline(file, line);) {
    std::vector<std::string>& row = rows.emplace_back();
    size_t begin = 0;
    while (true) {
      const size_t end = line.find('\t', begin);
      row.push_back(line.substr(begin, end - begin));
      if (end == line.npos) break;
      begin = end + 1;
    }
  }
  return rows;
}

}  // namespace idleheads
