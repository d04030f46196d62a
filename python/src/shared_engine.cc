#include "shared_engine.h"

#include <unistd.h>

#include "base/fail.h"

namespace idleheads {
namespace {

void require_range(const char* name, int64_t value, int64_t most) {
  if (value < 0 || value > most) fail_usage("{} {}: expected 1 to {}", name, value, most);
}

}  // namespace

SharedEngine::SharedEngine(EngineSettings settings) : settings_(std::move(settings)), process_(getpid()) {
  require_range("threads", settings_.threads, 4096);
  require_range("context", settings_.context, int64_t{1} << 24);
  description_ = engine_description(settings_.precision(), settings_.device_choice());
  model_ = settings_.open_model();
  engine_ = settings_.make_engine(model_);
}

std::shared_ptr<const Model> SharedEngine::model() const {
  if (!model_) fail_closed();
  return model_;
}

std::string SharedEngine::precision() const {
  return settings_.precision() == Precision::bf16 ? "bf16" : "f32";
}

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
