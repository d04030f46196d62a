#include "base/thread_pool.h"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <condition_variable>
#include <cstdlib>
#include <exception>
#include <limits>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#include "base/cgroup.h"
#include "base/fail.h"

namespace idleheads {
namespace {

// Slurm's number of processors for a task, which not every cluster enforces.
int of_batch_system() {
  const char* text = std::getenv("SLURM_CPUS_PER_TASK");
  const int count = text == nullptr ? 0 : std::atoi(text);
  return count > 0 ? count : std::numeric_limits<int>::max();
}

int usable_processors() {
  cpu_set_t set;
  const bool is_known = sched_getaffinity(0, sizeof(set), &set) == 0;
  const int there = is_known ? CPU_COUNT(&set) : static_cast<int>(std::thread::hardware_concurrency());
  const double allowed = std::min(std::ceil(cgroup_limits().processors), 1e6);
  return std::max(1, std::min({there, static_cast<int>(allowed), of_batch_system()}));
}

}  // namespace

struct ThreadPool::Shared {
  std::vector<std::thread> workers;
  std::mutex mutex;
  std::condition_variable start, done;
  const std::function<void(int64_t, int)>* body = nullptr;
  int64_t count = 0;
  uint64_t generation = 0;  // rises by one with every loop
  int running = 0;          // workers still inside the current loop
  bool stop = false;
  std::atomic<int64_t> next = 0;
  std::exception_ptr error;

  void take_part(int thread) {
    try {
      for (int64_t i = next++; i < count; i = next++) (*body)(i, thread);
    } catch (...) {
      const std::lock_guard lock(mutex);
      if (!error) error = std::current_exception();
      next = count;
    }
  }

  void work(int thread) {
    uint64_t seen = 0;
    std::unique_lock lock(mutex);
    while (true) {
      start.wait(lock, [&] { return stop || generation != seen; });
      if (stop) return;
      seen = generation;
      lock.unlock();
      take_part(thread);
      lock.lock();
      if (--running == 0) done.notify_one();
    }
  }

  // Ends and joins the workers that run. Between loops only.
  ~Shared() {
    {
      const std::lock_guard lock(mutex);
      stop = true;
    }
    start.notify_all();
    for (std::thread& worker : workers) worker.join();
  }
};

ThreadPool::ThreadPool(int threads) : shared_(std::make_unique<Shared>()) {
  const int total = threads > 0 ? threads : usable_processors();
  shared_->workers.reserve(static_cast<size_t>(total - 1));
  for (int i = 1; i < total; ++i) {
    try {
      shared_->workers.emplace_back([shared = shared_.get(), i] { shared->work(i); });
    } catch (const std::system_error& error) {
      fail(
          "cannot start {} threads, only {}: {}; give a smaller --threads, or raise the limits of processes "
          "and "
          "memory (ulimit -u, ulimit -v)",
          total, i, error.code().message());
    }
  }
}

ThreadPool::~ThreadPool() = default;

int ThreadPool::threads() const { return static_cast<int>(shared_->workers.size()) + 1; }

void ThreadPool::parallel_for(int64_t count, const std::function<void(int64_t, int)>& body) {
  Shared& s = *shared_;
  {
    const std::lock_guard lock(s.mutex);
    s.body = &body;
    s.count = count;
    s.next = 0;
    s.error = nullptr;
    s.running = static_cast<int>(s.workers.size());
    ++s.generation;
  }
  s.start.notify_all();
  s.take_part(0);
  std::unique_lock lock(s.mutex);
  s.done.wait(lock, [&] { return s.running == 0; });
  if (s.error) std::rethrow_exception(s.error);
}

}  // namespace idleheads
