#include "prune/cut_config.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "base/fail.h"
#include "model/families/family.h"
#include "model/kept_heads.h"
#include "model/per_layer_config.h"

extern "C" {
extern const char idleheads_modeling_begin[], idleheads_modeling_end[];
}

namespace idleheads {
namespace {

// Those whose attention in transformers is made of a config's numbers alone, which
// tests/python/test_cut_folder.py shows.
constexpr auto kFamilies = std::to_array<std::string_view>(
    {"llama", "mistral", "qwen2", "qwen3", "smollm3", "gemma", "granite", "olmo", "starcoder2"});

bool is_uniform(const std::vector<LayerHeads>& plan) {
  const LayerHeads& first = plan.front();
  return std::ranges::all_of(plan, [&](const LayerHeads& layer) {
    return layer.heads.size() == first.heads.size() && layer.kv_heads.size() == first.kv_heads.size();
  });
}

// Mistral has no biases.
bool fits_mistral(const LayerSpec& layer) {
  return !layer.attention.qkv_bias && !layer.attention.output_bias && !layer.mlp.bias;
}

CutForm form_of(const ModelSpec& spec, const std::vector<LayerHeads>& plan) {
  if (!is_uniform(plan)) return CutForm::per_layer;
  const auto heads = static_cast<int>(plan.front().heads.size());
  if (spec.family != "llama" || spec.hidden % heads == 0) return CutForm::plain;
  return fits_mistral(spec.layers.front()) ? CutForm::as_mistral : CutForm::per_layer;
}

Json names_of(const ModelSpec& spec, const std::vector<LayerHeads>& plan) {
  std::vector<std::string> heads, kv_heads;
  for (const LayerHeads& layer : plan) {
    heads.push_back(fmt::format("{}", fmt::join(layer.heads, ",")));
    kv_heads.push_back(fmt::format("{}", fmt::join(layer.kv_heads, ",")));
  }
  return {{"head_count", spec.heads()},
          {"kept_heads", heads},
          {"head_count_kv", spec.kv_heads().value()},
          {"kept_kv_heads", kv_heads}};
}

Json numbers(size_t heads, size_t kv_heads) {
  return {{"num_attention_heads", heads}, {"num_key_value_heads", kv_heads}};
}

void set_layers(const ModelSpec& spec, const std::vector<LayerHeads>& plan, Json& json) {
  const Json whole = numbers(static_cast<size_t>(spec.heads()), static_cast<size_t>(spec.kv_heads().value()));
  json.update(whole);
  Json& layers = json["per_layer_config"] = Json::object();
  for (size_t l = 0; l < plan.size(); ++l) {
    const Json own = plan[l].heads.empty() ? Json{{"skip", {"attention"}}}
                                           : numbers(plan[l].heads.size(), plan[l].kv_heads.size());
    if (own != whole) layers[std::to_string(l)] = own;
  }
  json["model_type"] = fmt::format("{}{}", kCutPrefix, spec.family);
  json["architectures"] = {kCutArchitecture};
  json["auto_map"] = {{"AutoConfig", "modeling_idleheads.CutConfig"},
                      {"AutoModelForCausalLM", fmt::format("modeling_idleheads.{}", kCutArchitecture)}};
}

void set_mistral(Json& json) {
  json["model_type"] = "mistral";
  json["architectures"] = {family_named("mistral").architecture};
  json["sliding_window"] = nullptr;
  json.erase("auto_map");  // of a Llama
  // transformers 5 warns of the tokenizer of a Mistral that version 4 saved.
  json["transformers_version"] = "5.0.0";
}

}  // namespace

void require_cuttable(const ModelSpec& spec, const std::string& name) {
  const AttentionSpec& a = spec.layers.front().attention;
  if (a.qk_norm_over == AttentionSpec::QkNorm::row) {
    fail(
        "{}: in {} models the norms of queries and keys run over all heads together, so that without some "
        "the others would be other heads; write zeros without --cut",
        name, spec.family);
  }
  if (std::ranges::count(kFamilies, spec.family) == 0) {
    fail("{}: heads can be cut out of folders of {} models, not of {}; write zeros without --cut", name,
         fmt::join(kFamilies, ", "), spec.family);
  }
}

CutConfig cut_config(const Json& config, const ModelSpec& spec, const std::vector<LayerHeads>& plan) {
  CutConfig out = {config, form_of(spec, plan)};
  out.json["head_dim"] = spec.layers.front().attention.head_dim;
  out.json[kNamesKey] = names_of(spec, plan);
  if (out.form == CutForm::per_layer) {
    set_layers(spec, plan, out.json);
  } else {
    out.json.update(numbers(plan.front().heads.size(), plan.front().kv_heads.size()));
  }
  if (out.form == CutForm::as_mistral) set_mistral(out.json);
  return out;
}

std::string modeling_text(const ModelSpec& spec) {
  constexpr std::string_view kEnd = "ForCausalLM";
  std::string_view whole = family_named(spec.family).architecture;
  whole.remove_suffix(kEnd.size());
  return fmt::format("from transformers import {0}Config as WholeConfig, {0}{1} as WholeForCausalLM\n\n{2}",
                     whole, kEnd, std::string_view(idleheads_modeling_begin, idleheads_modeling_end));
}

}  // namespace idleheads
