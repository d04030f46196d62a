// Options that several subcommands share: the model and how to run it. task_options.h has the tasks'.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "study/evaluate.h"

namespace idleheads::cli {

// What every MODEL argument accepts.
constexpr const char* kModelHelp =
    "GGUF file (of a split model: any part), folder of Hugging Face or GGUF files, or org/name[@revision] in "
    "the "
    "local Hugging Face cache; org/name:Q8_0 chooses the GGUF file with that in its name";

struct EngineFlags {
  std::string model;
  std::string dtype = "auto";
  std::string memory, device_name = "cpu", device_memory;
  int64_t context = 0;
  int threads = 0;
  std::optional<int64_t> cohort_rows;
  bool no_sharing = false;
  uint64_t seed = 1234;

  void add_to(CLI::App& app);
  std::shared_ptr<const Model> open_model() const;
  DeviceChoice device() const;  // throws Error, UsageError
  Precision precision() const;  // throws UsageError
  std::unique_ptr<Engine> make_engine(std::shared_ptr<const Model> model) const;
  int64_t rows_of_cohort(const Engine& engine) const;
};

// "4GiB", "512M", "2.5G" to bytes; K, M, G, T are powers of 1024. Throws UsageError that names the option.
int64_t parse_bytes(std::string_view option, const std::string& text);

// "0:30:5" (first:last:step) or "0,5,10" in percent to shares in [0, 1]. Throws UsageError.
std::vector<double> parse_shares(const std::string& text);

// "all" (with random), or slugs with commas between. Throws UsageError with the nearest name.
std::vector<const Score*> parse_scores(const std::string& text);

// Parts of a text between separators; at least one.
std::vector<std::string> split(const std::string& text, char separator);

}  // namespace idleheads::cli
