#include "model/kept_heads.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>
#include <vector>

#include "base/fail.h"
#include "model/json_reader.h"

namespace idleheads {
namespace {

constexpr int64_t kMostHeads = 4096;  // of a layer, as validate() has it

struct Keys {
  const char *count, *kept;
};
constexpr Keys kQueries = {"head_count", "kept_heads"};
constexpr Keys kKv = {"head_count_kv", "kept_kv_heads"};

// What a file says under the two keys.
struct Said {
  std::optional<int64_t> count;
  std::optional<std::vector<std::string>> kept;
};

struct Names {
  std::string where;  // what stands before a key in messages
  Said queries, kv;
};

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

// The number that the file says, or without one `most`, the most heads of a layer.
int read_count(const Names& names, const Said& said, const Keys& keys, int most) {
  if (!said.count) return most;
  if (*said.count < most || *said.count > kMostHeads)
    fail("{}{} is {}, expected {} (the most of a layer) to {}", names.where, keys.count, *said.count, most,
         kMostHeads);
  return static_cast<int>(*said.count);
}

// One list a layer; empty lists where the file has none. `heads`: how many each layer has.
std::vector<std::vector<int>> read_kept(const Names& names, const Said& said, const Keys& keys, int all,
                                        const std::vector<int>& heads) {
  std::vector<std::vector<int>> kept(heads.size());
  if (!said.kept) return kept;
  const std::vector<std::string>& texts = *said.kept;
  if (texts.size() != heads.size())
    fail("{}{} has {} lists, expected {}, one a layer", names.where, keys.kept, texts.size(), heads.size());
  for (size_t l = 0; l < heads.size(); ++l) {
    kept[l] = parse_list(texts[l], all);
    const bool is_empty = heads[l] == 0 && texts[l].empty();
    if (std::ssize(kept[l]) != heads[l] || (kept[l].empty() && !is_empty)) {
      fail("{}{} of layer {} is '{}', expected {}", names.where, keys.kept, l, printable(texts[l]),
           heads[l] == 0
               ? "nothing, for the layer has no attention heads"
               : fmt::format("{} ascending numbers from 0 to {}, as in '0,1,4'", heads[l], all - 1));
    }
  }
  return kept;
}

// Every query head of the layer must read the key/value head that it did before.
void check_groups(const Names& names, size_t layer, const AttentionSpec& a,
                  const std::vector<int>& kv_columns, int group_size) {
  for (int h = 0; h < a.heads; ++h) {
    const int kv = h / a.group_size();
    const int reads = kv_columns.empty() ? kv : kv_columns[static_cast<size_t>(kv)];
    const int before = a.column(h) / group_size;
    if (reads != before) {
      fail("{}{} of layer {}: head {} reads key/value head {}, expected {} (idleheads.{})", names.where,
           kQueries.kept, layer, a.column(h), reads, before, kKv.kept);
    }
  }
}

void set_queries(const Names& names, ModelSpec& spec) {
  const int all = read_count(names, names.queries, kQueries, spec.most_heads());
  spec.whole_heads = all;
  std::vector<int> counts;
  for (const LayerSpec& layer : spec.layers) counts.push_back(layer.attention.heads);
  std::vector<std::vector<int>> kept = read_kept(names, names.queries, kQueries, all, counts);
  for (size_t l = 0; l < kept.size(); ++l) spec.layers[l].attention.columns = std::move(kept[l]);
}

void set_kv(const Names& names, ModelSpec& spec) {
  if (!names.kv.count && !names.kv.kept) return;
  const int all = read_count(names, names.kv, kKv, spec.most_kv_heads());
  if (spec.heads() % all != 0)
    fail("{}{} is {}, expected a divisor of {}, the number of query heads", names.where, kKv.count, all,
         spec.heads());
  std::vector<int> counts;
  for (const LayerSpec& layer : spec.layers) counts.push_back(layer.attention.kv_heads);
  const std::vector<std::vector<int>> kept = read_kept(names, names.kv, kKv, all, counts);
  for (size_t l = 0; l < kept.size(); ++l)
    check_groups(names, l, spec.layers[l].attention, kept[l], spec.heads() / all);
  spec.whole_kv_heads = all;
}

void set_names(const Names& names, ModelSpec& spec) {
  set_queries(names, spec);
  set_kv(names, spec);
}

template <typename T>
std::optional<T> found(const Gguf& gguf, std::string_view key) {
  const T* value = find<T>(gguf, fmt::format("idleheads.{}", key));
  return value == nullptr ? std::nullopt : std::optional<T>(*value);
}

Said said_in(const Gguf& gguf, const Keys& keys) {
  return {found<int64_t>(gguf, keys.count), found<std::vector<std::string>>(gguf, keys.kept)};
}

Said said_in(JsonReader& object, const Keys& keys) {
  Said said;
  if (object.has(keys.count)) said.count = object.integer(keys.count);
  if (object.has(keys.kept)) said.kept = object.texts(keys.kept);
  return said;
}

}  // namespace

void read_kept_heads(const Gguf& gguf, std::string_view name, ModelSpec& spec) {
  set_names({fmt::format("{}: metadata idleheads.", name), said_in(gguf, kQueries), said_in(gguf, kKv)},
            spec);
}

void read_kept_heads(const Json& json, std::string_view name, ModelSpec& spec) {
  const std::string where = fmt::format("{}: {}", name, kNamesKey);
  JsonReader object(json, where);
  const Names names = {where + ".", said_in(object, kQueries), said_in(object, kKv)};
  object.refuse_unread();
  set_names(names, spec);
}

}  // namespace idleheads
