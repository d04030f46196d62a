#include "format/gguf.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <unordered_set>
#include <utility>

#include "base/fail.h"
#include "format/byte_reader.h"
#include "format/gguf_types.h"

namespace idleheads {
namespace {

constexpr std::string_view kMagic = kGgufMagic;
constexpr std::string_view kAlignmentKey = "general.alignment";
constexpr int64_t kDefaultAlignment = 32;
constexpr int64_t kMaxAlignment = 1 << 16;
constexpr uint64_t kMaxKeyBytes = 65535;  // the specification's limits
constexpr uint64_t kMaxTensorNameBytes = 64;
constexpr uint32_t kMaxDimensions = 4;
constexpr uint64_t kMaxStringBytes = uint64_t{1} << 30;  // ours
constexpr uint64_t kMaxArrayItems = uint64_t{1} << 26;
constexpr uint64_t kMinPairBytes = 8 + 4 + 1;            // empty key, type, one byte
constexpr uint64_t kMinTensorBytes = 8 + 4 + 8 + 4 + 8;  // empty name, one dimension, type, offset

using ValueType = GgufValueType;

class GgufParser {
 public:
  GgufParser(std::span<const std::byte> bytes, std::string_view name)
      : bytes_(bytes), reader_(bytes, printable(name, 300)) {}

  Gguf parse() {
    result_.name = reader_.name();
    read_version();
    const uint64_t tensor_count = reader_.read_count("the number of tensors", kMinTensorBytes);
    const uint64_t pair_count = reader_.read_count("the number of metadata pairs", kMinPairBytes);
    for (uint64_t i = 0; i < pair_count; ++i) read_pair();
    read_alignment();
    result_.tensors.reserve(tensor_count);
    for (uint64_t i = 0; i < tensor_count; ++i) read_tensor();
    place_data();
    return std::move(result_);
  }

 private:
  // Where in the tensor data a tensor lies; kept until the end of the table, where the data begin, is known.
  struct Place {
    uint64_t offset;
    uint64_t size;
  };

  const std::string& file() const { return reader_.name(); }

  void read_version() {
    if (!looks_like_gguf(bytes_)) fail("{}: not a GGUF file (its first four bytes are not 'GGUF')", file());
    reader_.read<uint32_t>("the magic");
    const auto version = reader_.read<uint32_t>("the version");
    if ((version & 0xffff) == 0 && version != 0) {
      fail("{}: a big-endian GGUF file; only little-endian files are supported", file());
    }
    if (version == 1)
      fail("{}: GGUF version 1 is not supported; convert the model again to version 3", file());
    if (version != 2 && version != 3) {
      fail("{}: GGUF version {} is not known; supported: 2, 3", file(), version);
    }
    result_.version = version;
  }

  void read_pair() {
    const uint64_t at = reader_.position();
    std::string key = reader_.read_string("a metadata key", kMaxKeyBytes);
    if (key.empty()) fail("{}: the metadata key at byte {} is empty", file(), at);
    what_ = "metadata " + printable(key);
    if (result_.metadata.contains(key)) fail("{}: {} is given twice, again at byte {}", file(), what_, at);
    const ValueType type = read_type();
    const uint64_t begin = reader_.position();
    GgufValue value = type == ValueType::array ? read_array() : read_scalar(type);
    result_.pairs.push_back(
        {key, static_cast<uint32_t>(type), bytes_.subspan(begin, reader_.position() - begin)});
    result_.metadata.emplace(std::move(key), std::move(value));
  }

  ValueType read_type() {
    const uint64_t at = reader_.position();
    const auto type = reader_.read<uint32_t>(what_);
    if (type > static_cast<uint32_t>(ValueType::f64)) {
      fail("{}: {}: unknown value type {} at byte {}", file(), what_, type, at);
    }
    return static_cast<ValueType>(type);
  }

  GgufValue read_scalar(ValueType type) {
    switch (type) {
      case ValueType::f32:
      case ValueType::f64:
        return read_float(type);
      case ValueType::boolean:
        return read_bool();
      case ValueType::string:
        return read_text();
      default:
        return read_integer(type);
    }
  }

