// A fixed set of threads that share loops. The caller's thread takes part, so `threads == 1` starts none.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

namespace idleheads {

class ThreadPool {
 public:
  // 0 threads: as many as the process may use, by its set of processors, its control group and
  // SLURM_CPUS_PER_TASK. Throws Error if the system does not let them all start; those that did have ended by
  // then.
  explicit ThreadPool(int threads = 0);
  ~ThreadPool();

  int threads() const;

  // Calls body(index, thread) for every index in [0, count), each once, in any order, and returns when all
  // are done. `thread` is in [0, threads()), for scratch memory. The first exception thrown by a body is
  // thrown again here after the loop has stopped; indices not begun by then are skipped. Not re-entrant.
  void parallel_for(int64_t count, const std::function<void(int64_t index, int thread)>& body);

 private:
  struct Shared;
  std::unique_ptr<Shared> shared_;
};

}  // namespace idleheads
