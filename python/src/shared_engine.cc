#include "shared_engine.h"

#include <unistd.h>

#include "base/error.h"
#include "base/memory.h"
#include "engine/device.h"

namespace idleheads {
namespace {

Precision precision_of(const std::string& dtype, const DeviceChoice& device) {
  if (dtype == "auto") return device.is_cpu() ? fastest_precision() : Precision::bf16;
  if (dtype == "f32" || dtype == "float32") return Precision::f32;
  if (dtype == "bf16" || dtype == "bfloat16") {
    if (device.is_cpu() && !has_bf16())
      fail_usage("dtype bf16: this processor has no bf16 products (AVX-512-BF16 or AMX); use f32");
    return Precision::bf16;
  }
  fail_usage("dtype '{}': expected auto, f32 or bf16", printable(dtype));
}

EngineOptions options_of(const SharedEngineSettings& settings) {
  EngineOptions options;
  options.threads = settings.threads;
  options.device = choose_device(settings.device);
  options.precision = precision_of(settings.dtype, options.device);
  options.memory = settings.memory > 0 ? settings.memory : usable_bytes() / 2;
  options.device_memory = settings.device_memory;
  return options;
}

void require_range(const char* name, int64_t value, int64_t most) {
  if (value < 0 || value > most) fail_usage("{} {}: expected 1 to {}", name, value, most);
}

}  // namespace

SharedEngine::SharedEngine(const std::string& model, const SharedEngineSettings& settings)
    : process_(getpid()) {
  require_range("threads", settings.threads, 4096);
  require_range("context", settings.context, int64_t{1} << 24);
  require_range("memory", settings.memory, int64_t{1} << 60);
  require_range("gpu_memory", settings.device_memory, int64_t{1} << 60);
  const EngineOptions options = options_of(settings);
  precision_ = options.precision;
  description_ = engine_description(options.precision, options.device);
  model_ = Model::open(model, settings.context);
  engine_.emplace(model_, options);
}

std::shared_ptr<const Model> SharedEngine::model() const {
  if (!model_) fail_closed();
  return model_;
}

std::string SharedEngine::precision() const { return precision_ == Precision::bf16 ? "bf16" : "f32"; }

void SharedEngine::close() {
  require_process();
  {
    nb::gil_scoped_release release;
    const Turn turn(*this);
    engine_.reset();
  }
  model_.reset();
}

void SharedEngine::fail_closed() { fail("the model is closed; open it again with idleheads.Model"); }

// The engine's threads are in the process that made it.
void SharedEngine::require_process() const {
  if (getpid() != process_)
    fail("the model was opened before this process was forked; open it here, or start processes by spawn");
}

SharedEngine::Turn::Turn(SharedEngine& engine) : engine_(engine) {
  if (engine.user_ == std::this_thread::get_id())
    fail("the model is at work; its own progress function cannot use it");
  while (!engine.mutex_.try_lock_for(std::chrono::milliseconds(100))) check_signals();
  engine.user_ = std::this_thread::get_id();
}

SharedEngine::Turn::~Turn() {
  engine_.user_ = std::thread::id();
  engine_.mutex_.unlock();
}

}  // namespace idleheads
