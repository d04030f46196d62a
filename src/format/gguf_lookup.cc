#include <array>

#include "base/fail.h"
#include "format/gguf.h"

namespace idleheads {
namespace {

// In the order of GgufValue's alternatives.
constexpr std::array<std::string_view, std::variant_size_v<GgufValue>> kKinds = {
    "an integer",         "a floating-point number",          "a boolean",          "a string",
    "a list of integers", "a list of floating-point numbers", "a list of booleans", "a list of strings"};

std::string in_file(const Gguf& gguf) { return gguf.name.empty() ? "" : gguf.name + ": "; }

}  // namespace

template <typename T>
const T* find(const Gguf& gguf, const std::string& key) {
  const auto found = gguf.metadata.find(key);
  if (found == gguf.metadata.end()) return nullptr;
  if (const T* value = std::get_if<T>(&found->second)) return value;
  fail("{}metadata {} is {}, expected {}", in_file(gguf), printable(key), kKinds[found->second.index()],
       kKinds[GgufValue(T()).index()]);
}

template <typename T>
const T& require(const Gguf& gguf, const std::string& key) {
  if (const T* value = find<T>(gguf, key)) return *value;
  fail("{}metadata {} is missing, expected {}", in_file(gguf), printable(key),
       kKinds[GgufValue(T()).index()]);
}

template const int64_t* find(const Gguf&, const std::string&);
template const double* find(const Gguf&, const std::string&);
template const bool* find(const Gguf&, const std::string&);
template const std::string* find(const Gguf&, const std::string&);
template const std::vector<int64_t>* find(const Gguf&, const std::string&);
template const std::vector<double>* find(const Gguf&, const std::string&);
template const std::vector<bool>* find(const Gguf&, const std::string&);
template const std::vector<std::string>* find(const Gguf&, const std::string&);
template const int64_t& require(const Gguf&, const std::string&);
template const double& require(const Gguf&, const std::string&);
template const bool& require(const Gguf&, const std::string&);
template const std::string& require(const Gguf&, const std::string&);
template const std::vector<int64_t>& require(const Gguf&, const std::string&);
template const std::vector<double>& require(const Gguf&, const std::string&);
template const std::vector<bool>& require(const Gguf&, const std::string&);
template const std::vector<std::string>& require(const Gguf&, const std::string&);

}  // namespace idleheads
