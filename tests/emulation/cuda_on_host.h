// Runs CUDA kernels on the CPU for tests: one fiber a thread, blocks one after the other. What a kernel needs
// of CUDA is here under its own name, so that the same source is compiled by nvcc and by the host's compiler.
//
// Fibers go on in an order drawn from `schedule().seed`: a missing barrier shows as results that depend on
// it, a barrier that not all threads reach as an error. Shared memory is poisoned before each block.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <mutex>
#include <random>
#include <stdexcept>
#include <utility>
#include <vector>

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __restrict__

struct uint2 {
  unsigned x, y;
};
struct alignas(16) uint4 {
  unsigned x, y, z, w;
};
inline int min(int a, int b) { return a < b ? a : b; }
inline int max(int a, int b) { return a > b ? a : b; }

struct dim3 {
  unsigned x = 1, y = 1, z = 1;
};

// Saves the callee-saved registers on the stack, its place in *from, and goes on at `to`.
extern "C" void emulated_switch(void** from, void* to);
asm(R"(
.text
.type emulated_switch, @function
emulated_switch:
  push %rbp; push %rbx; push %r12; push %r13; push %r14; push %r15
  mov %rsp, (%rdi)
  mov %rsi, %rsp
  pop %r15; pop %r14; pop %r13; pop %r12; pop %rbx; pop %rbp
  ret
.size emulated_switch, .-emulated_switch
)");

namespace emulated {

constexpr unsigned kWarp = 32;
constexpr size_t kStack = 128 << 10;

class Block {
 public:
  // Runs `body` once for each of `threads` threads (whole warps) until all have ended.
  void run(unsigned threads, size_t shared_bytes, uint64_t seed, const std::function<void()>& body) {
    if (threads % kWarp != 0) throw std::runtime_error("a block must be whole warps");
    body_ = &body;
    random_.seed(seed);
    shared_.assign(shared_bytes, std::byte{0xff});  // NaN in float and bf16
    fibers_.resize(threads);
    arrived_.assign(threads / kWarp, {});
    at_barrier_.clear();
    ready_.clear();
    unsigned ended = 0;
    for (unsigned t = 0; t < threads; ++t) {
      Fiber& fiber = fibers_[t];
      if (!fiber.stack) fiber.stack = std::make_unique<char[]>(kStack);
      auto** top =
          reinterpret_cast<void**>(reinterpret_cast<uintptr_t>(fiber.stack.get() + kStack) & ~uintptr_t{15});
      *--top = nullptr;  // where enter() would return to
      *--top = reinterpret_cast<void*>(&Block::enter);
      top -= 6;  // registers
      fiber.place = top;
      fiber.ended = false;
      ready_.push_back(t);
    }
    while (!ready_.empty()) {
      const size_t i = seed == 0 ? ready_.size() - 1 : random_() % ready_.size();
      current_ = ready_[i];
      ready_[i] = ready_.back();
      ready_.pop_back();
      emulated_switch(&scheduler_, fibers_[current_].place);
      if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
      ended += fibers_[current_].ended;
      release(threads - ended);
    }
    if (ended != threads) throw std::runtime_error("threads wait for others that do not come");
  }

  void barrier() {
    at_barrier_.push_back(current_);
    wait();
  }

  // Every lane of the warp comes with its operands; the last one to come does `op` for all of them.
  template <typename Lane, typename Op>
  void collective(Lane& mine, const Op& op) {
    auto& lanes = arrived_[current_ / kWarp];
    if (lanes.empty()) lanes.resize(kWarp);
    lanes[current_ % kWarp] = &mine;
    unsigned count = 0;
    for (const void* lane : lanes) count += lane != nullptr;
    if (count < kWarp) return wait();
    Lane* all[kWarp];
    for (unsigned i = 0; i < kWarp; ++i) all[i] = static_cast<Lane*>(lanes[i]);
    lanes.assign(kWarp, nullptr);
    op(all);
    const unsigned first = current_ / kWarp * kWarp;
    for (unsigned i = 0; i < kWarp; ++i) {
      if (first + i != current_) ready_.push_back(first + i);
    }
  }

  unsigned thread() const { return current_; }
  std::byte* shared() { return shared_.data(); }

 private:
  struct Fiber {
    void* place = nullptr;  // of its stack while it waits
    std::unique_ptr<char[]> stack;
    bool ended = false;
  };

