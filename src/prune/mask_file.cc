#include "prune/mask_file.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/fail.h"
#include "base/mapped_file.h"
#include "engine/head_grid.h"
#include "model/checkpoint.h"

namespace idleheads {
namespace {

constexpr std::string_view kFormat = "idleheads mask 1";
constexpr std::string_view kBegins = "idleheads mask ";

// A head number above any model's is left to the model to refuse.
int head_number(const Json& head, const std::string& file, const std::string& layer) {
  if (!head.is_number_integer() || head < 0 || head > 1 << 20)
    fail("{}: layer '{}': expected a list of head numbers from 0", file, printable(layer));
  return head.get<int>();
}

int layer_number(const std::string& text, const std::string& file) {
  int layer = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), layer);
  if (error != std::errc() || end != text.data() + text.size() || layer < 0)
    fail("{}: '{}' is not the number of a layer; expected {{\"5\": [0, 3]}}", file, printable(text));
  return layer;
}

FixedHeads heads_of(const Json& json, const std::string& file) {
  if (!json.is_object())
    fail("{}: expected an object of layers with lists of heads, as in {{\"5\": [0, 3]}}", file);
  FixedHeads fixed;
  for (const auto& [key, heads] : json.items()) {
    const int layer = layer_number(key, file);
    if (!heads.is_array())
      fail("{}: layer '{}': expected a list of head numbers from 0", file, printable(key));
    for (const Json& head : heads) fixed.heads.push_back({layer, head_number(head, file, key)});
  }
  std::ranges::sort(fixed.heads);
  fixed.heads.erase(std::unique(fixed.heads.begin(), fixed.heads.end()), fixed.heads.end());
  return fixed;
}

// float32, written with nine digits; more than it holds is no number of ours.
std::vector<float> numbers_of(const Json& json, const std::string& file, HeadId id) {
  std::vector<float> out;
  for (const Json& number : json) {
    const float value = number.is_number() ? static_cast<float>(number.get<double>()) : NAN;
    if (!std::isfinite(value)) break;
    out.push_back(value);
  }
  if (!json.is_array() || json.empty() || out.size() != json.size())
    fail("{}: means of head {}: expected a list of numbers, one for each of the head's size", file,
         to_string(id));
  return out;
}

std::map<HeadId, std::vector<float>> means_of(const Json& json, const FixedHeads& fixed,
                                              const std::string& file) {
  std::map<HeadId, std::vector<float>> means;
  for (const HeadId id : fixed.heads) {
    const std::string layer = std::to_string(id.layer), head = std::to_string(id.head);
    if (!json.is_object() || !json.contains(layer) || !json[layer].is_object() || !json[layer].contains(head))
      fail("{}: means: head {} is off and has none; expected {{\"{}\": {{\"{}\": [numbers]}}}}", file,
           to_string(id), layer, head);
    means[id] = numbers_of(json[layer][head], file, id);
    if (means[id].size() != means.begin()->second.size())
      fail("{}: means: head {} has {} numbers, head {} {}", file, to_string(id), means[id].size(),
           to_string(means.begin()->first), means.begin()->second.size());
  }
  size_t given = 0;
  for (const Json& layer : json) given += layer.size();
  if (given != means.size()) fail("{}: means: of {} heads, while {} are off", file, given, means.size());
  return means;
}

template <typename T>
T member(const Json& json, const char* key, const std::string& file) try {
  return json.at(key).get<T>();
} catch (const Json::exception&) {
  fail("{}: model.{} is missing, or of another type", file, key);
}

MaskedModel model_of(const Json& json, const std::string& file) {
  if (!json.is_object()) fail("{}: model is no object", file);
  MaskedModel model;
  model.name = member<std::string>(json, "name", file);
  model.fingerprint = member<std::string>(json, "fingerprint", file);
  model.layers = member<int>(json, "layers", file);
  model.heads = member<int>(json, "heads", file);
  model.kv_heads = member<int>(json, "kv_heads", file);
  return model;
}

void check_format(const Json& json, const std::string& file) {
  const std::string format = json["format"].is_string() ? json["format"].get<std::string>() : "";
  if (format == kFormat) return;
  if (format.starts_with(kBegins))
    fail("{}: written by a newer idleheads ({}, this one reads {})", file, printable(format), kFormat);
  fail("{}: its format is not '{}'", file, kFormat);
}

std::string lines_of(const FixedHeads& fixed) {
  std::vector<std::string> lines;
  for (const auto& [layer, heads] : by_layer(fixed))
    lines.push_back(fmt::format("\n    \"{}\": [{}]", layer, fmt::join(heads, ", ")));
  return lines.empty() ? "{}" : fmt::format("{{{}\n  }}", fmt::join(lines, ","));
}

