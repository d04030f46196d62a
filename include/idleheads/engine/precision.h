// Number format of the matrix products. Sums are float32 in both.
#pragma once

namespace idleheads {

enum class Precision { f32, bf16 };

// bf16 where the processor multiplies it (AMX or AVX-512-BF16), else f32.
Precision fastest_precision();
bool has_bf16();

}  // namespace idleheads
