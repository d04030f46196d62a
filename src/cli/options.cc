#include "cli/options.h"

namespace idleheads::cli {

void EngineFlags::add_to(CLI::App& app) {
  app.add_option("model", model, kModelHelp)->required();
  app.add_option("--dtype", dtype, "matrix products in f32, bf16 or auto (bf16 where the processor has it)")
      ->capture_default_str();
  app.add_option(
         "--context", context,
         "longest prompt in tokens (default: the model's context; more goes beyond what it was trained "
         "for)")
      ->check(CLI::Range(1, 1 << 24));
  app.add_option("--threads,-t", threads, "threads (default: as many as the process may use)")
      ->check(CLI::Range(1, 4096));
  app.add_option(
      "--memory", memory,
      "bound of the process's memory, as in 4GiB: weights that do not fit are streamed (default: half of "
      "the machine's)");
  app.add_option("--device", device,
                 "what computes: cpu, cuda, cuda:N, or auto (a CUDA device if there is one; idleheads info "
                 "--devices)")
      ->capture_default_str();
  app.add_option("--gpu-memory", device_memory,
                 "bound of the device's memory, as in 40GiB (default: what is free)");
  app.add_option(
         "--cohort-rows", cohort_rows,
         "tokens that run together at most, not counting what they share (default: by memory; a study takes "
         "fewer where they would run longer than two minutes: results are stored after each cohort)")
      ->check(CLI::Range(int64_t{1}, int64_t{1} << 40));
  app.add_option("--seed", seed, "of the random control")->capture_default_str();
  app.add_flag_callback(
      "--no-sharing", [this] { sharing = false; },
      "compute every prompt and intervention by itself (same results, slower)");
}

}  // namespace idleheads::cli
