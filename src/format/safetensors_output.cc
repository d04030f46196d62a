#include "format/safetensors_output.h"

#include <algorithm>
#include <stdexcept>

#include "format/json.h"

namespace idleheads {

void SafetensorsOutput::add_tensor(std::string name, DType dtype, std::vector<int64_t> shape, Data data) {
  const auto width = [](DType type) { return dtype_info(type).block_bytes; };
  const auto place = std::ranges::find_if(
      tensors_, [&](const TensorEntry& tensor) { return width(tensor.dtype) < width(dtype); });
  tensors_.insert(place, {std::move(name), dtype, std::move(shape), std::move(data)});
}

std::string SafetensorsOutput::header() const {
  OrderedJson json = OrderedJson::object();
  if (!metadata_.empty()) json["__metadata__"] = metadata_;
  int64_t end = 0;
  for (const TensorEntry& tensor : tensors_) {
    const int64_t begin = end;
    end += tensor.size();
    json[tensor.name] = {
        {"dtype", dtype_info(tensor.dtype).name}, {"shape", tensor.shape}, {"data_offsets", {begin, end}}};
  }
  std::string text = dump_json(json);
  constexpr size_t kAlignment = 8;
  text.resize((text.size() + kAlignment - 1) / kAlignment * kAlignment, ' ');
  return text;
}

void SafetensorsOutput::write(const Sink& sink) const {
  const std::string text = header();
  const uint64_t size = text.size();
  sink(std::as_bytes(std::span(&size, 1)));
  sink(std::as_bytes(std::span(text)));
  for (const TensorEntry& tensor : tensors_) {
    const std::vector<std::byte> data = tensor.data();
    if (std::ssize(data) != tensor.size())
      throw std::logic_error(tensor.name + ": data of another size than its shape");
    sink(data);
  }
}

std::vector<std::string> SafetensorsOutput::names() const {
  std::vector<std::string> names;
  for (const TensorEntry& tensor : tensors_) names.push_back(tensor.name);
  return names;
}

int64_t SafetensorsOutput::tensor_bytes() const {
  int64_t size = 0;
  for (const TensorEntry& tensor : tensors_) size += tensor.size();
  return size;
}

int64_t SafetensorsOutput::bytes() const {
  return int64_t{sizeof(uint64_t)} + std::ssize(header()) + tensor_bytes();
}

}  // namespace idleheads
