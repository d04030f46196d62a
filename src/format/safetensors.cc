#include "format/safetensors.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/fail.h"
#include "format/json.h"

namespace idleheads {
namespace {

static_assert(std::endian::native == std::endian::little, "checkpoints are read without swapping bytes");

constexpr uint64_t kSizeBytes = 8;                 // the header's size comes first
constexpr uint64_t kMaxHeaderBytes = 100'000'000;  // the limit of the format's reference implementation
constexpr std::string_view kMetadata = "__metadata__";

class HeaderParser {
 public:
  HeaderParser(std::span<const std::byte> bytes, std::string_view name)
      : bytes_(bytes), name_(printable(name, 300)) {}

  Safetensors parse() {
    const Json header = read_header();
    for (const auto& [key, value] : header.items()) {
      if (key == kMetadata) {
        read_metadata(value);
      } else {
        result_.tensors.push_back(read_tensor(key, value));
      }
    }
    check_layout();
    return std::move(result_);
  }

 private:
  Json read_header() {
    if (bytes_.size() < kSizeBytes) {
      fail("{}: {} bytes, too short for a safetensors file (8 bytes of header size)", name_, bytes_.size());
    }
    uint64_t size = 0;
    std::memcpy(&size, bytes_.data(), kSizeBytes);
    if (size > bytes_.size() - kSizeBytes) {
      fail("{}: header of {} bytes does not fit in the file of {} bytes; not safetensors, or truncated",
           name_, size, bytes_.size());
    }
    if (size > kMaxHeaderBytes)
      fail("{}: header of {} bytes, expected at most {}", name_, size, kMaxHeaderBytes);
    const std::string_view text(reinterpret_cast<const char*>(bytes_.data()) + kSizeBytes, size);
    if (!text.starts_with('{'))
      fail("{}: the header does not begin with '{{'; not a safetensors file", name_);
    data_ = bytes_.subspan(kSizeBytes + size);
    return parse_json(text, name_ + " (header)");
  }

  void read_metadata(const Json& value) {
    if (!value.is_object()) fail("{}: {} is not an object", name_, kMetadata);
    for (const auto& [key, text] : value.items()) {
      if (!text.is_string()) fail("{}: {} \"{}\" is not a string", name_, kMetadata, printable(key));
      result_.metadata.emplace(key, text.get<std::string>());
    }
  }

  Tensor read_tensor(const std::string& key, const Json& entry) const {
    const std::string shown = printable(key);
    if (key.empty()) fail("{}: a tensor has an empty name", name_);
    if (!entry.is_object()) fail("{}: tensor {}: the header's entry is not an object", name_, shown);
    for (const auto& [field, value] : entry.items()) {
      if (field != "dtype" && field != "shape" && field != "data_offsets") {
        fail("{}: tensor {}: unknown field \"{}\"; expected dtype, shape, data_offsets", name_, shown,
             printable(field));
      }
    }
    Tensor tensor;
    tensor.name = key;
    tensor.dtype = read_dtype(shown, entry);
    for (const uint64_t size : read_numbers(shown, entry, "shape")) {
      if (size > INT64_MAX) fail("{}: tensor {}: size {} of a dimension is too large", name_, shown, size);
      tensor.shape.push_back(static_cast<int64_t>(size));
    }
    const std::vector<uint64_t> range = read_numbers(shown, entry, "data_offsets");
    if (range.size() != 2) {
      fail("{}: tensor {}: data_offsets has {} numbers, expected 2", name_, shown, range.size());
    }
    tensor.data = read_data(shown, range[0], range[1], byte_size(shown, tensor), tensor.dtype);
    return tensor;
  }

  DType read_dtype(const std::string& shown, const Json& entry) const {
    const auto field = entry.find("dtype");
    if (field == entry.end() || !field->is_string()) fail("{}: tensor {}: no dtype", name_, shown);
    const auto& dtype = field->get_ref<const std::string&>();
    for (const DType plain : {DType::f32, DType::f16, DType::bf16, DType::u8}) {
      if (dtype == dtype_info(plain).name) return plain;
    }
    fail("{}: tensor {} has type {}, which is not supported; supported: F32, F16, BF16, U8 (MXFP4)", name_,
         shown, printable(dtype));
  }

