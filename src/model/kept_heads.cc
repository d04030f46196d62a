#include "model/kept_heads.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <vector>

#include "base/error.h"

namespace idleheads {
namespace {

constexpr int64_t kMostHeads = 4096;  // of a layer, as validate() has it

struct Keys {
  const char *count, *kept;
};
constexpr Keys kQueries = {"idleheads.head_count", "idleheads.kept_heads"};
constexpr Keys kKv = {"idleheads.head_count_kv", "idleheads.kept_kv_heads"};

// Empty where it is no list of ascending numbers below `all`.
std::vector<int> parse_list(std::string_view text, int all) {
  std::vector<int> numbers;
  const char *at = text.data(), *end = at + text.size();
  while (at < end) {
    int number = 0;
    const auto [behind, error] = std::from_chars(at, end, number);
    const bool ascends = numbers.empty() || number > numbers.back();
    if (error != std::errc() || number < 0 || number >= all || !ascends) return {};
    numbers.push_back(number);
    at = behind;
    if (at < end && (*at != ',' || ++at == end)) return {};
  }
  return numbers;
}

// The key's number, or without it `most`, the most heads of a layer.
int read_count(const Gguf& gguf, std::string_view name, const Keys& keys, int most) {
  const auto* count = find<int64_t>(gguf, keys.count);
  if (count == nullptr) return most;
  if (*count < most || *count > kMostHeads)
    fail("{}: metadata {} is {}, expected {} (the most of a layer) to {}", name, keys.count, *count, most,
         kMostHeads);
  return static_cast<int>(*count);
}

// One list a layer; empty lists where the key is missing. `heads`: how many each layer has.
std::vector<std::vector<int>> read_kept(const Gguf& gguf, std::string_view name, const Keys& keys, int all,
                                        const std::vector<int>& heads) {
  std::vector<std::vector<int>> kept(heads.size());
  const auto* texts = find<std::vector<std::string>>(gguf, keys.kept);
  if (texts == nullptr) return kept;
  if (texts->size() != heads.size())
    fail("{}: metadata {} has {} lists, expected {}, one a layer", name, keys.kept, texts->size(),
         heads.size());
  for (size_t l = 0; l < heads.size(); ++l) {
    kept[l] = parse_list((*texts)[l], all);
    const bool is_empty = heads[l] == 0 && (*texts)[l].empty();
    if (std::ssize(kept[l]) != heads[l] || (kept[l].empty() && !is_empty)) {
      fail("{}: metadata {} of layer {} is '{}', expected {}", name, keys.kept, l, printable((*texts)[l]),
           heads[l] == 0
               ? "nothing, for the layer has no attention heads"
               : fmt::format("{} ascending numbers from 0 to {}, as in '0,1,4'", heads[l], all - 1));
    }
  }
  return kept;
}

// Every query head of the layer must read the key/value head that it did before.
void check_groups(std::string_view name, size_t layer, const AttentionSpec& a,
                  const std::vector<int>& kv_columns, int group_size) {
  for (int h = 0; h < a.heads; ++h) {
    const int kv = h / a.group_size();
    const int reads = kv_columns.empty() ? kv : kv_columns[static_cast<size_t>(kv)];
    const int before = a.column(h) / group_size;
    if (reads != before) {
      fail("{}: metadata {} of layer {}: head {} reads key/value head {}, expected {} ({})", name,
           kQueries.kept, layer, a.column(h), reads, before, kKv.kept);
    }
  }
}

void read_kv(const Gguf& gguf, std::string_view name, ModelSpec& spec) {
  if (!gguf.metadata.contains(kKv.count) && !gguf.metadata.contains(kKv.kept)) return;
  const int all = read_count(gguf, name, kKv, spec.most_kv_heads());
  if (spec.heads() % all != 0)
    fail("{}: metadata {} is {}, expected a divisor of {}, the number of query heads", name, kKv.count, all,
         spec.heads());
  std::vector<int> counts;
  for (const LayerSpec& layer : spec.layers) counts.push_back(layer.attention.kv_heads);
  const std::vector<std::vector<int>> kept = read_kept(gguf, name, kKv, all, counts);
  for (size_t l = 0; l < kept.size(); ++l)
    check_groups(name, l, spec.layers[l].attention, kept[l], spec.heads() / all);
  spec.whole_kv_heads = all;
}

}  // namespace

void read_kept_heads(const Gguf& gguf, std::string_view name, ModelSpec& spec) {
  const int all = read_count(gguf, name, kQueries, spec.most_heads());
  spec.whole_heads = all;
  std::vector<int> counts;
  for (const LayerSpec& layer : spec.layers) counts.push_back(layer.attention.heads);
  std::vector<std::vector<int>> kept = read_kept(gguf, name, kQueries, all, counts);
  for (size_t l = 0; l < kept.size(); ++l) spec.layers[l].attention.columns = std::move(kept[l]);
  read_kv(gguf, name, spec);
}

}  // namespace idleheads
