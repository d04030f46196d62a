#include "prune/cut_folder.h"

#include "base/fail.h"
#include "base/mapped_file.h"
#include "model/checkpoint.h"
#include "prune/cut_parts.h"

namespace idleheads {
namespace {

namespace fs = std::filesystem;

class FolderCutter {
 public:
  FolderCutter(const ModelSpec& spec, const std::vector<LayerHeads>& plan)
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

}  // namespace

CutFolder write_cut_folder(const Model& model, const HeadMask& mask, const fs::path& output) {
  const Checkpoint& checkpoint = model.checkpoint();
  const std::string name = printable(model.name(), 300);
  if (checkpoint.is_gguf()) fail("{}: --cut to a folder needs a folder with safetensors", name);
  require_cuttable(model.spec(), name);
  const std::vector<LayerHeads> plan = plan_for(model, mask);
  require_elsewhere(model, output);
  const CutConfig config = cut_config(checkpoint.config(), model.spec(), plan);
  std::map<std::string, std::string> anew = {{"config.json", dump_json(config.json, 2) + "\n"}};
  if (config.form == CutForm::per_layer) anew[kModelingFile] = modeling_text(model.spec());
  const FolderCutter cutter(model.spec(), plan);
  CutFolder cut;
  cut.written = write_folder(
      checkpoint, output,
      [&](const Tensor& tensor, SafetensorsOutput& out) { cutter.add_tensor(tensor, out); }, anew);
  cut.form = config.form;
  cut.plan = plan;
  return cut;
}

}  // namespace idleheads
