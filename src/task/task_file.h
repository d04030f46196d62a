// Tasks that are a file of one's own, known by how its name ends.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace idleheads {

// The task format of a file with this name: "jsonl" (questions), "text" of a .txt; empty: it is none.
std::string_view format_of_file(std::string_view name);

// A label that fits a table and a message.
bool is_label(std::string_view text);

// The file's name without its ending, or `otherwise` if that is no label.
std::string label_of(const std::filesystem::path& file, const std::string& otherwise);

}  // namespace idleheads