// float32 reads back from nine digits.
std::string lines_of(const std::map<HeadId, std::vector<float>>& means) {
  std::map<int, std::vector<std::string>> layers;
  for (const auto& [id, mean] : means)
    layers[id.layer].push_back(fmt::format("\n      \"{}\": [{:.9g}]", id.head, fmt::join(mean, ", ")));
  std::vector<std::string> lines;
  for (const auto& [layer, heads] : layers)
    lines.push_back(fmt::format("\n    \"{}\": {{{}\n    }}", layer, fmt::join(heads, ",")));
  return fmt::format("{{{}\n  }}", fmt::join(lines, ","));
}

}  // namespace

MaskFile read_mask_file(const std::filesystem::path& path) {
  const std::string file = shown_path(path);
  const Json json = parse_json(read_text_file(path), file);
  MaskFile mask;
  if (!json.is_object() || !json.contains("format")) {
    mask.heads = heads_of(json, file);
    return mask;
  }
  check_format(json, file);
  if (!json.contains("heads")) fail("{}: heads is missing", file);
  mask.heads = heads_of(json["heads"], file);
  if (json.contains("means")) mask.means = means_of(json["means"], mask.heads, file);
  if (json.contains("model")) mask.model = model_of(json["model"], file);
  return mask;
}

std::map<int, std::vector<int>> by_layer(const FixedHeads& fixed) {
  std::map<int, std::vector<int>> layers;
  for (const HeadId id : fixed.heads) layers[id.layer].push_back(id.head);
  return layers;
}

std::string mask_text(const MaskFile& mask) {
  std::string out = fmt::format("{{\n  \"format\": \"{}\"", kFormat);
  if (mask.model) {
    const OrderedJson model = {{"name", mask.model->name},
                               {"fingerprint", mask.model->fingerprint},
                               {"layers", mask.model->layers},
                               {"heads", mask.model->heads},
                               {"kv_heads", mask.model->kv_heads}};
    out += ",\n  \"model\": " + dump_json(model);
  }
  out += ",\n  \"heads\": " + lines_of(mask.heads);
  if (!mask.means.empty()) out += ",\n  \"means\": " + lines_of(mask.means);
  for (const auto& [key, value] : mask.provenance.items())
    out += fmt::format(",\n  {}: {}", dump_json(OrderedJson(key)), dump_json(value));
  return out + "\n}\n";
}

HeadMask mask_for(const MaskFile& mask, const ModelSpec& spec, const std::string& file) {
  const int layers = spec.layer_count(), heads = spec.heads();
  if (mask.model && (mask.model->layers != layers || mask.model->heads != heads)) {
    fail("{}: made for {}, of {} layers with {} heads; this model has {} layers with {} heads", file,
         printable(mask.model->name), mask.model->layers, mask.model->heads, layers, heads);
  }
  HeadMask out(head_shape(spec));
  for (const HeadId id : mask.heads.heads) {
    if (const std::string fault = out.shape().fault_of(id); !fault.empty()) fail("{}: {}", file, fault);
    out.set(id.layer, id.head, true);
  }
  return out;
}

std::optional<HeadMeans> means_for(const MaskFile& mask, const ModelSpec& spec, const std::string& file) {
  if (mask.means.empty()) return std::nullopt;
  HeadMeans means(head_shape(spec), head_dim(spec));
  for (const auto& [id, mean] : mask.means) {
    if (std::ssize(mean) != head_dim(spec))
      fail("{}: means: head {} has {} numbers; heads of this model have {}", file, to_string(id), mean.size(),
           head_dim(spec));
    std::ranges::copy(mean, means.of(id).begin());
  }
  return means;
}

std::optional<HeadMeans> means_of_mask(const MaskFile& mask, const Model& model, const std::string& file) {
  const std::string name = printable(file, 300);
  mask_for(mask, model.spec(), name);
  return means_for(mask, model.spec(), name);
}

void set_means(const HeadMeans& means, MaskFile& mask) {
  mask.means.clear();
  for (const HeadId id : mask.heads.heads) mask.means[id].assign(means.of(id).begin(), means.of(id).end());
}

void require_made_for(const MaskFile& mask, const Model& model, const std::string& file) {
  if (!mask.model || mask.model->fingerprint == model.checkpoint().fingerprint()) return;
  fail(
      "{}: made for {} with other weights than this model's; --other-weights takes it nevertheless, as for "
      "another quantisation of the same model",
      file, printable(mask.model->name));
}

}  // namespace idleheads