  static void enter();
  void wait() {
    const unsigned me = current_;
    emulated_switch(&fibers_[me].place, scheduler_);
  }
  void release(unsigned alive) {
    if (at_barrier_.empty() || at_barrier_.size() < alive) return;
    ready_.insert(ready_.end(), at_barrier_.begin(), at_barrier_.end());
    at_barrier_.clear();
  }

  const std::function<void()>* body_ = nullptr;
  std::vector<Fiber> fibers_;
  std::vector<unsigned> ready_, at_barrier_;
  std::vector<std::vector<void*>> arrived_;  // [warps][lanes]
  std::vector<std::byte> shared_;
  std::mt19937_64 random_;
  void* scheduler_ = nullptr;
  unsigned current_ = 0;
  std::exception_ptr error_;
};

inline Block& block() {
  static Block block;
  return block;
}

inline void Block::enter() {
  Block& b = block();
  try {
    (*b.body_)();
  } catch (...) {
    b.error_ = std::current_exception();
  }
  b.fibers_[b.current_].ended = true;
  emulated_switch(&b.fibers_[b.current_].place, b.scheduler_);
}

struct Schedule {
  uint64_t seed = 0;          // 0: the last thread first
  bool eager_copies = false;  // asynchronous copies are there at once; else not before they are awaited
};
inline Schedule& schedule() {
  static Schedule schedule;
  return schedule;
}

inline dim3 block_index, block_size, grid_size;
inline std::mutex one_kernel_at_a_time;  // also those of different streams, which different threads start

struct ThreadIndex {
  struct X {
    operator unsigned() const { return block().thread(); }
  } x;
};

}  // namespace emulated

inline constexpr emulated::ThreadIndex threadIdx;
#define blockIdx emulated::block_index
#define blockDim emulated::block_size
#define gridDim emulated::grid_size

inline void __syncthreads() { emulated::block().barrier(); }
inline void __syncwarp() {
  int nothing = 0;
  emulated::block().collective(nothing, [](int* const*) {});
}

template <typename T>
T __shfl_xor_sync(unsigned, T value, int mask) {
  struct Lane {
    T in, out;
  } lane = {value, {}};
  emulated::block().collective(lane, [mask](Lane* const* all) {
    for (unsigned i = 0; i < 32; ++i) all[i]->out = all[i ^ static_cast<unsigned>(mask)]->in;
  });
  return lane.out;
}

template <typename T>
T __shfl_sync(unsigned, T value, int from) {
  struct Lane {
    T in, out;
    int from;
  } lane = {value, {}, from};
  emulated::block().collective(lane, [](Lane* const* all) {
    for (unsigned i = 0; i < 32; ++i) all[i]->out = all[all[i]->from & 31]->in;
  });
  return lane.out;
}

inline int __any_sync(unsigned, int value) {
  struct Lane {
    int in, out;
  } lane = {value, 0};
  emulated::block().collective(lane, [](Lane* const* all) {
    int any = 0;
    for (int i = 0; i < 32; ++i) any |= all[i]->in != 0;
    for (int i = 0; i < 32; ++i) all[i]->out = any;
  });
  return lane.out;
}

// Fibers give way at barriers and collectives alone.
inline double atomicAdd(double* to, double value) {
  const double before = *to;
  *to = before + value;
  return before;
}
inline unsigned long long atomicAdd(unsigned long long* to, unsigned long long value) {
  const unsigned long long before = *to;
  *to = before + value;
  return before;
}
inline int atomicMax(int* to, int value) {
  const int before = *to;
  *to = value > before ? value : before;
  return before;
}

template <typename... Parameters, typename... Arguments>
void launch(void (*kernel)(Parameters...), dim3 grid, unsigned threads, size_t shared,
            Arguments... arguments) {
  const std::lock_guard lock(emulated::one_kernel_at_a_time);
  emulated::grid_size = grid;
  emulated::block_size = {threads, 1, 1};
  const std::function<void()> body = [&] { kernel(arguments...); };
  for (unsigned y = 0; y < grid.y; ++y) {
    for (unsigned x = 0; x < grid.x; ++x) {
      emulated::block_index = {x, y, 0};
      emulated::block().run(threads, shared, emulated::schedule().seed, body);
    }
  }
}
