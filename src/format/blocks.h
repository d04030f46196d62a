// The types of weights as files hold them, each with what decodes a group of its elements. A type has
// kElements and kBytes of a block and, if that is one element, element(data), else group(block, g, out): the
// 32 elements of group g of a block. The order of the float32 operations is that of the `gguf` Python
// package, so that results have the same bits.
#pragma once

#include <stdexcept>

#include "format/blocks_fp4.h"
#include "format/blocks_k.h"
#include "format/blocks_plain.h"
#include "format/blocks_q.h"
#include "format/tensor.h"

namespace idleheads::dequant {

// use(type) with the block type of `dtype`.
template <typename Use>
decltype(auto) with_block_type(DType dtype, const Use& use) {
  switch (dtype) {
    case DType::f32:
      return use(F32());
    case DType::f16:
      return use(F16());
    case DType::bf16:
      return use(BF16());
    case DType::q4_0:
      return use(Q4_0());
    case DType::q4_1:
      return use(Q4_1());
    case DType::q5_0:
      return use(Q5_0());
    case DType::q5_1:
      return use(Q5_1());
    case DType::q8_0:
      return use(Q8_0());
    case DType::q2_k:
      return use(Q2_K());
    case DType::q3_k:
      return use(Q3_K());
    case DType::q4_k:
      return use(Q4_K());
    case DType::q5_k:
      return use(Q5_K());
    case DType::q6_k:
      return use(Q6_K());
    case DType::q8_k:
      return use(Q8_K());
    case DType::iq4_nl:
      return use(IQ4_NL());
    case DType::iq4_xs:
      return use(IQ4_XS());
    case DType::mxfp4:
      return use(MXFP4());
    case DType::u8:
      return use(U8());
  }
  throw std::logic_error("no such element type");
}

}  // namespace idleheads::dequant
