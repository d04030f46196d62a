#include "cli/options.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/error.h"
#include "base/memory.h"
#include "engine/device.h"

namespace idleheads::cli {
namespace {

// Text without a suffix as a number, or nothing.
std::optional<double> to_number(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.empty() || !std::isfinite(value))
    return {};
  return value;
}

double parse_percent(const std::string& text, const std::string& whole) {
  const std::optional<double> value = to_number(text);
  if (!value || *value < 0 || *value > 100) {
    fail_usage("--shares '{}': '{}' is not a percentage from 0 to 100; write 0:30:5 or 0,5,10",
               printable(whole), printable(text));
  }
  return *value;
}

}  // namespace

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
  app.add_option("--device", device_name,
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
  app.add_flag("--no-sharing", no_sharing,
               "compute every prompt and intervention by itself (same results, slower)");
}

std::shared_ptr<const Model> EngineFlags::open_model() const { return Model::open(model, context); }

DeviceChoice EngineFlags::device() const { return choose_device(device_name); }

Precision EngineFlags::precision() const {
  const bool is_cpu = device().is_cpu();
  if (dtype == "auto") return is_cpu ? fastest_precision() : Precision::bf16;
  if (dtype == "f32" || dtype == "float32") return Precision::f32;
  if (dtype == "bf16" || dtype == "bfloat16") {
    if (is_cpu && !has_bf16())
      fail_usage("--dtype bf16: this processor has no bf16 products (AVX-512-BF16 or AMX); use f32");
    return Precision::bf16;
  }
  fail_usage("--dtype '{}': expected auto, f32 or bf16", printable(dtype));
}

std::unique_ptr<Engine> EngineFlags::make_engine(std::shared_ptr<const Model> opened) const {
  const int64_t bound = memory.empty() ? usable_bytes() / 2 : parse_bytes("--memory", memory);
  return_large_blocks();
  return std::make_unique<Engine>(
      std::move(opened),
      EngineOptions{.threads = threads,
                    .precision = precision(),
                    .sharing = !no_sharing,
                    .memory = bound,
                    .device = device(),
                    .device_memory = device_memory.empty() ? 0 : parse_bytes("--gpu-memory", device_memory)});
}

int64_t EngineFlags::rows_of_cohort(const Engine& engine) const {
  return cohort_rows.value_or(default_cohort_rows(engine));
}

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  size_t begin = 0;
  for (size_t end = 0; end != std::string::npos; begin = end + 1) {
    end = text.find(separator, begin);
    parts.push_back(text.substr(begin, end == std::string::npos ? end : end - begin));
  }
  return parts;
}

int64_t parse_bytes(std::string_view option, const std::string& text) {
  const size_t digits = text.find_first_not_of("0123456789.");
  const std::optional<double> value = to_number(text.substr(0, digits));
  std::string unit = digits == std::string::npos ? "" : text.substr(digits);
  std::transform(unit.begin(), unit.end(), unit.begin(), [](unsigned char c) { return std::toupper(c); });
  if (unit.ends_with("IB")) unit.resize(unit.size() - 2);
  if (unit.ends_with("B")) unit.resize(unit.size() - 1);
  const size_t power = std::string(" KMGT").find(unit.empty() ? " " : unit);
  if (!value || unit.size() > 1 || power == std::string::npos || *value * std::pow(1024.0, power) > 1e18) {
    fail_usage("{} '{}': expected a size as in 4GiB, 512M", option, printable(text));
  }
  return static_cast<int64_t>(*value * std::pow(1024.0, static_cast<double>(power)));
}

std::vector<double> parse_shares(const std::string& text) {
  std::vector<double> percents;
  const std::vector<std::string> range = split(text, ':');
  if (range.size() == 3) {
    const double first = parse_percent(range[0], text), last = parse_percent(range[1], text);
    const double step = parse_percent(range[2], text);
    if (step <= 0 || last < first || (last - first) / step > 1000) {
      fail_usage("--shares '{}': expected first:last:step with first <= last and a step above 0",
                 printable(text));
    }
    for (int i = 0; first + i * step <= last + 1e-9; ++i) percents.push_back(first + i * step);
  } else {
    for (const std::string& part : split(text, ',')) percents.push_back(parse_percent(part, text));
  }
  std::sort(percents.begin(), percents.end());
  percents.erase(std::unique(percents.begin(), percents.end()), percents.end());
  for (double& percent : percents) percent /= 100;
  return percents;
}

std::vector<const Score*> parse_scores(const std::string& text) {
  std::vector<const Score*> scores;
  if (text == "all") {
    for (const Score& score : paper_scores()) scores.push_back(&score);
    return scores;
  }
  for (const std::string& slug : split(text, ',')) {
    const Score* score = &require_score(slug);
    if (std::find(scores.begin(), scores.end(), score) == scores.end()) scores.push_back(score);
  }
  return scores;
}

}  // namespace idleheads::cli
