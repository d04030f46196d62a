#include "engine/weight_sequence.h"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>

namespace idleheads {
namespace {

// Counts how many there are at a time.
struct Counted {
  explicit Counted(int64_t number, std::atomic<int>& counter, std::atomic<int>& most)
      : index(number), alive(&counter) {
    const int now = ++counter;
    for (int seen = most; seen < now && !most.compare_exchange_weak(seen, now);) {
    }
  }
  Counted(Counted&& other) noexcept : index(other.index), alive(std::exchange(other.alive, nullptr)) {}
  ~Counted() {
    if (alive) --*alive;
  }
  int64_t index;
  std::atomic<int>* alive;
};

TEST(WeightSequence, StreamsAtMostTwoAtATime) {
  std::atomic<int> alive = 0, most = 0, loads = 0;
  {
    auto sequence = WeightSequence<Counted>::streamed(5, [&](int64_t i) {
      ++loads;
      return Counted(i, alive, most);
    });
    EXPECT_EQ(sequence.size(), 5);
    for (int round = 0; round < 3; ++round) {
      for (int64_t i = 0; i < 5; ++i) EXPECT_EQ(sequence.get(i)->index, i);
    }
    for (const int64_t i : {2, 3, 0, 4, 4, 1}) EXPECT_EQ(sequence.get(i)->index, i);  // any order
  }
  EXPECT_LE(most, 2);
  EXPECT_EQ(alive, 0);
  EXPECT_LT(loads, 15 + 2 * 6 + 2);
}

TEST(WeightSequence, WhatIsNoLongerInUseIsHandedToTheNextLoad) {
  std::atomic<int> made = 0;
  auto sequence = WeightSequence<std::vector<int64_t>>::recycled(
      5, [&](int64_t i, std::unique_ptr<std::vector<int64_t>> spare) {
        if (!spare) ++made;
        std::vector<int64_t> numbers = spare ? std::move(*spare) : std::vector<int64_t>();
        numbers.assign(3, i);
        return numbers;
      });
  for (int round = 0; round < 3; ++round) {
    for (int64_t i = 0; i < 5; ++i) EXPECT_EQ(*sequence.get(i), std::vector<int64_t>(3, i));
  }
  for (const int64_t i : {2, 3, 0, 4, 4, 1})
    EXPECT_EQ(*sequence.get(i), std::vector<int64_t>(3, i));  // any order
  EXPECT_EQ(made, 2);
}

TEST(WeightSequence, ResidentLoadsOnce) {
  ThreadPool pool(2);
  std::atomic<int> loads = 0;
  auto sequence = WeightSequence<int64_t>::resident(7, pool, [&](int64_t i) {
    ++loads;
    return i;
  });
  for (int round = 0; round < 2; ++round) {
    for (int64_t i = 0; i < 7; ++i) EXPECT_EQ(*sequence.get(i), i);
  }
  EXPECT_EQ(loads, 7);
}

TEST(WeightSequence, ErrorsOfLoadingComeOut) {
  const auto load = [](int64_t i) -> int64_t {
    if (i == 2) throw std::runtime_error("broken");
    return i;
  };
  auto streamed = WeightSequence<int64_t>::streamed(4, load);
  EXPECT_EQ(*streamed.get(0), 0);
  EXPECT_EQ(*streamed.get(1), 1);
  EXPECT_THROW(streamed.get(2), std::runtime_error);
  EXPECT_EQ(*streamed.get(0), 0);
  ThreadPool pool(2);
  EXPECT_THROW(WeightSequence<int64_t>::resident(4, pool, load), std::runtime_error);
}

}  // namespace
}  // namespace idleheads
