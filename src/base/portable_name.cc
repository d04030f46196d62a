#include "base/portable_name.h"

#include <algorithm>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <vector>

namespace idleheads {
namespace {

namespace fs = std::filesystem;

// "org/name" of a folder "models--org--name" of the Hugging Face cache.
std::string hub_name(std::string_view folder) {
  std::string name(folder.substr(std::string_view("models--").size()));
  for (size_t at = name.find("--"); at != std::string::npos; at = name.find("--", at + 1))
    name.replace(at, 2, "/");
  return name;
}

}  // namespace

std::string portable_name(const std::string& name) {
  std::vector<std::string> parts;
  for (const fs::path& part : fs::path(name)) {
    if (!part.empty() && part != "/") parts.push_back(part.string());  // empty: behind a slash at the end
  }
  const bool leads_out =
      name.starts_with('/') || name.starts_with('~') || std::ranges::count(parts, "..") > 0;
  if (parts.empty() || (!leads_out && parts != std::vector<std::string>{"."})) return name;
  for (size_t i = 0; i < parts.size(); ++i) {
    if (!parts[i].starts_with("models--")) continue;
    std::string found = hub_name(parts[i]);
    for (size_t k = i + 3; k < parts.size(); ++k) found += "/" + parts[k];  // behind snapshots/REVISION
    return found;
  }
  if (parts.back() != "." && parts.back() != "..") return parts.back();
  std::error_code error;
  const fs::path real = fs::canonical(name, error);
  return error ? parts.back() : real.filename().string();
}

}  // namespace idleheads
