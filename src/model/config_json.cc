// What a model is from config.json of Hugging Face checkpoints.
#include "base/error.h"
#include "model/config.h"
#include "model/config_keys.h"

namespace idleheads {
namespace {

const Family& read_family(JsonReader& reader) {
  const std::string name = reader.text("model_type", "");
  if (name.empty()) {
    std::string supported;
    for (const Family* family : families()) {
      if (family->read_json != nullptr) supported.append(supported.empty() ? "" : ", ").append(family->name);
    }
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
