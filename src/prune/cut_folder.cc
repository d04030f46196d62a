#include "prune/cut_folder.h"

#include "base/error.h"
#include "base/mapped_file.h"
#include "format/safetensors.h"
#include "format/safetensors_output.h"
#include "prune/cut_parts.h"

namespace idleheads {
namespace {

namespace fs = std::filesystem;

constexpr const char *kConfig = "config.json", *kSingle = "model.safetensors",
                     *kIndex = "model.safetensors.index.json";

class Cutter {
 public:
  Cutter(const ModelSpec& spec, const std::vector<LayerHeads>& plan)
      : plan_(plan), head_dim_(spec.layers.front().attention.head_dim) {}

  void add_tensor(const Tensor& tensor, SafetensorsOutput& out) const {
    const auto [layer, name] = parts_of(tensor.name, "model.layers.", plan_.size());
    if (layer < 0) return copy(tensor, out);
    const LayerHeads& kept = plan_[static_cast<size_t>(layer)];
    if (kept.heads.empty() && (name.starts_with("self_attn.") || name.starts_with("input_layernorm.")))
      return;
    if (name.starts_with("self_attn.q_proj.")) return add_rows(tensor, kept.heads, out);
    if (name.starts_with("self_attn.k_proj.") || name.starts_with("self_attn.v_proj."))
      return add_rows(tensor, kept.kv_heads, out);
    if (name == "self_attn.o_proj.weight") return add_columns(tensor, kept, out);
    copy(tensor, out);
  }

 private:
  static void copy(const Tensor& tensor, SafetensorsOutput& out) {
    out.add_tensor(tensor.name, tensor.dtype, tensor.shape, [data = tensor.data] {
      std::vector<std::byte> bytes(data.begin(), data.end());
      forget_pages(data);
      return bytes;
    });
  }

  void add_rows(const Tensor& tensor, const std::vector<int>& heads, SafetensorsOutput& out) const {
    std::vector<int64_t> rows = rows_of(heads, head_dim_), shape = tensor.shape;
    shape.front() = std::ssize(rows);
    out.add_tensor(tensor.name, tensor.dtype, std::move(shape),
                   [tensor, rows = std::move(rows)] { return take_rows(tensor, rows); });
  }

  void add_columns(const Tensor& tensor, const LayerHeads& kept, SafetensorsOutput& out) const {
    std::vector<ColumnRun> runs = columns_of(kept, head_dim_);
    std::vector<int64_t> shape = {tensor.shape.front(), width_of(runs)};
    out.add_tensor(tensor.name, tensor.dtype, std::move(shape),
                   [tensor, runs = std::move(runs)] { return take_columns(tensor, runs); });
  }

  const std::vector<LayerHeads>& plan_;
  const int64_t head_dim_;
};

// The files with weights, and the index of those that are not found by their name.
void write_weights(const Checkpoint& checkpoint, const Cutter& cutter, WrittenModel& written,
                   std::vector<OutputFile>& files) {
  int64_t tensor_bytes = 0;
  Json shards = Json::object();
  for (const MappedFile& file : checkpoint.files()) {
    const Safetensors whole = parse_safetensors(file.bytes(), file.path().string());
    SafetensorsOutput cut(whole.metadata);
    for (const Tensor& tensor : whole.tensors) cutter.add_tensor(tensor, cut);
    const std::string name = file.path().filename().string();
    const std::vector<std::string> names = cut.names();
    if (names.empty()) continue;
    for (const std::string& tensor : names) shards[tensor] = name;
    OutputFile& out = files.emplace_back(written.path / name);
    cut.write([&](std::span<const std::byte> bytes) { out.write(bytes); });
    written.bytes += cut.bytes();
    tensor_bytes += cut.tensor_bytes();
  }
  if (checkpoint.files().front().path().filename() == kSingle) return;
  const Json index = {{"metadata", {{"total_size", tensor_bytes}}}, {"weight_map", shards}};
  files.emplace_back(written.path / kIndex).write(dump_json(index, 2) + "\n");
}

}  // namespace

CutFolder write_cut_folder(const Model& model, const HeadMask& mask, const fs::path& output) {
  const Checkpoint& checkpoint = model.checkpoint();
  const std::string name = printable(model.name(), 300);
  if (checkpoint.is_gguf()) fail("{}: --cut to a folder needs a folder with safetensors", name);
  require_cuttable(model.spec(), name);
  const std::vector<LayerHeads> plan = plan_for(model, mask);
  require_elsewhere(model, output);
  require_empty_folder(output);
  const CutConfig config = cut_config(checkpoint.config(), model.spec(), plan);
  const OutputFolder folder(output);
  CutFolder cut;
  cut.form = config.form;
  cut.written.path = output;
  std::vector<OutputFile> files;
  write_weights(checkpoint, Cutter(model.spec(), plan), cut.written, files);
  files.emplace_back(output / kConfig).write(dump_json(config.json, 2) + "\n");
  if (config.form == CutForm::per_layer)
    files.emplace_back(output / kModelingFile).write(modeling_text(model.spec()));
  copy_others(checkpoint, output, {kConfig, kIndex, kModelingFile}, cut.written, files);
  commit_all(checkpoint, files);
  return cut;
}

}  // namespace idleheads
