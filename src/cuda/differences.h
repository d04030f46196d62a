// What the proof of a product's bits needs (products.cc).
#pragma once

#include <cstdint>

#include "cuda/device_types.h"
#include "cuda/start.h"

namespace idleheads::cuda {

// y = x, rounded.
template <typename Element>
void convert(const float* x, int64_t count, Element* y, Stream stream);

// Bytes of a and b that differ; waits for the stream.
int64_t differing_bytes(const char* a, const char* b, int64_t count, Stream stream);

}  // namespace idleheads::cuda
