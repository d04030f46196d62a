// The numbers that GGUF stores for types: of metadata values (docs/gguf.md, gguf_metadata_value_type) and of
// tensors (ggml-org/ggml include/ggml.h, enum ggml_type).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "format/tensor.h"

namespace idleheads {

inline constexpr std::string_view kGgufMagic = "GGUF";

enum class GgufValueType : uint32_t {
  u8,
  i8,
  u16,
  i16,
  u32,
  i32,
  f32,
  boolean,
  string,
  array,
  u64,
  i64,
  f64
};

// The element type that GGML numbers `id`; nothing if idleheads does not support it.
std::optional<DType> ggml_dtype(uint32_t id);

// GGML's number of a supported type.
uint32_t ggml_type_id(DType dtype);

// For messages: "IQ2_XXS", "Q4_2 (removed from GGML)" or "number 77, unknown".
std::string ggml_type_name(uint32_t id);

// "F32, F16, Q4_0, ..."
std::string supported_ggml_types();

}  // namespace idleheads
