#include "model/config_rope.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include "base/fail.h"
#include "model/rope.h"

namespace idleheads {
namespace {

constexpr auto kTypes =
    std::to_array<std::string_view>({"default", "linear", "llama3", "yarn", "longrope", "dynamic"});

struct LongRope {
  std::vector<double> short_factors, long_factors;
  double factor = 0, attention_factor = 0, original_context = 0;  // 0: not given
  bool operator==(const LongRope&) const = default;
};

// What one spelling says.
struct Rope {
  std::string type = "default";
  std::optional<double> theta, partial;
  double factor = 1;  // linear and dynamic
  Llama3Scaling llama3;
  YarnScaling yarn;
  LongRope longrope;
};

bool same_scaling(const Rope& a, const Rope& b) {
  return a.type == b.type && a.factor == b.factor && a.llama3 == b.llama3 && a.yarn == b.yarn &&
         a.longrope == b.longrope;
}

std::string read_type(JsonReader& rope) {
  const std::string type = rope.text("rope_type", rope.text("type", "default"));
  if (rope.text("type", type) != type) {
    fail("{}: rope_type '{}' and type '{}' contradict each other", rope.name(), printable(type),
         printable(rope.text("type", "")));
  }
  if (type == "su") return "longrope";  // its old name
  if (std::ranges::find(kTypes, type) == kTypes.end()) {
    fail("{}: type '{}' is not supported; supported: {}", rope.name(), printable(type),
         fmt::join(kTypes, ", "));
  }
  return type;
}

double positive(JsonReader& reader, const char* key, double absent = 0) {
  const double value = absent > 0 ? reader.number(key, absent) : reader.number(key);
  if (!(value > 0)) reader.wrong(key, "more than 0");
  return value;
}

Llama3Scaling read_llama3(JsonReader& reader) {
  const Llama3Scaling s = {reader.number("factor"), reader.number("low_freq_factor"),
                           reader.number("high_freq_factor"),
                           reader.number("original_max_position_embeddings")};
  if (!(s.factor > 0 && s.low_frequency_factor > 0 && s.original_context > 0 &&
        s.high_frequency_factor > s.low_frequency_factor)) {
    fail("{}: factors must be positive and high_freq_factor above low_freq_factor", reader.name());
  }
  return s;
}

YarnScaling read_yarn(JsonReader& reader, const RopeLayers& layers) {
  YarnScaling s;
  s.factor = positive(reader, "factor");
  s.original_context =
      positive(reader, "original_max_position_embeddings", static_cast<double>(layers.context));
  s.beta_fast = positive(reader, "beta_fast", 32);
  s.beta_slow = positive(reader, "beta_slow", 1);
  s.truncate = reader.boolean("truncate", true);
  s.attention_factor = reader.number("attention_factor", 0);
  s.mscale = reader.number("mscale", 0);
  s.mscale_all_dim = reader.number("mscale_all_dim", 0);
  if (s.beta_fast < s.beta_slow) reader.wrong("beta_fast", "at least beta_slow");
  return s;
}

LongRope read_longrope(JsonReader& reader) {
  LongRope s;
  s.short_factors = reader.numbers("short_factor");
  s.long_factors = reader.numbers("long_factor");
  s.factor = reader.number("factor", 0);
  s.attention_factor = reader.number("attention_factor", 0);
  s.original_context = reader.number("original_max_position_embeddings", 0);
  return s;
}

// An object of rope_scaling or rope_parameters.
Rope read_object(const Json& object, std::string_view name, const RopeLayers& layers) {
  JsonReader reader(object, name);
  Rope rope;
  rope.type = read_type(reader);
  if (reader.has("rope_theta")) rope.theta = reader.number("rope_theta");
  if (layers.partial && reader.has("partial_rotary_factor")) {
    rope.partial = reader.number("partial_rotary_factor");
  } else if (reader.number("partial_rotary_factor", 1) != 1) {
    reader.wrong("partial_rotary_factor", "1");
  }
  if (rope.type == "llama3") rope.llama3 = read_llama3(reader);
  if (rope.type == "yarn") rope.yarn = read_yarn(reader, layers);
  if (rope.type == "longrope") rope.longrope = read_longrope(reader);
  if (rope.type == "linear" || rope.type == "dynamic") rope.factor = positive(reader, "factor");
  if (rope.type == "dynamic")  // which looks at max_position_embeddings alone
    reader.number("original_max_position_embeddings", 0);
  if (rope.type == "default" && reader.number("factor", 1) != 1)
    reader.wrong("factor", "1, or another rope_type");
  reader.refuse_unread();
  return rope;
}

constexpr std::array kLayerTypes = std::to_array<std::string_view>(
    {"full_attention", "sliding_attention", "chunked_attention", "linear_attention"});

bool is_by_layer_type(const Json& parameters) {
  return std::any_of(kLayerTypes.begin(), kLayerTypes.end(),
                     [&](std::string_view type) { return parameters.contains(type); });
}

// rope_parameters; those by type of layer where the family has them, or where all layers are of one type.
Rope read_parameters(const Json& parameters, const std::string& name, const RopeLayers& layers) {
  if (!is_by_layer_type(parameters)) return read_object(parameters, name, layers);
  for (const auto& [key, value] : parameters.items()) {
    if (std::find(kLayerTypes.begin(), kLayerTypes.end(), key) == kLayerTypes.end()) {
      fail("{}: has both types of layers and {}, expected one or the other", name, printable(key));
    }
  }
  if (!layers.by_type) {
    fail("{}: given by type of layer, which is supported where layer_types lists full_attention only", name);
  }
  const auto found = parameters.find(std::string(layers.type));
  if (found == parameters.end() || found->is_null()) fail("{}: {} is missing", name, layers.type);
  return read_object(*found, fmt::format("{}: {}", name, layers.type), layers);
}

std::vector<float> divided(std::vector<float> frequencies, const std::vector<double>& factors,
                           std::string_view key, std::string_view name) {
  if (factors.size() != frequencies.size()) {
    fail("{}: {} has {} factors, expected half of the rotated elements of a head, {}", name, key,
         factors.size(), frequencies.size());
  }
  for (size_t i = 0; i < factors.size(); ++i)
    frequencies[i] = static_cast<float>(frequencies[i] / factors[i]);
  return frequencies;
}

// Factors for samples up to the original context, and others for longer ones.
void apply_longrope(const LongRope& s, int64_t context, std::string_view name, RopeSpec& rope) {
  if (s.original_context == 0 && s.factor == 0)
    fail("{}: longrope needs original_max_position_embeddings, or a factor", name);
  const double original = s.original_context > 0 ? s.original_context : static_cast<double>(context);
  constexpr double kLongest = 1e12;
  if (!(original >= 2 && original <= kLongest))
    fail("{}: original_max_position_embeddings is {}, expected 2 or more", name, original);
  const std::vector<float> plain = rope.inverse_frequencies;
  rope.inverse_frequencies = divided(plain, s.short_factors, "short_factor", name);
  rope.long_inverse_frequencies = divided(plain, s.long_factors, "long_factor", name);
  rope.long_from = static_cast<int64_t>(original);
  const double factor =
      s.factor > 0 && s.original_context == 0 ? s.factor : static_cast<double>(context) / original;
  const double magnitude = factor <= 1 ? 1 : std::sqrt(1 + std::log(factor) / std::log(original));
  rope.magnitude = static_cast<float>(s.attention_factor > 0 ? s.attention_factor : magnitude);
}

RopeSpec spec_of(const Rope& rope, const RopeLayers& layers, std::string_view name) {
  if (layers.head_dim < 1 || layers.head_dim > 4096)
    fail("{}: head size is {}, expected 1 to 4096", name, layers.head_dim);
  const double part = rope.partial.value_or(layers.partial_if_absent);
  if (!(part > 0 && part <= 1)) fail("{}: partial_rotary_factor is {}, expected 0 to 1", name, part);
  const int rotated = static_cast<int>(layers.head_dim * part);
  if (layers.head_dim % 2 != 0 && part == 1)
    fail("{}: head size {} is odd; RoPE needs an even one", name, layers.head_dim);
  if (rotated < 2 || rotated > layers.head_dim || rotated % 2 != 0) {
    fail(
        "{}: partial_rotary_factor {} turns {} of the {} elements of a head, expected an even number of them",
        name, part, rotated, layers.head_dim);
  }
  RopeSpec spec;
  spec.theta = rope.theta.value_or(layers.theta_if_absent);
  spec.inverse_frequencies = rope_frequencies(spec.theta, rotated);
  if (rope.type == "llama3") apply_llama3_scaling(rope.llama3, spec.inverse_frequencies);
  if (rope.type == "yarn") apply_yarn(rope.yarn, spec);
  if (rope.type == "longrope") apply_longrope(rope.longrope, layers.context, name, spec);
  if (rope.type == "linear") {
    for (float& frequency : spec.inverse_frequencies) frequency = static_cast<float>(frequency / rope.factor);
  }
  if (rope.type == "dynamic") {
    spec.long_from = layers.context;
    spec.dynamic_factor = rope.factor;
  }
  return spec;
}

}  // namespace

RopeSpec read_rope(JsonReader& reader, const RopeLayers& layers) {
  Rope rope;
  if (reader.has("rope_theta")) rope.theta = reader.number("rope_theta");
  if (layers.partial && reader.has("partial_rotary_factor"))
    rope.partial = reader.number("partial_rotary_factor");
  // transformers 5 takes a theta that stands inside before one that stands outside, version 4 does not see
  // it.
  const auto take = [&](const Rope& from, std::string_view where) {
    if (from.theta && rope.theta && *from.theta != *rope.theta) {
      fail("{}: rope_theta {} contradicts the rope_theta {} of {}", reader.name(), *rope.theta, *from.theta,
           where);
    }
    if (from.theta) rope.theta = from.theta;
    if (from.partial) rope.partial = from.partial;
  };
  std::optional<Rope> scaling;
  if (const Json* object = reader.object("rope_scaling"); object != nullptr && !object->empty()) {
    scaling = read_object(*object, fmt::format("{}: rope_scaling", reader.name()), layers);
    take(*scaling, "rope_scaling");
  }
  if (const Json* object = reader.object("rope_parameters"); object != nullptr && !object->empty()) {
    const Rope parameters =
        read_parameters(*object, fmt::format("{}: rope_parameters", reader.name()), layers);
    take(parameters, "rope_parameters");
    if (scaling && !same_scaling(*scaling, parameters)) {
      fail("{}: rope_scaling and rope_parameters contradict each other", reader.name());
    }
    scaling = parameters;
  }
  if (scaling) {
    scaling->theta = rope.theta;
    scaling->partial = rope.partial;
    rope = *scaling;
  }
  if (rope.type == "longrope" && reader.has("original_max_position_embeddings"))
    rope.longrope.original_context = reader.number("original_max_position_embeddings");
  return spec_of(rope, layers, reader.name());
}

}  // namespace idleheads
