// config.json of a model from which heads were cut, and the Python file that opens it where layers differ.
#pragma once

#include <string>
#include <vector>

#include "format/json.h"
#include "idleheads/model/spec.h"
#include "prune/cut_plan.h"

namespace idleheads {

inline constexpr const char* kModelingFile = "modeling_idleheads.py";

enum class CutForm {
  plain,       // every layer has as many heads: the same class with other numbers
  as_mistral,  // likewise, but a Llama whose number of heads does not divide its hidden size, which
               // transformers 5 refuses: written as Mistral without a window, which computes the same
  per_layer,   // a class of kModelingFile, and per_layer_config
};

struct CutConfig {
  Json json;
  CutForm form = CutForm::plain;
};

// Throws Error if transformers could not hold the family's models, or not compute what the mask gives: `name`
// stands in the message.
void require_cuttable(const ModelSpec& spec, const std::string& name);
// `config`: of the whole model. The names of the heads that stay are the object `idleheads` (kept_heads.h).
CutConfig cut_config(const Json& config, const ModelSpec& spec, const std::vector<LayerHeads>& plan);
// kModelingFile for this family.
std::string modeling_text(const ModelSpec& spec);

}  // namespace idleheads
