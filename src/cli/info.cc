// idleheads info [MODEL]: what a model is; the families, devices and scores that there are.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>

#include "base/byte_size.h"
#include "base/fail.h"
#include "cli/command_tree.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "cli/terminal.h"
#include "engine/device.h"
#include "format/json.h"
#include "idleheads/engine/engine.h"
#include "idleheads/heads/score.h"
#include "idleheads/model/model.h"
#include "model/families/family.h"
#include "report/terminal/text.h"

namespace idleheads::cli {
namespace {

struct Info {
  std::string model;
  bool json = false, devices = false, scores = false;
};

// Tensors and bytes per element type.
std::map<std::string, std::pair<int64_t, int64_t>> types_of(const Checkpoint& checkpoint) {
  std::map<std::string, std::pair<int64_t, int64_t>> types;
  for (const Tensor& tensor : checkpoint.tensors()) {
    auto& [count, bytes] = types[std::string(dtype_info(tensor.dtype).name)];
    ++count;
    bytes += static_cast<int64_t>(tensor.data.size());
  }
  return types;
}

std::string tokenizer_line(const Model& model) {
  try {
    const Tokenizer& tokenizer = model.tokenizer();
    return tokenizer.note().empty() ? tokenizer.description()
                                    : fmt::format("{}; {}", tokenizer.description(), tokenizer.note());
  } catch (const Error& error) {
    return fmt::format("none ({})", error.what());
  }
}

Json rope_thetas(const ModelSpec& spec) {
  Json thetas = Json::array();
  for (const RopeSpec& rope : spec.ropes) thetas.push_back(rope.theta);
  return thetas.size() == 1 ? thetas.front() : thetas;
}

std::string rope_text(const ModelSpec& spec) {
  std::vector<double> thetas;
  for (const RopeSpec& rope : spec.ropes) thetas.push_back(rope.theta);
  return thetas.empty() ? "" : fmt::format(", RoPE theta {}", fmt::join(thetas, " and "));
}

// One a layer; 0: none.
Json windows(const ModelSpec& spec) {
  Json out = Json::array();
  for (const LayerSpec& layer : spec.layers) out.push_back(layer.attention.window);
  return out;
}

// Whether all layers have all heads.
bool is_even(const ModelSpec& spec) {
  return std::ranges::all_of(spec.layers, [&](const LayerSpec& layer) {
    return layer.attention.heads == spec.heads() && layer.attention.kv_heads == spec.kv_heads();
  });
}

void print(const Json& json) { print_foreign(dump_json(json, 2) + "\n"); }

void print_json(const Model& model) {
  const ModelSpec& c = model.spec();
  Json types = Json::object();
  for (const auto& [name, counts] : types_of(model.checkpoint())) {
    types[name] = {{"tensors", counts.first}, {"bytes", counts.second}};
  }
  Json out = {{"model", model.name()},
              {"family", c.family},
              {"format", model.checkpoint().is_gguf() ? "gguf" : "safetensors"},
              {"parameters", model.checkpoint().parameters()},
              {"layers", c.layer_count()},
              {"heads", c.heads()},
              {"kv_heads", c.kv_heads() ? Json(*c.kv_heads()) : Json(nullptr)},
              {"head_dim", c.layers.front().attention.head_dim},
              {"hidden", c.hidden},
              {"intermediate", c.layers.front().mlp.width},
              {"vocabulary", c.vocabulary},
              {"context", c.context},
              {"rope_theta", rope_thetas(c)},
              {"windows", windows(c)},
              {"tied_embeddings", c.tied_embeddings},
              {"dtypes", types},
              {"file_bytes", model.checkpoint().file_bytes()},
              {"tokenizer", tokenizer_line(model)},
              {"chat_template", model.chat_template().has_value()},
              {"fingerprint", model.checkpoint().fingerprint()}};
  if (!is_even(c)) {
    for (const LayerSpec& layer : c.layers) {
      out["layer_heads"].push_back(layer.attention.heads);
      out["layer_kv_heads"].push_back(layer.attention.kv_heads);
    }
  }
  print(out);
}

// "window 512", "full attention, no RoPE, 32 experts, 4 a token".
std::string kind_of(const LayerSpec& layer) {
  const AttentionSpec& a = layer.attention;
  if (!a.is_there()) return "no attention";
  std::string kind = a.window > 0 ? fmt::format("window {}", a.window) : "full attention";
  if (a.rope < 0) kind += ", no RoPE";
  if (a.sinks) kind += ", learned sinks";
  if (a.soft_cap > 0) kind += fmt::format(", scores capped at {}", a.soft_cap);
  if (a.qk_norm.is_there()) kind += ", QK norm";
  if (layer.parallel) kind += ", MLP in parallel";
  if (layer.mlp.experts > 0)
    kind += fmt::format(", {} experts, {} a token", layer.mlp.experts, layer.mlp.experts_per_token);
  return kind;
}

// Each kind with its number of layers, in the order of the first of them.
std::string kinds_text(const ModelSpec& spec) {
  std::vector<std::pair<std::string, int>> kinds;
  for (const LayerSpec& layer : spec.layers) {
    const std::string kind = kind_of(layer);
    const auto found = std::ranges::find(kinds, kind, &std::pair<std::string, int>::first);
    if (found == kinds.end()) {
      kinds.emplace_back(kind, 1);
    } else {
      ++found->second;
    }
  }
  std::string text;
  for (const auto& [kind, count] : kinds)
    text += fmt::format("{}{} x {}", text.empty() ? "" : "; ", count, kind);
  return text;
}

// "L0 to L3 9/3, L4 6/2": of layers their query heads and key/value heads.
std::string heads_by_layer(const ModelSpec& spec) {
  const auto heads_of = [&](size_t layer) {
    const AttentionSpec& a = spec.layers[layer].attention;
    return std::pair(a.heads, a.kv_heads);
  };
  std::string text;
  for (size_t first = 0, end = 0; first < spec.layers.size(); first = end) {
    while (end < spec.layers.size() && heads_of(end) == heads_of(first)) ++end;
    const std::string last = end - first > 1 ? fmt::format(" to L{}", end - 1) : "";
    const auto [heads, kv_heads] = heads_of(first);
    text += fmt::format("{}L{}{} {}/{}", first == 0 ? "" : ", ", first, last, heads, kv_heads);
  }
  return text;
}

std::string heads_text(const ModelSpec& spec) {
  const AttentionSpec& a = spec.layers.front().attention;
  if (is_even(spec))
    return fmt::format("{} per layer of size {}, {} in all; {} key/value heads (groups of {})", a.heads,
                       a.head_dim, spec.head_count(), a.kv_heads, a.group_size());
  return fmt::format("{} of {} (up to {} per layer) of size {}; query and key/value heads by layer: {}",
                     spec.head_count(), int64_t{spec.layer_count()} * spec.heads(), spec.heads(), a.head_dim,
                     heads_by_layer(spec));
}

void print_text(const Model& model) {
  const ModelSpec& c = model.spec();
  const auto line = [](std::string_view what, const std::string& value) {
    fmt::print("{}", wrap(printable(value, 1000), terminal_width(80), fmt::format("{:<14} ", what)));
  };
  line("model", model.name());
  line("family", fmt::format("{} ({})", c.family, model.checkpoint().is_gguf() ? "GGUF" : "safetensors"));
  line("parameters",
       fmt::format("{:.1f} million, {} on disk", static_cast<double>(model.checkpoint().parameters()) / 1e6,
                   byte_size(model.checkpoint().file_bytes())));
  line("layers", fmt::format("{}", c.layer_count()));
  line("heads", heads_text(c));
  line("sizes", fmt::format("hidden {}, MLP {}, vocabulary {}{}", c.hidden, c.layers.front().mlp.width,
                            c.vocabulary, c.tied_embeddings ? " (embeddings tied)" : ""));
  line("context", fmt::format("{} tokens{}", c.context, rope_text(c)));
  line("layer kinds", kinds_text(c));
  std::string types;
  for (const auto& [name, counts] : types_of(model.checkpoint())) {
    types += fmt::format("{}{} in {} tensors", types.empty() ? "" : ", ", name, counts.first);
  }
  line("dtypes", types);
  line("tokenizer", tokenizer_line(model));
  line("chat template", model.chat_template() ? "yes" : "no");
  line("fingerprint", model.checkpoint().fingerprint());
  line("engine", engine_description(fastest_precision()));
}

// As JSON: the devices, and in words why there are none.
Json devices_json(const std::string& processor, const std::vector<std::string>& lines) {
  Json out = {{"cpu", processor}, {"cuda", Json::array()}, {"note", nullptr}};
  for (const std::string& line : lines) {
    if (line.starts_with("cuda:")) {
      out["cuda"].push_back(line);
    } else {
      out["note"] = line;
    }
  }
  return out;
}

void print_devices(bool json) {
  const std::string processor = engine_description(fastest_precision());
  const std::vector<std::string> lines = list_devices();
  if (json) return print(devices_json(processor, lines));
  fmt::print("{}", wrap(processor, terminal_width(80), "cpu: "));
  for (const std::string& line : lines) {
    // Why there is no device, or "cuda:0: " and what it is.
    const size_t name = line.starts_with("cuda:") ? line.find(' ') + 1 : 0;
    const std::string first = name == 0 ? "note: " : line.substr(0, name);
    fmt::print("{}", wrap(printable(line, 1000).substr(name), terminal_width(80), first));
  }
}

// What each score measures, and on which side of a threshold it takes a head for inactive.
void print_scores(bool json) {
  Json list = Json::array();
  for (const Score& score : all_scores()) {
    const char* side = score.inactive_above ? "above" : "below";
    if (json) {
      list.push_back({{"score", score.slug},
                      {"name", score.paper_name},
                      {"inactive", side},
                      {"in_paper", score.in_paper},
                      {"meaning", score.meaning}});
    } else {
      fmt::print("{}", wrap(fmt::format("{} Inactive {} the threshold.", score.meaning, side),
                            terminal_width(80), fmt::format("{:<10}", score.slug)));
    }
  }
  if (json) print(list);
}

// By model_type of config.json; GGUF has its own names.
void print_families(bool json) {
  Json list = Json::array();
  if (!json) fmt::print("{:<14} GGUF architecture\n", "family");
  for (const Family* family : families()) {
    const std::string_view name = family->read_json ? family->name : "", gguf = family->gguf;
    if (json) {
      list.push_back({{"family", name.empty() ? Json(nullptr) : Json(name)},
                      {"gguf_architecture", gguf.empty() ? Json(nullptr) : Json(gguf)}});
    } else {
      fmt::print("{:<14} {}\n", name.empty() ? "-" : name, gguf.empty() ? "-" : gguf);
    }
  }
  if (json) print(list);
}

void run(const Info& info) {
  if (info.devices + info.scores + !info.model.empty() > 1)
    fail_usage("info: give one of MODEL, --devices and --scores");
  if (info.devices) return print_devices(info.json);
  if (info.scores) return print_scores(info.json);
  if (info.model.empty()) return print_families(info.json);
  const std::shared_ptr<const Model> model = Model::open(info.model);
  info.json ? print_json(*model) : print_text(*model);
}

}  // namespace

void add_info(CLI::App& app) {
  CLI::App* command = app.add_subcommand(
      "info", "what a model is; without one, which families, devices and scores there are");
  auto info = std::make_shared<Info>();
  begin_group(*command, "Output");
  add_model(*command, info->model);
  command->add_flag("--json", info->json, "for machines");
  command->add_flag("--devices", info->devices, "what can compute besides the processor");
  command->add_flag("--scores", info->scores, "what each score measures");
  add_guide(*command, {"idleheads info model.gguf", "idleheads info --devices", "idleheads info --scores"},
            "docs/models.md and docs/scores.md");
  command->callback([info] { run(*info); });
}

}  // namespace idleheads::cli
