#include "format/zero_elements.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>

namespace idleheads {
namespace {

// Replaces `bits` bits of a byte.
void put(std::byte& byte, int shift, int bits, int value) {
  const int mask = ((1 << bits) - 1) << shift;
  byte = static_cast<std::byte>((std::to_integer<int>(byte) & ~mask) | value << shift);
}

// Of Q3_K: scale s of 16, 6 bits, is stored 32 larger (blocks_k.h).
void zero_scale_q3(std::byte* packed, int s) {
  put(packed[s % 8], 4 * (s / 8), 4, 0);
  put(packed[8 + s % 4], 2 * (s / 4), 2, 2);
}

// Of Q4_K and Q5_K: scale and minimum of group g of 8, 6 bits each (blocks_k.h).
void zero_scale_q4(std::byte* header, int g) {
  std::byte* packed = header + 4 + g % 4;
  if (g < 4) {
    put(packed[0], 0, 6, 0);
    put(packed[4], 0, 6, 0);
  } else {
    packed[8] = std::byte{0};
    put(packed[0], 6, 2, 0);
    put(packed[4], 6, 2, 0);
  }
}

// Of IQ4_XS: scale of group g of 8, 6 bits, is stored 32 larger (blocks_fp4.h).
void zero_scale_iq4(std::byte* block, int g) {
  put(block[2 + g / 4], 2 * (g % 4), 2, 2);
  put(block[4 + g / 2], 4 * (g % 2), 4, 0);
}

// Of Q8_K: the elements themselves, and their sum.
void zero_elements_q8(std::byte* block, int unit) {
  std::memset(block + 4 + 16 * unit, 0, 16);
  std::memset(block + 260 + 2 * unit, 0, 2);
}

// Unit number `unit` of a block.
void zero_unit_of(DType dtype, std::byte* block, int unit) {
  switch (dtype) {
    case DType::q2_k:
      block[unit] = std::byte{0};  // scale and minimum
      return;
    case DType::q3_k:
      return zero_scale_q3(block + 96, unit);
    case DType::q4_k:
    case DType::q5_k:
      return zero_scale_q4(block, unit);
    case DType::q6_k:
      block[192 + unit] = std::byte{0};
      return;
    case DType::q8_k:
      return zero_elements_q8(block, unit);
    case DType::iq4_xs:
      return zero_scale_iq4(block, unit);
    default:  // a unit is a block: scale, minimum and elements
      std::memset(block, 0, static_cast<size_t>(dtype_info(dtype).block_bytes));
  }
}

}  // namespace

int64_t zero_unit(DType dtype) {
  switch (dtype) {
    case DType::q2_k:
    case DType::q3_k:
    case DType::q6_k:
    case DType::q8_k:
      return 16;
    case DType::q4_k:
    case DType::q5_k:
    case DType::iq4_xs:
      return 32;
    default:
      return dtype_info(dtype).block_elements;
  }
}

void set_zero(DType dtype, std::span<std::byte> row, int64_t first, int64_t count) {
  const DTypeInfo& info = dtype_info(dtype);
  const int64_t unit = zero_unit(dtype), blocks = std::ssize(row) / info.block_bytes;
  if (first < 0 || count < 0 || first % unit != 0 || count % unit != 0 ||
      first + count > blocks * info.block_elements) {
    throw std::invalid_argument("set_zero: elements that are no whole units of the row");
  }
  for (int64_t i = first; i < first + count; i += unit) {
    std::byte* block = row.data() + i / info.block_elements * info.block_bytes;
    zero_unit_of(dtype, block, static_cast<int>(i % info.block_elements / unit));
  }
}

}  // namespace idleheads
