#include "model/hub_cache.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "base/environment.h"
#include "base/fail.h"
#include "base/mapped_file.h"
#include "base/words.h"

namespace idleheads {
namespace {

namespace fs = std::filesystem;

// $NAME and ${NAME}; one that is not set stays as it is.
std::string with_variables(const std::string& text) {
  const auto is_name = [](unsigned char c) { return std::isalnum(c) || c == '_'; };
  std::string out;
  for (size_t at = 0; at < text.size();) {
    const bool braced = text.compare(at, 2, "${") == 0;
    const size_t begin = at + (braced ? 2 : 1);
    size_t end = begin;
    while (text[at] == '$' && end < text.size() && is_name(static_cast<unsigned char>(text[end]))) ++end;
    const std::string value =
        end > begin && end <= text.size() ? environment(text.substr(begin, end - begin)) : "";
    const bool closed = !braced || (end < text.size() && text[end] == '}');
    if (text[at] == '$' && closed && !value.empty()) {
      out += value;
      at = end + (braced ? 1 : 0);
    } else {
      out += text[at++];
    }
  }
  return out;
}

fs::path expanded(const std::string& path) {
  const bool home = path == "~" || path.starts_with("~/");
  return with_variables(home ? environment("HOME") + path.substr(1) : path);
}

// $HF_HOME, $XDG_CACHE_HOME/huggingface or ~/.cache/huggingface
fs::path hub_home() {
  if (const std::string path = environment("HF_HOME"); !path.empty()) return expanded(path);
  if (const std::string path = environment("XDG_CACHE_HOME"); !path.empty())
    return expanded(path) / "huggingface";
  return fs::path(environment("HOME")) / ".cache" / "huggingface";
}

bool is_plain(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_' || c == '.';
}

}  // namespace

fs::path hub_cache() {
  for (const char* name : {"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"}) {
    if (const std::string path = environment(name); !path.empty()) return expanded(path);
  }
  return hub_home() / "hub";
}

fs::path hub_token_file() {
  const std::string path = environment("HF_TOKEN_PATH");
  return path.empty() ? hub_home() / "token" : expanded(path);
}

std::string hub_folder(HubKind kind, std::string repository) {
  if (const size_t slash = repository.find('/'); slash != repository.npos) repository.replace(slash, 1, "--");
  return (kind == HubKind::model ? "models--" : "datasets--") + repository;
}

std::optional<fs::path> hub_snapshot(const std::string& repository, const std::string& revision) {
  const fs::path folder = hub_cache() / repository;
  const fs::path reference = folder / "refs" / revision;
  std::string commit = revision;
  std::error_code ignored;
  if (fs::is_regular_file(reference, ignored)) {
    commit = read_text_file(reference, 4096);
    commit.erase(std::find_if(commit.begin(), commit.end(), [](unsigned char c) { return std::isspace(c); }),
                 commit.end());
  }
  // A file name and nothing else: what a reference holds must not lead out of the repository.
  const bool plain =
      !commit.empty() && commit != "." && commit != ".." && commit.find('/') == std::string::npos;
  const fs::path snapshot = folder / "snapshots" / commit;
  if (!plain || !fs::is_directory(snapshot, ignored)) return std::nullopt;
  return snapshot;
}

std::optional<HubName> parse_hub_name(std::string model) {
  HubName name;
  if (const size_t colon = model.find(':'); colon != std::string::npos) {
    name.text = model.substr(colon + 1);
    model.resize(colon);
    if (name.text.empty()) return std::nullopt;
  }
  const size_t file = model.find('/', model.find('/') + 1);
  if (file != std::string::npos && model.find('/') != std::string::npos && name.text.empty() &&
      lower_case(model).ends_with(".gguf")) {
    name.text = model.substr(file + 1);
    model.resize(file);
  }
  const size_t at = model.find('@');
  if (std::count(model.begin(), model.end(), '/') != 1 || model.find('/') > at || model.front() == '/' ||
      model.back() == '/' || model.front() == '.' || model.size() >= 200 ||
      !std::all_of(model.begin(), model.end(), [](char c) { return is_plain(c) || c == '/' || c == '@'; })) {
    return std::nullopt;
  }
  name.repository = model.substr(0, at);
  if (at != std::string::npos) name.revision = model.substr(at + 1);
  return name;
}

bool is_revision(const std::string& revision) {
  return !revision.empty() && revision.size() < 200 && revision.front() != '.' &&
         std::all_of(revision.begin(), revision.end(), is_plain);
}

std::string fetch_command(const HubName& name) {
  std::string command = "idleheads fetch model " + name.repository;
  if (name.revision != "main") command += " --revision " + shell_word(printable(name.revision, 200));
  if (!name.text.empty()) command += " --file " + shell_word(printable(name.text, 200));
  return command;
}

}  // namespace idleheads
