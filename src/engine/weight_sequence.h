// Things that are used one after the other in a fixed order, round after round (a model's layers): all in
// memory, or each loaded in the background while the one before it is in use.
#pragma once

#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <system_error>
#include <utility>
#include <vector>

#include "base/thread_pool.h"

namespace idleheads {

template <typename T>
class WeightSequence {
 public:
  using Load = std::function<T(int64_t index)>;

  WeightSequence() = default;

  // All of them, loaded in parallel; the first exception of `load` comes out here.
  static WeightSequence resident(int64_t count, ThreadPool& pool, const Load& load) {
    WeightSequence sequence(count);
    sequence.resident_.resize(static_cast<size_t>(count));
    pool.parallel_for(count, [&](int64_t i, int) {
      sequence.resident_[static_cast<size_t>(i)] = std::make_shared<const T>(load(i));
    });
    return sequence;
  }

  // At most two at a time, the one in use and the next one. `load` runs on a thread of its own.
  static WeightSequence streamed(int64_t count, Load load) {
    return recycled(count, [load = std::move(load)](int64_t index, std::unique_ptr<T> spare) {
      spare.reset();  // before memory is taken for another
      return load(index);
    });
  }

  // The same, and one that is no longer in use is handed over, so that its memory need not be taken again.
  using Reload = std::function<T(int64_t index, std::unique_ptr<T> spare)>;
  static WeightSequence recycled(int64_t count, Reload load) {
    WeightSequence sequence(count);
    sequence.load_ = std::move(load);
    return sequence;
  }

  int64_t size() const { return count_; }

  // Waits until it is there; an exception of its loading comes out here. The caller lets go of it before it
  // asks for another. Not for several threads at once.
  std::shared_ptr<const T> get(int64_t index) {
    if (!load_) return resident_[static_cast<size_t>(index)];
    std::unique_ptr<T> spare, loaded;
    if (in_use_) spare = std::make_unique<T>(std::move(*in_use_));
    in_use_ = nullptr;
    // Also when it is another one: two loads at a time would need memory for three.
    if (next_.valid()) loaded = next_.get();
    if (!loaded || next_index_ != index) {
      std::swap(spare, loaded);
      loaded = std::make_unique<T>(load_(index, std::move(loaded)));
    }
    in_use_ = std::move(loaded);
    load_ahead((index + 1) % count_, std::move(spare));
    return in_use_;
  }

 private:
  explicit WeightSequence(int64_t count) : count_(count) {}

  void load_ahead(int64_t index, std::unique_ptr<T> spare) {
    next_index_ = index;
    try {
      next_ = std::async(
          std::launch::async,
          [load = load_, index](std::unique_ptr<T> old) {
            return std::make_unique<T>(load(index, std::move(old)));
          },
          std::move(spare));
    } catch (const std::system_error&) {
      // No thread could be started just now; the next get() loads without one, only slower.
    }
  }

  int64_t count_ = 0;
  std::vector<std::shared_ptr<const T>> resident_;
  Reload load_;
  std::shared_ptr<T> in_use_;
  int64_t next_index_ = -1;
  std::future<std::unique_ptr<T>> next_;
};

}  // namespace idleheads
