#include "cli/options.h"

#include <string>

#include "cli/command_tree.h"
#include "cli/values.h"

namespace idleheads::cli {

CLI::Option* add_model(CLI::App& app, std::string& model) {
  return app.add_option("model,--model,-m", model, kModelHelp);
}

void add_progress(CLI::App& app, ProgressForm& form) {
  const auto set = [&form](const std::string& word) {
    form = word == "json" ? ProgressForm::json : word == "none" ? ProgressForm::none : ProgressForm::line;
  };
  app.add_option_function<std::string>(
         "--progress", set,
         "progress on stderr: a line, JSON objects a line each (docs/export_format.md), or none "
         "(default: line)")
      ->transform(one_of({"line", "json", "none"}));
}

void EngineFlags::add_to(CLI::App& app) {
  begin_group(app, "Model and engine");
  add_model(app, model)->required();
  app.add_option("--dtype", dtype, "matrix products in f32, bf16 or auto (bf16 where the processor has it)")
      ->type_name("TYPE")
      ->capture_default_str();
  app.add_option(
         "--context,-c", context,
         "longest prompt in tokens (default: the model's context; more goes beyond what it was trained "
         "for)")
      ->check(whole_number(1, 1 << 24));
  app.add_option("--threads,-t", threads, "threads (default: as many as the process may use)")
      ->check(whole_number(1, 4096));
  app.add_option(
         "--memory", memory,
         "bound of the process's memory, as in 4GiB: weights that do not fit are streamed (default: half of "
         "the machine's)")
      ->type_name("BYTES");
  app.add_option("--device", device,
                 "what computes: cpu, cuda, cuda:N, or auto (a CUDA device if there is one; idleheads info "
                 "--devices)")
      ->type_name("DEVICE")
      ->capture_default_str();
  app.add_option("--gpu-memory", device_memory,
                 "bound of the device's memory, as in 40GiB (default: what is free)")
      ->type_name("BYTES");
  app.add_option(
         "--cohort-rows", cohort_rows,
         "tokens that run together at most, not counting what they share (default: by memory; a study takes "
         "fewer where they would run longer than two minutes: results are stored after each cohort)")
      ->check(whole_number(1, int64_t{1} << 40));
  app.add_option("--seed", seed, "of the random control")->capture_default_str();
  app.add_flag_callback(
      "--no-sharing", [this] { sharing = false; },
      "compute every prompt and intervention by itself (same results, slower)");
}

}  // namespace idleheads::cli
