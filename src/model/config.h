// Reads what a model is from the settings of its checkpoint.
#pragma once

#include "format/gguf.h"
#include "format/json.h"
#include "idleheads/model/spec.h"

namespace idleheads {

// From config.json of a Hugging Face checkpoint. `name` stands in messages. Throws Error that names the key
// for a value that is missing, contradictory or not understood, and for a family that is not supported (with
// the list).
ModelSpec spec_from_json(const Json& json, std::string_view name);

// From GGUF metadata and the tensor table (which biases there are, whether the LM head is tied). Throws
// likewise.
ModelSpec spec_from_gguf(const Gguf& gguf, std::string_view name);

}  // namespace idleheads
