// Reads a model's metadata in GGUF (the keys under its architecture's prefix) and knows in the end which of
// them nobody read.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/fail.h"
#include "format/gguf.h"

namespace idleheads {

// Every look-up marks its key as read. Keys are without the prefix: "block_count". Functions without a value
// for "absent" throw Error if the key is missing; all throw Error that names key and type if the value has
// another type.
class GgufReader {
 public:
  // `gguf` and `name`, which stands in messages, must outlive the reader.
  GgufReader(const Gguf& gguf, std::string_view name, std::string_view architecture);

  bool has(const std::string& key);
  // A size. Some writers give one number a layer; those are accepted where all are equal.
  int integer(const std::string& key);
  int integer(const std::string& key, int absent);
  // A size that layers may have of their own: a list of them, or one number for all.
  std::vector<int> by_layer(const std::string& key, int layers);
  std::vector<int> by_layer(const std::string& key, std::vector<int> absent);
  double number(const std::string& key);
  double number(const std::string& key, double absent);
  bool boolean(const std::string& key, bool absent);
  std::string text(const std::string& key, std::string absent);
  // One flag a layer: a list of them, or a number n, which stands for n - 1 of n layers. `absent` if the key
  // is missing.
  std::vector<bool> flags(const std::string& key, size_t layers, std::vector<bool> absent);

  template <typename T>
  [[noreturn]] void wrong(const std::string& key, const T& value, std::string_view expected) const {
    fail("{}: metadata {}{} is {}, expected {}", name_, prefix_, key, value, expected);
  }

  const Tensor* find_tensor(const std::string& name) const;  // nullptr if there is none
  const Gguf& gguf() const { return gguf_; }
  std::string_view name() const { return name_; }

  // Throws Error for a key that nobody has read and that could change the computation: one that no list
  // knows, or one that other families' forward passes act upon, at a value at which it acts.
  void refuse_acting_keys();

 private:
  int sensible(const std::string& key, int64_t value) const;
  void check_scale();
  void refuse_acting_number(const std::string& key, double at_rest, bool zero_is_absent);

  const Gguf& gguf_;
  std::string_view name_;
  std::string prefix_;
  std::set<std::string> read_;  // with the prefix
};

}  // namespace idleheads
