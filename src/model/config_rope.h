// RoPE settings of config.json: the spelling of transformers 4 (rope_theta, rope_scaling), that of
// transformers 5 (rope_parameters), or both where they agree.
#pragma once

#include "idleheads/model/spec.h"
#include "model/json_reader.h"

namespace idleheads {

// What of a model the rope is for.
struct RopeLayers {
  int head_dim = 0;
  int64_t context = 0;  // ModelSpec::context
  // Of head_dim; a file may say less as partial_rotary_factor if the family knows that key.
  bool partial = false;
  double partial_if_absent = 1;
  std::string_view type = "full_attention";  // as layer_types calls them
  bool by_type = false;                      // rope_parameters may be given by type of layer
  double theta_if_absent = 10000;            // transformers' for the family
};

// Throws Error that names the key for a kind of scaling that is not supported, keys that are not understood,
// and spellings that contradict each other.
RopeSpec read_rope(JsonReader& reader, const RopeLayers& layers);

}  // namespace idleheads
