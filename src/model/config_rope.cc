#include "model/config_rope.h"

#include <algorithm>
#include <array>
#include <optional>

#include "base/error.h"

namespace idleheads {
namespace {

constexpr double kDefaultTheta = 10000;  // transformers', where a file says nothing

// What one spelling says.
struct Rope {
  std::string type = "default";
  std::optional<double> theta;
  double factor = 1;
  Llama3Scaling llama3;
};

bool same_scaling(const Rope& a, const Rope& b) {
  return a.type == b.type && a.factor == b.factor && a.llama3 == b.llama3;
}

std::string read_type(JsonReader& rope) {
  const std::string type = rope.text("rope_type", rope.text("type", "default"));
  if (rope.text("type", type) != type) {
    fail("{}: rope_type '{}' and type '{}' contradict each other", rope.name(), printable(type),
         printable(rope.text("type", "")));
  }
  if (type != "default" && type != "linear" && type != "llama3") {
    fail("{}: type '{}' is not supported; supported: default, linear, llama3", rope.name(), printable(type));
  }
  return type;
}

// An object of rope_scaling or rope_parameters.
Rope read_object(const Json& object, std::string_view name) {
  JsonReader reader(object, name);
  Rope rope;
  rope.type = read_type(reader);
  if (reader.has("rope_theta")) rope.theta = reader.number("rope_theta");
  if (reader.number("partial_rotary_factor", 1) != 1) reader.wrong("partial_rotary_factor", "1");
  if (rope.type == "llama3") {
    rope.llama3 = {reader.number("factor"), reader.number("low_freq_factor"),
                   reader.number("high_freq_factor"), reader.number("original_max_position_embeddings")};
    const Llama3Scaling& s = rope.llama3;
    if (!(s.factor > 0 && s.low_frequency_factor > 0 && s.original_context > 0 &&
          s.high_frequency_factor > s.low_frequency_factor)) {
      fail("{}: factors must be positive and high_freq_factor above low_freq_factor", name);
    }
  } else {
    rope.factor = rope.type == "linear" ? reader.number("factor") : reader.number("factor", 1);
    if (!(rope.factor > 0)) reader.wrong("factor", "more than 0");
    if (rope.type == "default" && rope.factor != 1) reader.wrong("factor", "1, or another rope_type");
  }
  reader.refuse_unread();
  return rope;
}

constexpr std::array kLayerTypes = std::to_array<std::string_view>(
    {"full_attention", "sliding_attention", "chunked_attention", "linear_attention"});

bool is_by_layer_type(const Json& parameters) {
  return std::any_of(kLayerTypes.begin(), kLayerTypes.end(),
                     [&](std::string_view type) { return parameters.contains(type); });
}

// rope_parameters; those by type of layer are taken where the file says that all layers are of the one type.
Rope read_parameters(const Json& parameters, const std::string& name, bool full_attention_only) {
  if (!is_by_layer_type(parameters)) return read_object(parameters, name);
  for (const auto& [key, value] : parameters.items()) {
    if (std::find(kLayerTypes.begin(), kLayerTypes.end(), key) == kLayerTypes.end()) {
      fail("{}: has both types of layers and {}, expected one or the other", name, printable(key));
    }
  }
  if (!full_attention_only) {
    fail("{}: given by type of layer, which is supported where layer_types lists full_attention only", name);
  }
  const auto found = parameters.find("full_attention");
  if (found == parameters.end() || found->is_null()) fail("{}: full_attention is missing", name);
  return read_object(*found, name + ": full_attention");
}

RopeSpec spec_of(const Rope& rope, int rotated, std::string_view name) {
  if (rotated % 2 != 0) fail("{}: head size {} is odd; RoPE needs an even one", name, rotated);
  RopeSpec spec;
  spec.theta = rope.theta.value_or(kDefaultTheta);
  spec.inverse_frequencies = rope_frequencies(spec.theta, rotated);
  if (rope.type == "llama3") apply_llama3_scaling(rope.llama3, spec.inverse_frequencies);
  if (rope.type == "linear") {
    for (float& frequency : spec.inverse_frequencies) frequency = static_cast<float>(frequency / rope.factor);
  }
  return spec;
}

}  // namespace

RopeSpec read_rope(JsonReader& reader, const std::vector<std::string>& layer_types, int rotated) {
  Rope rope;
  if (reader.has("rope_theta")) rope.theta = reader.number("rope_theta");
  // transformers 5 takes a theta that stands inside before one that stands outside, version 4 does not see
  // it.
  const auto take_theta = [&](const Rope& from, std::string_view where) {
    if (from.theta && rope.theta && *from.theta != *rope.theta) {
      fail("{}: rope_theta {} contradicts the rope_theta {} of {}", reader.name(), *rope.theta, *from.theta,
           where);
    }
    if (from.theta) rope.theta = from.theta;
  };
  std::optional<Rope> scaling;
  if (const Json* object = reader.object("rope_scaling"); object != nullptr && !object->empty()) {
    scaling = read_object(*object, fmt::format("{}: rope_scaling", reader.name()));
    take_theta(*scaling, "rope_scaling");
  }
  if (const Json* object = reader.object("rope_parameters"); object != nullptr && !object->empty()) {
    const bool full_only =
        !layer_types.empty() && std::all_of(layer_types.begin(), layer_types.end(),
                                            [](const std::string& type) { return type == "full_attention"; });
    const Rope parameters =
        read_parameters(*object, fmt::format("{}: rope_parameters", reader.name()), full_only);
    take_theta(parameters, "rope_parameters");
    if (scaling && !same_scaling(*scaling, parameters)) {
      fail("{}: rope_scaling and rope_parameters contradict each other", reader.name());
    }
    scaling = parameters;
  }
  if (scaling) {
    scaling->theta = rope.theta;
    rope = *scaling;
  }
  return spec_of(rope, rotated, reader.name());
}

}  // namespace idleheads
