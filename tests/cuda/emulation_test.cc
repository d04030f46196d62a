// Do the tests of kernels find what they are for? Faults planted in small kernels.
#include <gtest/gtest.h>

#include <bit>
#include <set>
#include <stdexcept>
#include <vector>

#include "cuda/device.h"
#include "cuda/start.h"

namespace idleheads::cuda {
namespace {

constexpr unsigned kThreads = 128;

// Each thread hands its number to the one `round` places on, several times.
template <bool with_barriers>
__global__ void pass_around(int* results) {
  int* places = shared_memory<int>();
  int mine = static_cast<int>(threadIdx.x);
  for (unsigned round = 1; round < 4; ++round) {
    places[threadIdx.x] = mine;
    if (with_barriers) __syncthreads();
    mine = 3 * mine + places[(threadIdx.x + 32 * round) % kThreads];
    __syncthreads();
  }
  results[threadIdx.x] = mine;
}

// Copies a row a thread and reads the next thread's one.
template <int pending, bool last_barrier>
__global__ void copy_twice(const Bf16* from, uint32_t* results) {
  auto* places = shared_memory<Bf16>();
  const auto me = static_cast<int>(threadIdx.x), next = (me + 1) % static_cast<int>(kThreads);
  float sum = 0;
  for (int round = 0; round < 2; ++round) {
    copy_async(places + me * 8, from + (round * static_cast<int>(kThreads) + me) * 8, true);
    commit_copies();
    await_copies<pending>();
    __syncthreads();
    sum = 2 * sum + to_float(places[next * 8]);
    if (last_barrier) __syncthreads();
  }
  results[me] = std::bit_cast<uint32_t>(sum);  // NaN is not equal to itself
}

// Half of a warp waits for the block, and the other half for the first.
__global__ void half_a_barrier() {
  if (threadIdx.x % 2 == 0) __syncthreads();
  __syncwarp();
}

__global__ void half_a_warp() {
  if (threadIdx.x % 2 == 0) __syncwarp();
}

__global__ void copy_from(const Bf16* from) { copy_async(shared_memory<Bf16>(), from, true); }

template <typename Result, typename Run>
std::set<std::vector<Result>> outcomes(const Run& run) {
  std::set<std::vector<Result>> seen;
  for (uint64_t seed = 0; seed < 8; ++seed) {
    emulated::schedule() = {seed, seed % 2 == 1};
    std::vector<Result> results(kThreads);
    run(results.data());
    seen.insert(results);
  }
  emulated::schedule() = {};
  return seen;
}

TEST(Emulation, ShowsAMissingBarrier) {
  const auto passed = [](auto kernel) {
    return outcomes<int>(
        [&](int* results) { start(kernel, 1, kThreads, kThreads * sizeof(int), {}, results); });
  };
  EXPECT_EQ(passed(pass_around<true>).size(), 1u);
  EXPECT_GT(passed(pass_around<false>).size(), 1u);
}

TEST(Emulation, ShowsCopiesThatAreReadTooEarlyOrReplacedTooEarly) {
  std::vector<Bf16> from(2 * kThreads * 8);
  for (size_t i = 0; i < from.size(); ++i) from[i] = to_bf16(static_cast<float>(i / 8));
  const auto copied = [&](auto kernel) {
    const auto* rows = from.data();
    return outcomes<uint32_t>(
        [&](uint32_t* results) { start(kernel, 1, kThreads, kThreads * 16, {}, rows, results); });
  };
  EXPECT_EQ(copied(copy_twice<0, true>).size(), 1u);
  EXPECT_GT(copied(copy_twice<1, true>).size(), 1u);
  EXPECT_GT(copied(copy_twice<0, false>).size(), 1u);
}

TEST(Emulation, BarriersThatNotAllReachAreErrors) {
  EXPECT_THROW(start(half_a_barrier, 1, 64, 0, {}), std::runtime_error);
  EXPECT_THROW(start(half_a_warp, 1, 64, 0, {}), std::runtime_error);
  EXPECT_THROW(start(half_a_warp, 1, 40, 0, {}), std::runtime_error);
}

TEST(Emulation, CopiesMustBeAligned) {
  alignas(16) const Bf16 row[16] = {};
  const Bf16* aligned = row;
  EXPECT_NO_THROW(start(copy_from, 1, 32, 16, {}, aligned));
  EXPECT_THROW(start(copy_from, 1, 32, 16, {}, aligned + 4), std::runtime_error);
}

}  // namespace
}  // namespace idleheads::cuda