  std::vector<uint64_t> read_numbers(const std::string& shown, const Json& entry, const char* key) const {
    const auto field = entry.find(key);
    if (field == entry.end() || !field->is_array()) fail("{}: tensor {}: no list {}", name_, shown, key);
    std::vector<uint64_t> numbers;
    for (const Json& number : *field) {
      if (!number.is_number_unsigned()) {
        fail("{}: tensor {}: {} holds something else than whole numbers from 0", name_, shown, key);
      }
      numbers.push_back(number.get<uint64_t>());
    }
    return numbers;
  }

  // Bytes of the tensor's elements; the product of the shape fits in int64 afterwards.
  uint64_t byte_size(const std::string& shown, const Tensor& tensor) const {
    int64_t size = 1;
    bool overflow = false;
    for (const int64_t length : tensor.shape) overflow |= __builtin_mul_overflow(size, length, &size);
    overflow |= __builtin_mul_overflow(size, dtype_info(tensor.dtype).block_bytes, &size);
    if (overflow) fail("{}: tensor {}: the product of its shape overflows", name_, shown);
    return static_cast<uint64_t>(size);
  }

  std::span<const std::byte> read_data(const std::string& shown, uint64_t begin, uint64_t end, uint64_t size,
                                       DType dtype) const {
    if (begin > end)
      fail("{}: tensor {}: data begin at byte {} and end before it, at {}", name_, shown, begin, end);
    if (end > data_.size()) {
      fail("{}: tensor {}: data end at byte {} of the data, the file holds {}; truncated?", name_, shown, end,
           data_.size());
    }
    const DTypeInfo& info = dtype_info(dtype);
    if (end - begin != size) {
      fail("{}: tensor {}: {} bytes of data, its shape and type {} need {}", name_, shown, end - begin,
           info.name, size);
    }
    if (begin % static_cast<uint64_t>(info.block_bytes) != 0) {
      fail("{}: tensor {}: data begin at byte {}, misaligned for type {} of {} bytes", name_, shown, begin,
           info.name, info.block_bytes);
    }
    return data_.subspan(begin, size);
  }

  // The format demands that the tensors fill the data without overlap or gap.
  void check_layout() const {
    std::vector<const Tensor*> by_place;
    for (const Tensor& tensor : result_.tensors) by_place.push_back(&tensor);
    const auto begin = [&](const Tensor* t) { return static_cast<uint64_t>(t->data.data() - data_.data()); };
    const auto end = [&](const Tensor* t) { return begin(t) + t->data.size(); };
    std::sort(by_place.begin(), by_place.end(), [&](const Tensor* a, const Tensor* b) {
      return std::pair(begin(a), end(a)) < std::pair(begin(b), end(b));
    });
    uint64_t filled = 0;
    const Tensor* last = nullptr;
    for (const Tensor* tensor : by_place) {
      if (begin(tensor) < filled) {
        fail("{}: tensors {} and {} overlap at byte {} of the data", name_, printable(last->name),
             printable(tensor->name), begin(tensor));
      }
      if (begin(tensor) > filled) fail_hole(filled, begin(tensor));
      filled = end(tensor);
      last = tensor;
    }
    if (filled < data_.size()) fail_hole(filled, data_.size());
  }

  [[noreturn]] void fail_hole(uint64_t begin, uint64_t end) const {
    fail("{}: bytes {} to {} of the data belong to no tensor", name_, begin, end);
  }

  std::span<const std::byte> bytes_;
  std::string name_;
  std::span<const std::byte> data_;
  Safetensors result_;
};

}  // namespace

Safetensors parse_safetensors(std::span<const std::byte> bytes, std::string_view name) {
  return HeaderParser(bytes, name).parse();
}

}  // namespace idleheads
