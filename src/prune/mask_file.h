// Which heads are to be switched off for good, in a file: what `idleheads mask` writes and --mask reads.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "format/json.h"
#include "idleheads/heads/head_means.h"
#include "idleheads/heads/intervention.h"
#include "idleheads/model/model.h"

namespace idleheads {

// The model that a mask was made for.
struct MaskedModel {
  std::string name;         // for people (portable_name)
  std::string fingerprint;  // Checkpoint::fingerprint()
  int layers = 0, heads = 0, kv_heads = 0;
};

struct MaskFile {
  FixedHeads heads;  // sorted, each once
  // What the heads give instead of zeros (heads/head_means.h), all of equal length: of every head, or empty.
  std::map<HeadId, std::vector<float>> means;
  std::optional<MaskedModel> model;                // none in a plain {"layer": [heads]}
  OrderedJson provenance = OrderedJson::object();  // how the heads were chosen, and what was measured
};

// Reads {"format": "idleheads mask 1", "model": {...}, "heads": {"5": [0, 3]}, ...}, or the heads alone, as
// transformers' prune_heads takes them; also "means": {"5": {"0": [numbers], "3": [numbers]}}. Throws Error
// that names the file and what is wrong in it.
MaskFile read_mask_file(const std::filesystem::path& file);

// The heads of each layer that has some.
std::map<int, std::vector<int>> by_layer(const FixedHeads& heads);

// What read_mask_file() reads, a layer a line.
std::string mask_text(const MaskFile& mask);

// The heads as [layers, heads] of the model. Throws Error that names `file` and the first head that the model
// does not have, or if the mask was made for a model of another shape.
HeadMask mask_for(const MaskFile& mask, const ModelSpec& spec, const std::string& file);

// The means as the engine takes them; none where heads give zeros. Throws Error that names `file` where heads
// of the model have another size. The heads must be the model's (mask_for).
std::optional<HeadMeans> means_for(const MaskFile& mask, const ModelSpec& spec, const std::string& file);
// The means of a mask that was read from `file`, as means_for(); throws Error also as mask_for().
std::optional<HeadMeans> means_of_mask(const MaskFile& mask, const Model& model, const std::string& file);
// Those of the mask's heads, into the mask.
void set_means(const HeadMeans& means, MaskFile& mask);

// Throws Error if the mask says that it was made for other weights than the model's. Reads all of them.
void require_made_for(const MaskFile& mask, const Model& model, const std::string& file);

}  // namespace idleheads
