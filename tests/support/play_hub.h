// A server on this machine that plays the Hugging Face Hub (play_hub.py), and an environment that leads to
// it.
#pragma once

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "support/temp_folder.h"

namespace idleheads::test {

class PlayHub {
 public:
  PlayHub() {
    int ends[2] = {};
    if (::pipe(ends) != 0) throw std::runtime_error("pipe");
    child_ = ::fork();
    if (child_ == 0) {
      ::dup2(ends[0], STDIN_FILENO);
      ::close(ends[0]);
      ::close(ends[1]);
      ::execlp("python3", "python3", IDLEHEADS_PLAY_HUB, folder_.string().c_str(), nullptr);
      ::_exit(127);
    }
    ::close(ends[0]);
    input_ = ends[1];
    for (int tries = 0; !std::filesystem::exists(folder_ / "address"); ++tries) {
      if (tries == 3000 || ::waitpid(child_, nullptr, WNOHANG) != 0)
        throw std::runtime_error("python3 does not serve the made-up Hub");
      ::usleep(10'000);
    }
    std::ifstream(folder_ / "address") >> address_;
    for (const char* variable : kVariables) ::unsetenv(variable);
    ::setenv("HF_ENDPOINT", address_.c_str(), 1);
    ::setenv("HF_HOME", (folder_ / "home").c_str(), 1);
    ::setenv("no_proxy", "*", 1);
  }
  ~PlayHub() {
    ::close(input_);
    ::kill(child_, SIGKILL);
    ::waitpid(child_, nullptr, 0);
    for (const char* variable : kVariables) ::unsetenv(variable);
  }
  PlayHub(const PlayHub&) = delete;
  PlayHub& operator=(const PlayHub&) = delete;

  const std::string& address() const { return address_; }
  std::filesystem::path cache() const { return folder_ / "home" / "hub"; }
  const TempFolder& folder() const { return folder_; }

  // A file of a repository: "models/org/name/main/config.json".
  void serve(const std::string& path, std::string_view content) const {
    folder_.write("repos/" + path, content);
  }
  // All files of a folder.
  void serve_folder(const std::string& path, const std::filesystem::path& from) const {
    std::filesystem::create_directories((folder_ / "repos" / path).parent_path());
    std::filesystem::copy(from, folder_ / "repos" / path, std::filesystem::copy_options::recursive);
  }
  // What the server does instead, as play_hub.py says.
  void rules(const std::vector<nlohmann::json>& rules) const {
    folder_.write("rules.new", nlohmann::json(rules).dump());
    std::filesystem::rename(folder_ / "rules.new", folder_ / "rules.json");
  }

  // What was asked since the last call.
  std::vector<nlohmann::json> requests() {
    std::ifstream file(folder_ / "requests.jsonl");
    std::vector<nlohmann::json> all;
    for (std::string line; std::getline(file, line);) all.push_back(nlohmann::json::parse(line));
    std::vector<nlohmann::json> fresh(all.begin() + static_cast<std::ptrdiff_t>(seen_), all.end());
    seen_ = all.size();
    return fresh;
  }

 private:
  static constexpr const char* kVariables[] = {"HF_ENDPOINT",
                                               "HF_HOME",
                                               "HF_HUB_CACHE",
                                               "HUGGINGFACE_HUB_CACHE",
                                               "XDG_CACHE_HOME",
                                               "HF_TOKEN",
                                               "HF_TOKEN_PATH",
                                               "HUGGING_FACE_HUB_TOKEN",
                                               "HF_HUB_OFFLINE",
                                               "TRANSFORMERS_OFFLINE",
                                               "HF_HUB_DISABLE_IMPLICIT_TOKEN",
                                               "HF_HUB_DOWNLOAD_TIMEOUT",
                                               "no_proxy"};
  TempFolder folder_;
  std::string address_;
  pid_t child_ = -1;
  int input_ = -1;
  size_t seen_ = 0;
};

}  // namespace idleheads::test
