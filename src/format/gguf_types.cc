#include "format/gguf_types.h"

#include <fmt/format.h>

#include <array>
#include <string_view>

namespace idleheads {
namespace {

struct GgmlType {
  uint32_t id;
  std::string_view name;
  std::optional<DType> dtype = std::nullopt;
};

constexpr std::array kGgmlTypes = {
    GgmlType{0, "F32", DType::f32},
    GgmlType{1, "F16", DType::f16},
    GgmlType{2, "Q4_0", DType::q4_0},
    GgmlType{3, "Q4_1", DType::q4_1},
    GgmlType{4, "Q4_2 (removed from GGML)"},
    GgmlType{5, "Q4_3 (removed from GGML)"},
    GgmlType{6, "Q5_0", DType::q5_0},
    GgmlType{7, "Q5_1", DType::q5_1},
    GgmlType{8, "Q8_0", DType::q8_0},
    GgmlType{9, "Q8_1"},
    GgmlType{10, "Q2_K", DType::q2_k},
    GgmlType{11, "Q3_K", DType::q3_k},
    GgmlType{12, "Q4_K", DType::q4_k},
    GgmlType{13, "Q5_K", DType::q5_k},
    GgmlType{14, "Q6_K", DType::q6_k},
    GgmlType{15, "Q8_K", DType::q8_k},
    GgmlType{16, "IQ2_XXS"},
    GgmlType{17, "IQ2_XS"},
    GgmlType{18, "IQ3_XXS"},
    GgmlType{19, "IQ1_S"},
    GgmlType{20, "IQ4_NL", DType::iq4_nl},
    GgmlType{21, "IQ3_S"},
    GgmlType{22, "IQ2_S"},
    GgmlType{23, "IQ4_XS", DType::iq4_xs},
    GgmlType{24, "I8"},
    GgmlType{25, "I16"},
    GgmlType{26, "I32"},
    GgmlType{27, "I64"},
    GgmlType{28, "F64"},
    GgmlType{29, "IQ1_M"},
    GgmlType{30, "BF16", DType::bf16},
    GgmlType{31, "Q4_0_4_4 (removed from GGML)"},
    GgmlType{32, "Q4_0_4_8 (removed from GGML)"},
    GgmlType{33, "Q4_0_8_8 (removed from GGML)"},
    GgmlType{34, "TQ1_0"},
    GgmlType{35, "TQ2_0"},
    GgmlType{36, "IQ4_NL_4_4 (removed from GGML)"},
    GgmlType{37, "IQ4_NL_4_8 (removed from GGML)"},
    GgmlType{38, "IQ4_NL_8_8 (removed from GGML)"},
    GgmlType{39, "MXFP4", DType::mxfp4},
    GgmlType{40, "NVFP4"},
    GgmlType{41, "Q1_0"},
};

}  // namespace

std::optional<DType> ggml_dtype(uint32_t id) {
  for (const GgmlType& type : kGgmlTypes) {
    if (type.id == id) return type.dtype;
  }
  return std::nullopt;
}

uint32_t ggml_type_id(DType dtype) {
  for (const GgmlType& type : kGgmlTypes) {
    if (type.dtype == dtype) return type.id;
  }
  throw std::logic_error("a dtype without a GGML type");
}

std::string ggml_type_name(uint32_t id) {
  for (const GgmlType& type : kGgmlTypes) {
    if (type.id == id) return std::string(type.name);
  }
  return fmt::format("number {}, unknown", id);
}

std::string supported_ggml_types() {
  std::string names;
  for (const GgmlType& type : kGgmlTypes) {
    if (type.dtype) names.append(names.empty() ? "" : ", ").append(type.name);
  }
  return names;
}

}  // namespace idleheads
