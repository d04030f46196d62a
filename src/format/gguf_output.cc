#include "format/gguf_output.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <type_traits>

#include "format/gguf_types.h"

namespace idleheads {
namespace {

constexpr uint64_t kAlignment = 32;  // the specification's default

uint64_t aligned(uint64_t size) { return (size + kAlignment - 1) / kAlignment * kAlignment; }

class Bytes {
 public:
  template <typename T>
  Bytes& number(T value) {
    static_assert(std::is_arithmetic_v<T>);
    return raw(std::as_bytes(std::span(&value, 1)));
  }
  Bytes& raw(std::span<const std::byte> bytes) {
    const size_t end = bytes_.size();
    bytes_.resize(end + bytes.size());
    if (!bytes.empty()) std::memcpy(bytes_.data() + end, bytes.data(), bytes.size());
    return *this;
  }
  Bytes& text(std::string_view text) {
    return number(uint64_t{text.size()}).raw(std::as_bytes(std::span(text)));
  }
  std::vector<std::byte>& bytes() { return bytes_; }

 private:
  std::vector<std::byte> bytes_;
};

constexpr uint32_t number_of(GgufValueType type) { return static_cast<uint32_t>(type); }

}  // namespace

bool is_of_the_file(std::string_view key) { return key.starts_with("split.") || key == "general.alignment"; }

uint64_t GgufOutput::TensorEntry::size() const { return static_cast<uint64_t>(stored_bytes(dtype, shape)); }

void GgufOutput::set_all(const Gguf& gguf) {
  for (const GgufPair& pair : gguf.pairs) {
    if (!is_of_the_file(pair.key)) set(pair);
  }
}

void GgufOutput::put(const std::string& key, uint32_t type, std::vector<std::byte> bytes) {
  const auto found = std::ranges::find(pairs_, key, &Pair::key);
  if (found == pairs_.end()) {
    pairs_.push_back({key, type, std::move(bytes)});
  } else {
    *found = {key, type, std::move(bytes)};
  }
}

void GgufOutput::set(const GgufPair& pair) {
  put(pair.key, pair.type, {pair.bytes.begin(), pair.bytes.end()});
}

void GgufOutput::set(const std::string& key, uint32_t value) {
  put(key, number_of(GgufValueType::u32), Bytes().number(value).bytes());
}

void GgufOutput::set(const std::string& key, std::string_view text) {
  put(key, number_of(GgufValueType::string), Bytes().text(text).bytes());
}

void GgufOutput::set(const std::string& key, std::span<const uint32_t> items) {
  Bytes value;
  value.number(number_of(GgufValueType::u32)).number(uint64_t{items.size()});
  for (const uint32_t item : items) value.number(item);
  put(key, number_of(GgufValueType::array), value.bytes());
}

void GgufOutput::set(const std::string& key, std::span<const std::string> items) {
  Bytes value;
  value.number(number_of(GgufValueType::string)).number(uint64_t{items.size()});
  for (const std::string& item : items) value.text(item);
  put(key, number_of(GgufValueType::array), value.bytes());
}

void GgufOutput::add_tensor(std::string name, DType dtype, std::vector<int64_t> shape, Data data) {
  tensors_.push_back({std::move(name), dtype, std::move(shape), std::move(data)});
}

std::vector<std::byte> GgufOutput::head() const {
  Bytes head;
  constexpr uint32_t kVersion = 3;
  head.raw(std::as_bytes(std::span(kGgufMagic))).number(kVersion);
  head.number(uint64_t{tensors_.size()}).number(uint64_t{pairs_.size()});
  for (const Pair& pair : pairs_) head.text(pair.key).number(pair.type).raw(pair.bytes);
  uint64_t offset = 0;
  for (const TensorEntry& tensor : tensors_) {
    head.text(tensor.name).number(static_cast<uint32_t>(tensor.shape.size()));
    for (auto length = tensor.shape.rbegin(); length != tensor.shape.rend(); ++length)
      head.number(static_cast<uint64_t>(*length));
    head.number(ggml_type_id(tensor.dtype)).number(offset);
    offset = aligned(offset + tensor.size());
  }
  head.bytes().resize(aligned(head.bytes().size()));
  return head.bytes();
}

void GgufOutput::write(const Sink& sink) const {
  sink(head());
  const std::vector<std::byte> padding(kAlignment);
  for (const TensorEntry& tensor : tensors_) {
    const std::vector<std::byte> data = tensor.data();
    if (data.size() != tensor.size())
      throw std::logic_error(tensor.name + ": data of another size than its shape");
    sink(data);
    sink(std::span(padding).first(aligned(data.size()) - data.size()));
  }
}

int64_t GgufOutput::bytes() const {
  uint64_t size = head().size();
  for (const TensorEntry& tensor : tensors_) size += aligned(tensor.size());
  return static_cast<int64_t>(size);
}

}  // namespace idleheads
