// A small llama or qwen2 as a GGUF file whose output projections have any type.
#pragma once

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include "format/gguf_writer.h"
#include "format/random_blocks.h"

namespace idleheads::test {

struct QuantisedModel {
  DType type = DType::f32;             // of W_O
  std::string architecture = "llama";  // or qwen2, which has biases
  int head_dim = 32;
  int heads = 8, kv_heads = 4, layers = 2, hidden = 256, width = 64, vocabulary = 40;

  std::vector<std::byte> bytes() const {
    GgufWriter writer;
    const auto number = [&](const char* key, int value) {
      writer.add(architecture + "." + key, static_cast<uint32_t>(value));
    };
    writer.add("general.architecture", architecture);
    number("block_count", layers);
    number("context_length", 512);
    number("embedding_length", hidden);
    number("feed_forward_length", width);
    number("attention.head_count", heads);
    number("attention.head_count_kv", kv_heads);
    number("attention.key_length", head_dim);
    number("attention.value_length", head_dim);
    number("rope.dimension_count", head_dim);
    writer.add(architecture + ".attention.layer_norm_rms_epsilon", 1e-5f);
    std::mt19937 random(5);
    const auto add = [&](const std::string& name, const std::vector<int64_t>& shape) {
      int64_t count = 1;
      for (const int64_t length : shape) count *= length;
      std::normal_distribution<float> weight(shape.size() == 1 ? 1.0f : 0.0f, 0.1f);
      std::vector<float> values(static_cast<size_t>(count));
      for (float& value : values) value = weight(random);
      writer.add_tensor(name, shape, values);
    };
    add("token_embd.weight", {vocabulary, hidden});
    add("output_norm.weight", {hidden});
    for (int l = 0; l < layers; ++l) {
      const std::string layer = "blk." + std::to_string(l) + ".";
      add(layer + "attn_norm.weight", {hidden});
      add(layer + "attn_q.weight", {heads * head_dim, hidden});
      add(layer + "attn_k.weight", {kv_heads * head_dim, hidden});
      add(layer + "attn_v.weight", {kv_heads * head_dim, hidden});
      if (architecture == "qwen2") {
        add(layer + "attn_q.bias", {heads * head_dim});
        add(layer + "attn_k.bias", {kv_heads * head_dim});
        add(layer + "attn_v.bias", {kv_heads * head_dim});
      }
      writer.add_tensor(layer + "attn_output.weight", type, {hidden, heads * head_dim},
                        Bytes().bytes(small_blocks(int64_t{hidden} * heads * head_dim, random)));
      add(layer + "ffn_norm.weight", {hidden});
      add(layer + "ffn_gate.weight", {width, hidden});
      add(layer + "ffn_up.weight", {width, hidden});
      add(layer + "ffn_down.weight", {hidden, width});
    }
    return writer.bytes();
  }

 private:
  // Blocks of random bytes whose numbers are not too large for a forward pass.
  std::vector<std::byte> small_blocks(int64_t elements, std::mt19937& random) const {
    const DTypeInfo& info = dtype_info(type);
    std::vector<std::byte> out;
    std::vector<float> values(static_cast<size_t>(info.block_elements));
    for (int64_t i = 0; i < elements; i += info.block_elements) {
      std::vector<std::byte> block;
      do {
        block = random_blocks(type, info.block_elements, static_cast<unsigned>(random()));
        dequantize(type, block, values);
      } while (std::ranges::any_of(values, [](float x) { return std::abs(x) > 2; }));
      out.insert(out.end(), block.begin(), block.end());
    }
    return out;
  }
};

}  // namespace idleheads::test