  GgufValue read_array() {
    const uint64_t at = reader_.position();
    const ValueType type = read_type();
    if (type == ValueType::array)
      fail("{}: {}: arrays of arrays are not supported (byte {})", file(), what_, at);
    const uint64_t count = reader_.read_count(what_ + ": the number of items", item_bytes(type));
    if (count > kMaxArrayItems) {
      fail("{}: {}: {} items at byte {}, expected at most {}", file(), what_, count, at, kMaxArrayItems);
    }
    switch (type) {
      case ValueType::f32:
      case ValueType::f64:
        return read_items<double>(count, [&] { return read_float(type); });
      case ValueType::boolean:
        return read_items<bool>(count, [&] { return read_bool(); });
      case ValueType::string:
        return read_items<std::string>(count, [&] { return read_text(); });
      default:
        return read_items<int64_t>(count, [&] { return read_integer(type); });
    }
  }

  template <typename T, typename Read>
  static std::vector<T> read_items(uint64_t count, const Read& read) {
    std::vector<T> items;
    items.reserve(count);
    for (uint64_t i = 0; i < count; ++i) items.push_back(read());
    return items;
  }

  // The fewest bytes that an array's item of this type takes.
  static uint64_t item_bytes(ValueType type) {
    switch (type) {
      case ValueType::u8:
      case ValueType::i8:
      case ValueType::boolean:
        return 1;
      case ValueType::u16:
      case ValueType::i16:
        return 2;
      case ValueType::u32:
      case ValueType::i32:
      case ValueType::f32:
        return 4;
      default:
        return 8;  // numbers of 64 bits, and a string's length
    }
  }

  int64_t read_integer(ValueType type) {
    switch (type) {
      case ValueType::u8:
        return reader_.read<uint8_t>(what_);
      case ValueType::i8:
        return reader_.read<int8_t>(what_);
      case ValueType::u16:
        return reader_.read<uint16_t>(what_);
      case ValueType::i16:
        return reader_.read<int16_t>(what_);
      case ValueType::u32:
        return reader_.read<uint32_t>(what_);
      case ValueType::i32:
        return reader_.read<int32_t>(what_);
      case ValueType::u64:
        return read_u64();
      default:
        return reader_.read<int64_t>(what_);
    }
  }

  int64_t read_u64() {
    const auto value = reader_.read<uint64_t>(what_);
    if (!std::in_range<int64_t>(value)) {
      fail("{}: {}: {} is above the range of 64-bit signed integers", file(), what_, value);
    }
    return static_cast<int64_t>(value);
  }

  double read_float(ValueType type) {
    return type == ValueType::f32 ? double{reader_.read<float>(what_)} : reader_.read<double>(what_);
  }

  bool read_bool() {
    const uint64_t at = reader_.position();
    const auto value = reader_.read<uint8_t>(what_);
    if (value > 1) fail("{}: {}: a boolean at byte {} is {}, expected 0 or 1", file(), what_, at, value);
    return value == 1;
  }

  std::string read_text() { return reader_.read_string(what_, kMaxStringBytes); }

  void read_alignment() {
    const auto* alignment = find<int64_t>(result_, std::string(kAlignmentKey));
    if (!alignment) return;
    if (*alignment < 8 || *alignment > kMaxAlignment ||
        !std::has_single_bit(static_cast<uint64_t>(*alignment))) {
      fail("{}: metadata {} is {}, expected a power of two from 8 to {}", file(), kAlignmentKey, *alignment,
           kMaxAlignment);
    }
    alignment_ = static_cast<uint64_t>(*alignment);
  }

  void read_tensor() {
    const uint64_t at = reader_.position();
    Tensor tensor;
    tensor.name = reader_.read_string("a tensor's name", kMaxTensorNameBytes);
    if (tensor.name.empty()) fail("{}: the tensor's name at byte {} is empty", file(), at);
    what_ = "tensor " + printable(tensor.name);
    if (!names_.insert(tensor.name).second)
      fail("{}: {} is given twice, again at byte {}", file(), what_, at);
    read_shape(tensor);
    const auto type = reader_.read<uint32_t>(what_);
    const std::optional<DType> dtype = ggml_dtype(type);
    if (!dtype) {
      fail("{}: {} has type {}, which is not supported; supported: {}", file(), what_, ggml_type_name(type),
           supported_ggml_types());
    }
    tensor.dtype = *dtype;
    const uint64_t size = byte_size(tensor);
    const auto offset = reader_.read<uint64_t>(what_);
    if (offset % alignment_ != 0) {
      fail("{}: {}: its data's offset {} is not a multiple of the alignment {}", file(), what_, offset,
           alignment_);
    }
    places_.push_back({offset, size});
    result_.tensors.push_back(std::move(tensor));
  }

