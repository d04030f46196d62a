// Layers of their own in config.json, as models have them from which heads were cut.
#pragma once

#include <string_view>

#include "idleheads/model/spec.h"
#include "model/json_reader.h"

namespace idleheads {

// What such a model has before the model_type of the one it was cut from, and the class that opens it:
// that of src/prune/python/modeling_idleheads.py.
inline constexpr std::string_view kCutPrefix = "idleheads_";
inline constexpr std::string_view kCutArchitecture = "CutForCausalLM";

// The model_type of the model that it was cut from, or its own.
std::string_view whole_model_type(std::string_view model_type);

// Reads per_layer_config, as transformers 5 has it: for layers that are not as the whole model says
//   {"3": {"num_attention_heads": 6, "num_key_value_heads": 2}, "5": {"skip": ["attention"]}}
// `spec` has the whole model's layers. Throws Error (layer, key): layers that are not there, other keys.
void read_per_layer_config(JsonReader& reader, ModelSpec& spec);

}  // namespace idleheads
