// Which keys of config.json may stay unread: those that say nothing about the forward pass, and those that
// stand at the value at which they change nothing; here for all families, in families/ for one.
#pragma once

#include "model/families/family.h"
#include "model/json_reader.h"

namespace idleheads {

// Throws Error if the file says that the model was saved from another class than the family's.
void check_architectures(JsonReader& reader, const Family& family);

// Throws Error for the first key of `config` that was not read and might change what the model computes:
// a key that no list knows, or a known one at a value that matters. Quantised weights are refused with
// advice.
void refuse_acting_keys(const JsonReader& config, const Family& family);

}  // namespace idleheads