  void read_shape(Tensor& tensor) {
    const auto dimensions = reader_.read<uint32_t>(what_);
    if (dimensions == 0 || dimensions > kMaxDimensions) {
      fail("{}: {} has {} dimensions, expected 1 to {}", file(), what_, dimensions, kMaxDimensions);
    }
    for (uint32_t i = 0; i < dimensions; ++i) {
      const auto length = reader_.read<uint64_t>(what_);
      if (length == 0 || !std::in_range<int64_t>(length)) {
        fail("{}: {}: dimension {} is {}, expected 1 to 2^63 - 1", file(), what_, i, length);
      }
      tensor.shape.push_back(static_cast<int64_t>(length));
    }
    std::reverse(tensor.shape.begin(), tensor.shape.end());
  }

  // Bytes of the tensor's blocks; neither they nor the number of elements overflow int64.
  uint64_t byte_size(const Tensor& tensor) const {
    const DTypeInfo& info = dtype_info(tensor.dtype);
    if (tensor.shape.back() % info.block_elements != 0) {
      fail("{}: {} of type {}: its innermost dimension {} is not a multiple of {}", file(), what_, info.name,
           tensor.shape.back(), info.block_elements);
    }
    int64_t elements = 1, size = 0;
    bool overflow = false;
    for (const int64_t length : tensor.shape) overflow |= __builtin_mul_overflow(elements, length, &elements);
    overflow |= __builtin_mul_overflow(elements / info.block_elements, info.block_bytes, &size);
    if (overflow) fail("{}: {}: the product of its dimensions overflows", file(), what_);
    return static_cast<uint64_t>(size);
  }

  // Checks the places against the file and against each other, and points the tensors to their data.
  void place_data() {
    if (result_.tensors.empty()) return;
    const uint64_t data_begin = (reader_.position() + alignment_ - 1) / alignment_ * alignment_;
    std::vector<size_t> order(places_.size());
    for (size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::sort(order.begin(), order.end(),
              [&](size_t a, size_t b) { return places_[a].offset < places_[b].offset; });
    for (size_t i = 0; i < order.size(); ++i) {
      const Place& place = places_[order[i]];
      check_end(order[i], data_begin);
      if (i + 1 < order.size() && places_[order[i + 1]].offset < place.offset + place.size) {
        fail("{}: tensors {} and {} overlap at byte {} of the tensor data", file(), shown(order[i]),
             shown(order[i + 1]), places_[order[i + 1]].offset);
      }
    }
    check_file_size(data_begin);
    for (size_t i = 0; i < places_.size(); ++i) {
      result_.tensors[i].data = bytes_.subspan(data_begin + places_[i].offset, places_[i].size);
    }
  }

  // The sum of offset and size must be a number at all before it is compared with anything.
  void check_end(size_t index, uint64_t data_begin) const {
    uint64_t end = 0;
    bool overflow = __builtin_add_overflow(places_[index].offset, places_[index].size, &end);
    overflow |= __builtin_add_overflow(end, data_begin, &end);
    if (overflow) {
      fail("{}: tensor {}: its data's offset {} is beyond any file", file(), shown(index),
           places_[index].offset);
    }
  }

  void check_file_size(uint64_t data_begin) const {
    const auto end = [](const Place& place) { return place.offset + place.size; };
    const auto last = std::max_element(places_.begin(), places_.end(),
                                       [&](const Place& a, const Place& b) { return end(a) < end(b); });
    const uint64_t expected = data_begin + end(*last);
    if (expected > bytes_.size()) {
      fail("{}: truncated: the file has {} bytes, its tensors need {} (tensor {} ends there)", file(),
           bytes_.size(), expected, shown(static_cast<size_t>(last - places_.begin())));
    }
  }

  std::string shown(size_t index) const { return printable(result_.tensors[index].name); }

  std::span<const std::byte> bytes_;
  ByteReader reader_;
  Gguf result_;
  std::string what_;  // the pair or tensor being read, for messages
  uint64_t alignment_ = kDefaultAlignment;
  std::unordered_set<std::string> names_;
  std::vector<Place> places_;  // one per tensor
};

}  // namespace

Gguf parse_gguf(std::span<const std::byte> bytes, std::string_view name) {
  return GgufParser(bytes, name).parse();
}

bool looks_like_gguf(std::span<const std::byte> bytes) {
  return bytes.size() >= kMagic.size() && std::memcmp(bytes.data(), kMagic.data(), kMagic.size()) == 0;
}

}  // namespace idleheads
