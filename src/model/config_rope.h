// RoPE settings of config.json: the spelling of transformers 4 (rope_theta, rope_scaling), that of
// transformers 5 (rope_parameters), or both where they agree.
#pragma once

#include "model/json_reader.h"
#include "model/spec.h"

namespace idleheads {

// The rope that turns the first `rotated` elements of a head. `layer_types` is the file's list of that name,
// for rope_parameters that are given by type of layer. Throws Error that names the key for a kind of scaling
// that is not supported, keys that are not understood, and spellings that contradict each other.
RopeSpec read_rope(JsonReader& reader, const std::vector<std::string>& layer_types, int rotated);

}  // namespace idleheads
