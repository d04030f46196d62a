// Element types of checkpoints and the named tensors found in them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace idleheads {

// Quantised types are GGML's block formats (ggml/src/ggml-common.h describes the layouts); u8 are whole
// numbers, in safetensors alone, where they make up MXFP4 (dequantize_mxfp4).
enum class DType {
  f32,
  f16,
  bf16,
  q4_0,
  q4_1,
  q5_0,
  q5_1,
  q8_0,
  q2_k,
  q3_k,
  q4_k,
  q5_k,
  q6_k,
  q8_k,
  iq4_nl,
  iq4_xs,
  mxfp4,
  u8
};

struct DTypeInfo {
  DType dtype;
  std::string_view name;   // as the format's documentation writes it: "F32", "Q4_K"
  int64_t block_elements;  // elements per block along the innermost dimension; 1 for plain types
  int64_t block_bytes;
};

const DTypeInfo& dtype_info(DType dtype);
// Bytes of a tensor of this shape, whose rows are whole blocks.
int64_t stored_bytes(DType dtype, std::span<const int64_t> shape);

// A tensor whose bytes lie in a mapped file that outlives it.
struct Tensor {
  std::string name;
  DType dtype = DType::f32;
  std::vector<int64_t> shape;  // row-major, outermost first: [rows, cols] for y = W x with W [rows, cols]
  std::span<const std::byte> data;  // exactly the tensor's bytes

  int64_t elements() const;  // product of the shape; 1 for a scalar
};

// Converts whole blocks to float32, exactly as the `gguf` Python package does.
// data.size() must be blocks * block_bytes and out.size() blocks * block_elements.
void dequantize(DType dtype, std::span<const std::byte> data, std::span<float> out);

// Converts MXFP4 as gpt-oss' safetensors files have it: blocks of 32 elements in 16 bytes, a byte's low half
// the even one, and for each block the exponent of its scale 2^(e - 127). 255 makes the block NaN, as the
// specification has it.
void dequantize_mxfp4(std::span<const std::byte> elements, std::span<const std::byte> scales,
                      std::span<float> out);

}  // namespace idleheads
