// A model and its engine as Python holds them: one caller at a time, others wait, and an end to it.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "idleheads/evaluation/engine_settings.h"
#include "model/checkpoint.h"
#include "watch.h"

namespace idleheads {

class SharedEngine {
 public:
  // Opens the model and packs its weights. Throws Error (Model::open, Engine) and UsageError.
  explicit SharedEngine(EngineSettings settings);

  // The functions below throw Error once it is closed. They are called with the GIL.
  std::shared_ptr<const Model> model() const;
  const EngineSettings& settings() const { return settings_; }
  const std::string& description() const { return description_; }
  std::string precision() const;
  bool is_closed() const { return model_ == nullptr; }
  // Waits for who is using the engine.
  void close();

  // work(Engine&) without the GIL, when no other thread uses the engine. Ctrl-C ends the waiting.
  template <typename Work>
  auto use(const Work& work) {
    require_process();
    nb::gil_scoped_release release;
    const Turn turn(*this);
    if (!engine_) fail_closed();
    auto result = work(*engine_);
    engine_->model().checkpoint().require_unchanged();
    return result;
  }

 private:
  // The right to use the engine.
  class Turn {
   public:
    explicit Turn(SharedEngine& engine);
    ~Turn();

   private:
    SharedEngine& engine_;
  };

  [[noreturn]] static void fail_closed();
  void require_process() const;

  std::shared_ptr<const Model> model_;
  EngineSettings settings_;
  std::unique_ptr<Engine> engine_;
  std::string description_;
  pid_t process_;
  std::timed_mutex mutex_;
  std::atomic<std::thread::id> user_ = std::thread::id();
};

}  // namespace idleheads
