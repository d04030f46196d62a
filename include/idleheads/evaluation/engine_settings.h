// How a model is opened and run, as a user says it: by names and sizes in words.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "idleheads/engine/engine.h"
#include "idleheads/heads/score.h"

namespace idleheads {

// The program's flags of the same names; `idleheads man` has them all.
struct EngineSettings {
  // GGUF file (of a split model: any part), folder of Hugging Face or GGUF files, or org/name[@revision] in
  // the local Hugging Face cache; org/name:Q8_0 chooses the GGUF file with that in its name.
  std::string model;
  std::string dtype = "auto";  // of matrix products: "f32", "bf16", "auto" (bf16 where there is hardware)
  std::string memory;          // bound of the process's memory, "4GiB"; empty: half of the machine's
  std::string device = "cpu";  // "cpu", "cuda", "cuda:N", "auto"
  std::string device_memory;   // bound of the device's, "40GiB"; empty: what is free
  int64_t context = 0;         // longest prompt in tokens; 0: the model's context
  int threads = 0;             // 0: as many as the process may use
  std::optional<int64_t> cohort_rows = {};  // tokens that run together at most; none: by memory
  bool sharing = true;   // false: every prompt and intervention by itself, same results, slower
  uint64_t seed = 1234;  // of the random score

  // All throw Error or UsageError: no such model, a setting that means nothing, hardware that is not there.
  std::shared_ptr<const Model> open_model() const;
  DeviceChoice device_choice() const;
  Precision precision() const;
  std::unique_ptr<Engine> make_engine(std::shared_ptr<const Model> model) const;
  int64_t rows_of_cohort(const Engine& engine) const;
};

// "4GiB", "512M", "2.5G" to bytes; K, M, G, T are powers of 1024. Throws UsageError that names the option.
int64_t parse_bytes(std::string_view option, const std::string& text);

// "0:30:5" (first:last:step) or "0,5,10" in percent to shares in [0, 1]. Throws UsageError.
std::vector<double> parse_shares(const std::string& text);

// "all" (with random), or slugs with commas between. Throws UsageError with the nearest name.
std::vector<const Score*> parse_scores(const std::string& text);

}  // namespace idleheads
