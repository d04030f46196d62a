#include "model/gguf_reader.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace idleheads {

GgufReader::GgufReader(const Gguf& gguf, std::string_view name, std::string_view architecture)
    : gguf_(gguf), name_(name), prefix_(std::string(architecture) + ".") {}

bool GgufReader::has(const std::string& key) {
  read_.insert(prefix_ + key);
  return gguf_.metadata.contains(prefix_ + key);
}

int GgufReader::integer(const std::string& key) {
  if (!has(key)) fail("{}: metadata {}{} is missing", name_, prefix_, key);
  const GgufValue& found = gguf_.metadata.at(prefix_ + key);
  int64_t value = -1;
  if (const auto* list = std::get_if<std::vector<int64_t>>(&found); list != nullptr && !list->empty()) {
    value = list->front();
    if (std::count(list->begin(), list->end(), value) != static_cast<int64_t>(list->size())) {
      fail("{}: metadata {}{} differs from layer to layer, which is not supported", name_, prefix_, key);
    }
  } else if (const auto* number = std::get_if<int64_t>(&found)) {
    value = *number;
  }
  return sensible(key, value);
}

int GgufReader::sensible(const std::string& key, int64_t value) const {
  if (value < 0 || value > std::numeric_limits<int>::max()) {
    fail("{}: metadata {}{} is not a sensible whole number", name_, prefix_, key);
  }
  return static_cast<int>(value);
}

std::vector<int> GgufReader::by_layer(const std::string& key, int layers) {
  const auto count = static_cast<size_t>(layers);
  const auto found = gguf_.metadata.find(prefix_ + key);
  const auto* list =
      found == gguf_.metadata.end() ? nullptr : std::get_if<std::vector<int64_t>>(&found->second);
  if (list == nullptr) return std::vector<int>(count, integer(key));
  read_.insert(prefix_ + key);
  if (list->size() != count)
    wrong(key, fmt::format("a list of {}", list->size()), fmt::format("{}, one a layer", layers));
  std::vector<int> values;
  for (const int64_t value : *list) values.push_back(sensible(key, value));
  return values;
}

std::vector<int> GgufReader::by_layer(const std::string& key, std::vector<int> absent) {
  return has(key) ? by_layer(key, static_cast<int>(absent.size())) : absent;
}

int GgufReader::integer(const std::string& key, int absent) { return has(key) ? integer(key) : absent; }

double GgufReader::number(const std::string& key) {
  read_.insert(prefix_ + key);
  return require<double>(gguf_, prefix_ + key);
}

double GgufReader::number(const std::string& key, double absent) { return has(key) ? number(key) : absent; }

bool GgufReader::boolean(const std::string& key, bool absent) {
  return has(key) ? require<bool>(gguf_, prefix_ + key) : absent;
}

std::string GgufReader::text(const std::string& key, std::string absent) {
  return has(key) ? require<std::string>(gguf_, prefix_ + key) : absent;
}

std::vector<bool> GgufReader::flags(const std::string& key, size_t layers, std::vector<bool> absent) {
  if (!has(key)) return absent;
  const GgufValue& found = gguf_.metadata.at(prefix_ + key);
  if (const auto* list = std::get_if<std::vector<bool>>(&found)) {
    if (list->size() < layers) wrong(key, fmt::format("a list of {}", list->size()), "one a layer");
    return {list->begin(), list->begin() + static_cast<int64_t>(layers)};
  }
  const auto of = static_cast<size_t>(integer(key));
  std::vector<bool> flags;
  for (size_t l = 0; l < layers; ++l) flags.push_back(of > 0 && l % of < of - 1);
  return flags;
}

const Tensor* GgufReader::find_tensor(const std::string& name) const {
  const auto found = std::ranges::find(gguf_.tensors, name, &Tensor::name);
  return found == gguf_.tensors.end() ? nullptr : &*found;
}

void GgufReader::refuse_acting_number(const std::string& key, double at_rest, bool zero_is_absent) {
  if (read_.contains(prefix_ + key)) return;
  const double value = number(key, at_rest);
  if (value != at_rest && !(zero_is_absent && value == 0)) wrong(key, value, fmt::format("{}", at_rest));
}

// Of scores: what the head's size says, unless the family reads it.
void GgufReader::check_scale() {
  if (read_.contains(prefix_ + "attention.scale") || !has("attention.scale")) return;
  // Layers may have their own numbers of heads, but then the file says of which size these are.
  const auto from_heads = [this] {
    const int heads = std::max(1, integer("attention.head_count", 1));
    return integer("embedding_length", heads) / heads;
  };
  const int head_dim = has("attention.key_length") ? integer("attention.key_length") : from_heads();
  const double usual = 1 / std::sqrt(static_cast<double>(head_dim)), scale = number("attention.scale");
  if (scale != 0 && std::abs(scale - usual) > 1e-6 * usual)
    wrong("attention.scale", scale, fmt::format("{}, 1 / sqrt(head size)", usual));
}

void GgufReader::refuse_acting_keys() {
  if (!boolean("attention.causal", true)) wrong("attention.causal", "false", "true");
  constexpr const char* kParallel = "use_parallel_residual";
  if (!read_.contains(prefix_ + kParallel) && boolean(kParallel, false)) wrong(kParallel, "true", "false");
  for (const char* key : {"attention.sliding_window", "expert_count", "expert_used_count",
                          "expert_shared_count", "nextn_predict_layers", "pooling_type"}) {
    if (read_.contains(prefix_ + key)) continue;
    if (const int value = integer(key, 0); value != 0) wrong(key, value, "0");
  }
  check_scale();
  for (const char* key : {"attn_logit_softcapping", "final_logit_softcapping", "attention.clamp_kqv",
                          "attention.max_alibi_bias"}) {
    refuse_acting_number(key, 0, false);
  }
  // 0 stands for "not given" in llama.cpp.
  for (const char* key : {"logit_scale", "embedding_scale", "residual_scale"})
    refuse_acting_number(key, 1, true);
  for (const auto& [key, value] : gguf_.metadata) {
    if (key.starts_with(prefix_) && !read_.contains(key)) {
      fail("{}: metadata {} is not understood and might change what the model computes", name_,
           printable(key));
    }
  }
}

}  // namespace idleheads
