// Masks in the form that other tools take.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "prune/mask_file.h"

namespace idleheads {

// {"layer": [heads]}, as transformers' prune_heads takes it.
std::string heads_text(const FixedHeads& heads);

// A Python module that switches the heads off (docs/other_tools.md), with the mask as HEADS behind it.
enum class PythonTool { transformers, transformer_lens };
std::string python_text(PythonTool tool, const MaskFile& mask);

// DuoAttention's folder (mit-han-lab/duo-attention, duo_attn/utils.py): full_attention_heads.tsv, a line a
// layer, a column a key/value head, 1 where the head must see everything and 0 where the first and the last
// tokens are enough; and config.json with how many these are. `off`: the share of inputs in which all query
// heads of the KV head are off, [layers][KV heads], in [0, 1]. The folder is made if it is not there.
struct DuoSizes {
  int sink = 64, recent = 256;
};
void write_duo(const std::vector<std::vector<double>>& off, const DuoSizes& sizes,
               const std::filesystem::path& folder);

// 1 for the KV groups of which every head is in the mask, else 0.
std::vector<std::vector<double>> groups_off_in(const HeadMask& mask, int kv_heads);

}  // namespace idleheads
