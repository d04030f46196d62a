#include "idleheads/analysis/block_order.h"

#include <algorithm>
#include <limits>
#include <map>
#include <stdexcept>
#include <utility>

#include "heads/random.h"

namespace idleheads {
namespace {

constexpr uint32_t kStream = 1;  // the counter's last word; the bootstrap's draws have 0

// Uniform draws: std::shuffle and the standard distributions differ between platforms.
class Draws {
 public:
  Draws(uint64_t seed, uint32_t generation)
      : key_{static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)}, generation_(generation) {}

  // In [0, n). Numbers that would make some results likelier are drawn again (Lemire, "Fast random integer
  // generation in an interval", 2019).
  uint32_t below(uint32_t n) {
    const uint32_t too_low = (0 - n) % n;
    uint64_t product = 0;
    do {
      product = uint64_t{next()} * n;
    } while (static_cast<uint32_t>(product) < too_low);
    return static_cast<uint32_t>(product >> 32);
  }

  template <typename T>
  void shuffle(std::span<T> values) {
    for (size_t i = values.size(); i > 1; --i)
      std::swap(values[i - 1], values[below(static_cast<uint32_t>(i))]);
  }

 private:
  uint32_t next() {
    const uint64_t i = drawn_++;
    if (i % 4 == 0) {
      const auto low = static_cast<uint32_t>(i / 4), high = static_cast<uint32_t>(i / 4 >> 32);
      block_ = philox4x32({generation_, low, high, kStream}, key_);
    }
    return block_[i % 4];
  }

  std::array<uint32_t, 2> key_;
  uint32_t generation_;
  uint64_t drawn_ = 0;
  std::array<uint32_t, 4> block_ = {};
};

using Block = std::vector<int64_t>;

// In the order of the subjects.
std::vector<Block> blocks_of(std::span<const int> subjects, size_t block_documents, Draws& draws) {
  std::map<int, Block> by_subject;
  for (size_t i = 0; i < subjects.size(); ++i) by_subject[subjects[i]].push_back(static_cast<int64_t>(i));
  std::vector<Block> blocks;
  for (auto& [subject, documents] : by_subject) {
    draws.shuffle(std::span(documents));
    const size_t n = documents.size(), count = (n + block_documents - 1) / block_documents;
    for (size_t j = 0; j < count; ++j) {
      const auto begin = documents.begin();
      blocks.emplace_back(begin + static_cast<ptrdiff_t>(j * n / count),
                          begin + static_cast<ptrdiff_t>((j + 1) * n / count));
      std::sort(blocks.back().begin(), blocks.back().end());
    }
  }
  return blocks;
}

// Takes `count` blocks out at random, the others keep their order.
std::vector<Block> take_sample(std::vector<Block>& blocks, size_t count, Draws& draws) {
  std::vector<Block> sample;
  for (size_t i = 0; i < count; ++i) {
    const auto taken = blocks.begin() + draws.below(static_cast<uint32_t>(blocks.size()));
    sample.push_back(std::move(*taken));
    blocks.erase(taken);
  }
  return sample;
}

void check(std::span<const int> subjects, const BlockOrderOptions& options) {
  if (subjects.empty() || subjects.size() > std::numeric_limits<uint32_t>::max())
    throw std::invalid_argument("block_order: from 1 to 2^32 - 1 documents");
  if (options.block_documents < 1 || options.rounds < 1)
    throw std::invalid_argument("block_order: a block has a document, and there is a round");
}

}  // namespace

BlockOrder block_order(std::span<const int> subjects, const BlockOrderOptions& options) {
  check(subjects, options);
  Draws draws(options.seed, options.generation);
  std::vector<Block> blocks = blocks_of(subjects, static_cast<size_t>(options.block_documents), draws);
  BlockOrder order;
  order.population = {static_cast<int64_t>(subjects.size()), static_cast<int64_t>(blocks.size()), 0};
  for (const Block& block : blocks)
    order.population.block_documents =
        std::max(order.population.block_documents, static_cast<int64_t>(block.size()));

  const size_t per_round = std::max<size_t>(1, blocks.size() / static_cast<size_t>(options.rounds));
  const size_t rounds = blocks.size() / per_round;  // of one block of each stratum, strata of as many blocks
  order.blocks = take_sample(blocks, blocks.size() % per_round, draws);
  if (!order.blocks.empty()) order.round_ends.push_back(order.blocks.size());
  for (size_t stratum = 0; stratum < per_round; ++stratum)
    draws.shuffle(std::span(blocks).subspan(stratum * rounds, rounds));
  for (size_t round = 0; round < rounds; ++round) {
    for (size_t stratum = 0; stratum < per_round; ++stratum)
      order.blocks.push_back(std::move(blocks[stratum * rounds + round]));
    order.round_ends.push_back(order.blocks.size());
  }
  return order;
}

}  // namespace idleheads
