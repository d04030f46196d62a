// A model and its engine as Python holds them: one caller at a time, others wait, and an end to it.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "engine/engine.h"
#include "watch.h"

namespace idleheads {

// How a model is opened, with sizes as numbers.
struct SharedEngineSettings {
  std::string dtype = "auto", device = "cpu";
  int64_t memory = 0, device_memory = 0;  // bytes; 0: half of the machine's, what is free
  int threads = 0;
  int64_t context = 0;
};

class SharedEngine {
 public:
  // Opens the model and packs its weights. Throws Error (Model::open, Engine) and UsageError.
  SharedEngine(const std::string& model, const SharedEngineSettings& settings);

  // The functions below throw Error once it is closed. They are called with the GIL.
  std::shared_ptr<const Model> model() const;
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
  std::optional<Engine> engine_;
  std::string description_;
  Precision precision_ = Precision::f32;
  pid_t process_;
  std::timed_mutex mutex_;
  std::atomic<std::thread::id> user_ = std::thread::id();
};

}  // namespace idleheads
