// GGML's tensor type numbers, as GGUF stores them (ggml-org/ggml include/ggml.h, enum ggml_type).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "format/tensor.h"

namespace idleheads {

// The element type that GGML numbers `id`; nothing if idleheads does not support it.
std::optional<DType> ggml_dtype(uint32_t id);

// GGML's number of a supported type.
uint32_t ggml_type_id(DType dtype);

// For messages: "IQ2_XXS", "Q4_2 (removed from GGML)" or "number 77, unknown".
std::string ggml_type_name(uint32_t id);

// "F32, F16, Q4_0, ..."
std::string supported_ggml_types();

}  // namespace idleheads
