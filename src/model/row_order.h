// Where rows of a file's matrices go: row r to row order[r] of the matrix. For vectors, where elements go.
#pragma once

#include <cstdint>
#include <vector>

#include "idleheads/model/spec.h"

namespace idleheads {

using RowOrder = std::vector<int32_t>;  // empty: as it is

// Rows of gate and up in turn become all of gate, then all of up.
RowOrder alternating_apart(int64_t rows);

// Rows by key/value head (its queries, its key, its value) become all queries, all keys, all values.
RowOrder ungrouped(const AttentionSpec& attention);

RowOrder as_they_are(int64_t rows);

// Rows 2i and 2i + 1 of the rotated part of each head become rows i and rotated / 2 + i, from where `order`
// puts them. The heads' rows are the first `rows` of the matrix.
void separate_pairs(RowOrder& order, int64_t rows, int head_dim, int rotated);

}  // namespace idleheads
