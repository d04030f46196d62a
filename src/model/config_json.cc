// What a model is from config.json of Hugging Face checkpoints.
#include "base/fail.h"
#include "model/config.h"
#include "model/config_keys.h"
#include "model/kept_heads.h"
#include "model/per_layer_config.h"

namespace idleheads {
namespace {

std::string read_model_type(JsonReader& reader) {
  std::string name = reader.text("model_type", "");
  if (name.empty()) {
    std::string supported;
    for (const Family* family : families()) {
      if (family->read_json != nullptr) supported.append(supported.empty() ? "" : ", ").append(family->name);
    }
    fail("{}: model_type is missing; supported: {}", reader.name(), supported);
  }
  return name;
}

void check_cut_architecture(JsonReader& reader) {
  for (const std::string& name : reader.texts("architectures")) {
    if (name != kCutArchitecture) reader.wrong("architectures", kCutArchitecture);
  }
}

}  // namespace

ModelSpec spec_from_json(const Json& json, std::string_view name) {
  JsonReader reader(json, name);
  const std::string model_type = read_model_type(reader);
  const Family& family = family_of_json(whole_model_type(model_type), name);
  const bool own_layers = model_type != family.name;
  own_layers ? check_cut_architecture(reader) : check_architectures(reader, family);
  ModelSpec spec;
  spec.family = family.name;
  family.read_json(reader, spec);
  if (own_layers) read_per_layer_config(reader, spec);
  const Json* names = reader.object(kNamesKey);
  refuse_acting_keys(reader, family);
  validate(spec, name);
  if (names != nullptr) read_kept_heads(*names, name, spec);
  return spec;
}

}  // namespace idleheads
