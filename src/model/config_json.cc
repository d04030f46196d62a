// What a model is from config.json of Hugging Face checkpoints.
#include "base/error.h"
#include "model/config.h"
#include "model/config_keys.h"

namespace idleheads {
namespace {

// transformers chooses the class by model_type and would load any file of the family, with a random LM head
// where there is none. What was saved from another class is not a language model.
void check_architectures(JsonReader& reader, const Family& family) {
  for (const std::string& name : reader.texts("architectures")) {
    if (name == family.architecture || name == family.old_architecture) continue;
    fail(
        "{}: architectures names {}, expected {}: the model was saved as something else than a language "
        "model "
        "of the family {}",
        reader.name(), printable(name), family.architecture, family.name);
  }
}

const Family& read_family(JsonReader& reader) {
  const std::string name = reader.text("model_type", "");
  if (name.empty()) {
    std::string supported;
    for (const Family* family : families())
      supported.append(supported.empty() ? "" : ", ").append(family->name);
    fail("{}: model_type is missing; supported: {}", reader.name(), supported);
  }
  const Family& family = family_of_json(name, reader.name());
  check_architectures(reader, family);
  return family;
}

}  // namespace

ModelSpec spec_from_json(const Json& json, std::string_view name) {
  JsonReader reader(json, name);
  const Family& family = read_family(reader);
  ModelSpec spec;
  spec.family = family.name;
  family.read_json(reader, spec);
  refuse_acting_keys(reader, family);
  validate(spec, name);
  return spec;
}

}  // namespace idleheads
