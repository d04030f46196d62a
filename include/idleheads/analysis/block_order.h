// The order in which the documents of a benchmark are asked, so that what is known after a part of them says
// something about all: random blocks of a few documents of one subject, all subjects in proportion.
//
// The documents of a subject are divided at random into as few blocks as hold them, of sizes that differ by
// one at most. With B blocks and r a round, the first round is a simple random sample of the B mod r blocks
// that would be left over, if there are any. The others are put in the order of their subjects and cut into r
// strata of equal size; every further round has one block of each stratum, drawn at random. So each stretch
// of neighbouring subjects has given its share after every round, and every round is one of those that
// confidence_sequence.h asks for. With r = 1 the order is a simple random one.
//
// A pure function: the seed and the generation decide everything, on every platform.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "idleheads/analysis/confidence_sequence.h"

namespace idleheads {

struct BlockOrderOptions {
  // At most. A bet sees no more of a block than its sum against its size, so blocks of one document need the
  // fewest documents. Larger ones only pay where documents of a subject are much cheaper asked together than
  // those which a round has of it anyway.
  int64_t block_documents = 1;
  int64_t rounds = 100;  // at least, where there are as many blocks; what is known changes after each
  uint64_t seed = 1234;
  // Orders of different generations are independent. Interventions that were chosen by results in one order
  // have to be asked in another (decision.h).
  uint32_t generation = 0;
};

struct BlockOrder {
  std::vector<std::vector<int64_t>> blocks;  // documents by number, in rising order, one subject a block
  std::vector<size_t> round_ends;            // each the number of blocks up to the end of a round, rising
  BlockPopulation population;
};

// `subjects`: that of each document, any numbers; neighbouring numbers share strata. Throws
// std::invalid_argument without documents, for 2^32 or more, or for options below 1.
BlockOrder block_order(std::span<const int> subjects, const BlockOrderOptions& options);

}  // namespace idleheads
