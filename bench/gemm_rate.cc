#include "gemm_rate.h"

#include <omp.h>

#include <dnnl.hpp>
#include <random>
#include <unordered_map>

#include "engine/cpu/ops.h"

namespace idleheads::bench {
namespace {

using dnnl::memory;

dnnl::matmul::primitive_desc describe(const dnnl::engine& cpu, const LayerProducts::Shape& shape,
                                      Precision precision) {
  const auto type = precision == Precision::bf16 ? memory::data_type::bf16 : memory::data_type::f32;
  const memory::desc x({kTileRows, shape.inputs}, type, memory::format_tag::ab);
  const memory::desc w({shape.inputs, shape.outputs}, type, memory::format_tag::any);
  const memory::desc y({kTileRows, shape.outputs}, memory::data_type::f32, memory::format_tag::ab);
#if DNNL_VERSION_MAJOR >= 3
  return {cpu, x, w, y};
#else
  return {dnnl::matmul::desc(x, w, y), cpu};
#endif
}

void fill(memory target, Precision precision) {
  std::minstd_rand random(1);
  std::normal_distribution<float> normal;
  const auto bytes = static_cast<int64_t>(target.get_desc().get_size());
  std::vector<float> values(static_cast<size_t>(bytes / (precision == Precision::bf16 ? 2 : 4)));
  for (float& value : values) value = normal(random);
  void* data = target.get_data_handle();
  if (precision == Precision::bf16) {
    to_bf16(values.data(), static_cast<uint16_t*>(data), static_cast<int64_t>(values.size()));
  } else {
    std::copy(values.begin(), values.end(), static_cast<float*>(data));
  }
}

}  // namespace

struct LayerProducts::Impl {
  struct Product {
    dnnl::matmul primitive;
    std::unordered_map<int, memory> arguments;
  };
  dnnl::engine cpu{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream{cpu};
  std::vector<Product> products;
  double flops = 0;
};

LayerProducts::LayerProducts(const std::vector<Shape>& shapes, Precision precision)
    : impl_(std::make_unique<Impl>()) {
  for (const Shape& shape : shapes) {
    const auto description = describe(impl_->cpu, shape, precision);
    memory x(description.src_desc(), impl_->cpu), w(description.weights_desc(), impl_->cpu);
    fill(x, precision);
    fill(w, precision);
    impl_->products.push_back({dnnl::matmul(description),
                               {{DNNL_ARG_SRC, x},
                                {DNNL_ARG_WEIGHTS, w},
                                {DNNL_ARG_DST, memory(description.dst_desc(), impl_->cpu)}}});
    impl_->flops += 2.0 * static_cast<double>(kTileRows * shape.outputs * shape.inputs);
  }
}

LayerProducts::~LayerProducts() = default;
LayerProducts::LayerProducts(LayerProducts&&) noexcept = default;

void LayerProducts::run() {
  omp_set_num_threads(1);
  for (Impl::Product& product : impl_->products) product.primitive.execute(impl_->stream, product.arguments);
  impl_->stream.wait();
}

double LayerProducts::flops() const { return impl_->flops; }

}  // namespace idleheads::bench
