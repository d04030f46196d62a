#include "reference/random_model.h"

#include <fstream>
#include <random>

#include "format/json.h"
#include "format/safetensors_writer.h"

namespace idleheads::reference {
namespace {

class Writer {
 public:
  explicit Writer(const RandomSpec& spec) : spec_(spec), random_(spec.seed) {}

  void add(Role role, int layer, std::vector<int64_t> shape, double mean = 0) {
    int64_t count = 1;
    for (const int64_t size : shape) count *= size;
    std::normal_distribution<float> normal(static_cast<float>(mean), static_cast<float>(spec_.scale));
    std::vector<float> values;
    for (int64_t i = 0; i < count; ++i) values.push_back(normal(random_));
    if (spec_.change) spec_.change(role, layer, values);
    file_.add(tensor_name({}, role, layer, false), shape, values);
  }

  void add_layer(int l) {
    const int64_t hidden = spec_.hidden, query = spec_.heads * spec_.head_dim,
                  kv = spec_.kv_heads * spec_.head_dim;
    const int64_t wide = spec_.intermediate;
    const bool olmo2 = spec_.family == "olmo2", biased = spec_.attention_bias || spec_.family == "qwen2";
    add(olmo2 ? Role::attention_post_norm : Role::attention_norm, l, {hidden}, 1);
    add(olmo2 ? Role::mlp_post_norm : Role::mlp_norm, l, {hidden}, 1);
    add(Role::query, l, {query, hidden});
    add(Role::key, l, {kv, hidden});
    add(Role::value, l, {kv, hidden});
    add(Role::output, l, {hidden, query});
    add(Role::gate, l, {wide, hidden});
    add(Role::up, l, {wide, hidden});
    add(Role::down, l, {hidden, wide});
    if (biased) {
      add(Role::query_bias, l, {query});
      add(Role::key_bias, l, {kv});
      add(Role::value_bias, l, {kv});
    }
    if (spec_.attention_bias) add(Role::output_bias, l, {hidden});
    if (spec_.mlp_bias) {
      add(Role::gate_bias, l, {wide});
      add(Role::up_bias, l, {wide});
      add(Role::down_bias, l, {hidden});
    }
    if (olmo2) {
      add(Role::query_norm, l, {query}, 1);
      add(Role::key_norm, l, {kv}, 1);
    }
  }

  std::vector<std::byte> bytes() const { return file_.bytes(); }

 private:
  const RandomSpec& spec_;
  std::mt19937 random_;
  test::SafetensorsWriter file_;
};

}  // namespace

void write_random_model(const std::filesystem::path& folder, const RandomSpec& spec) {
  std::filesystem::create_directories(folder);
  const Json config = {{"model_type", spec.family},
                       {"num_hidden_layers", spec.layers},
                       {"hidden_size", spec.hidden},
                       {"num_attention_heads", spec.heads},
                       {"num_key_value_heads", spec.kv_heads},
                       {"head_dim", spec.head_dim},
                       {"intermediate_size", spec.intermediate},
                       {"vocab_size", spec.vocabulary},
                       {"max_position_embeddings", 1024},
                       {"rms_norm_eps", 1e-5},
                       {"rope_theta", 10000.0},
                       {"tie_word_embeddings", spec.tied},
                       {"attention_bias", spec.attention_bias},
                       {"mlp_bias", spec.mlp_bias}};
  std::ofstream(folder / "config.json") << config.dump(2);
  Writer writer(spec);
  writer.add(Role::token_embedding, 0, {spec.vocabulary, spec.hidden});
  writer.add(Role::final_norm, 0, {spec.hidden}, 1);
  if (!spec.tied) writer.add(Role::lm_head, 0, {spec.vocabulary, spec.hidden});
  for (int l = 0; l < spec.layers; ++l) writer.add_layer(l);
  const std::vector<std::byte> bytes = writer.bytes();
  std::ofstream(folder / "model.safetensors", std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}

}  // namespace idleheads::reference
