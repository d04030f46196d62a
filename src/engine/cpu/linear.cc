#include "engine/cpu/linear.h"

#include <fmt/format.h>
#include <omp.h>
#include <sys/mman.h>

#include <array>
#include <dnnl.hpp>
#include <mutex>
#include <new>
#include <unordered_map>

#include "base/fail.h"
#include "engine/cpu/ops.h"

namespace idleheads {
namespace {

using dnnl::memory;

dnnl::engine& cpu() {
  static dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  return engine;
}

dnnl::stream& own_stream() {
  thread_local dnnl::stream stream(cpu());
  return stream;
}

// Parallelism is over tiles, in our own threads: each product stays on the thread that asked for it. What the
// calling thread has set for its own OpenMP loops holds again afterwards.
class OneOmpThread {
 public:
  OneOmpThread() : before_(omp_get_max_threads()) { omp_set_num_threads(1); }
  ~OneOmpThread() { omp_set_num_threads(before_); }
  OneOmpThread(const OneOmpThread&) = delete;
  OneOmpThread& operator=(const OneOmpThread&) = delete;

 private:
  int before_;
};

// oneDNN writes the machine code it makes without asking whether it got memory for it, and would crash.
void require_memory_for_code() {
  constexpr size_t kCode = size_t{16} << 20;  // of all its kernels of one product, generously
  void* address = ::mmap(nullptr, kCode, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (address == MAP_FAILED) throw std::bad_alloc();
  ::munmap(address, kCode);
}

[[noreturn]] void fail_product(const dnnl::error& error, int64_t outputs, int64_t inputs,
                               Precision precision) {
  if (error.status == dnnl_out_of_memory) throw std::bad_alloc();
  const bool is_bf16 = precision == Precision::bf16;
  fail("oneDNN cannot multiply {} matrices of {} x {} on this processor ({}){}", is_bf16 ? "bf16" : "f32",
       outputs, inputs, error.what(), is_bf16 ? "; try --dtype f32" : "");
}

memory::data_type data_type(Precision precision) {
  return precision == Precision::bf16 ? memory::data_type::bf16 : memory::data_type::f32;
}

// x [kTileRows, inputs] times W^T [inputs, outputs], W in the layout oneDNN likes best.
dnnl::matmul::primitive_desc make_matmul(int64_t outputs, int64_t inputs, Precision precision,
                                         bool with_bias) {
  const memory::desc x({kTileRows, inputs}, data_type(precision), memory::format_tag::ab);
  const memory::desc w({inputs, outputs}, data_type(precision), memory::format_tag::any);
  const memory::desc y({kTileRows, outputs}, memory::data_type::f32, memory::format_tag::ab);
  const memory::desc b({1, outputs}, memory::data_type::f32, memory::format_tag::ab);
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
#if DNNL_VERSION_MAJOR >= 3
  if (with_bias) return {cpu(), x, w, b, y, attributes};
  return {cpu(), x, w, y, attributes};
#else
  if (with_bias) return {dnnl::matmul::desc(x, w, b, y), attributes, cpu()};
  return {dnnl::matmul::desc(x, w, y), attributes, cpu()};
#endif
}

// Memory of the calling thread that lasts until the thread's next product of a larger size.
template <typename T>
T* thread_scratch(int64_t size) {
  thread_local AlignedBuffer<T> buffer;
  if (buffer.size() < size) buffer.resize(size);
  return buffer.data();
}

}  // namespace

bool has_bf16() {
  // Instruction sets are bit masks; their order as numbers says nothing (AVX2-VNNI is above AMX).
  const auto bits = [](dnnl::cpu_isa isa) { return static_cast<unsigned>(isa); };
  const unsigned needed = bits(dnnl::cpu_isa::avx512_core_bf16);
  return (bits(dnnl::get_effective_cpu_isa()) & needed) == needed;
}

Precision fastest_precision() { return has_bf16() ? Precision::bf16 : Precision::f32; }

struct Linear::Impl {
  Precision precision;
  dnnl::matmul::primitive_desc description;
  dnnl::matmul product;
  memory packed;
  AlignedBuffer<float> bias;
};

Linear::Linear(std::span<const float> weights, int64_t outputs, int64_t inputs, Precision precision,
               std::span<const float> bias)
    : impl_(std::make_unique<Impl>()), outputs_(outputs), inputs_(inputs) {
  impl_->precision = precision;
  require_memory_for_code();
  const OneOmpThread alone;
  try {
    dnnl::stream& stream = own_stream();
    impl_->description = make_matmul(outputs, inputs, precision, !bias.empty());
    impl_->product = dnnl::matmul(impl_->description);
    impl_->packed = memory(impl_->description.weights_desc(), cpu());
    // W is [outputs, inputs] row-major, so W^T [inputs, outputs] is column-major ("ba").
    memory source({{inputs, outputs}, memory::data_type::f32, memory::format_tag::ba}, cpu(),
                  const_cast<float*>(weights.data()));
    dnnl::reorder(source, impl_->packed).execute(stream, source, impl_->packed);
    stream.wait();
  } catch (const dnnl::error& error) {
    fail_product(error, outputs, inputs, precision);
  }
  if (!bias.empty()) {
    impl_->bias.resize(outputs);
    std::copy(bias.begin(), bias.end(), impl_->bias.data());
  }
  try_once();
}

// Some of oneDNN's kernels are made by the first product of their number format: here, where there is memory
// for them, and not in the middle of a run.
void Linear::try_once() const {
  static std::array<std::once_flag, 2> tried;
  std::call_once(tried[impl_->precision == Precision::bf16 ? 1 : 0], [&] {
    AlignedBuffer<float> x(kTileRows * inputs_), y(kTileRows * outputs_);
    std::fill_n(x.data(), x.size(), 0.0f);
    apply(x.data(), y.data());
  });
}

Linear::Linear() = default;
Linear::~Linear() = default;
Linear::Linear(Linear&&) noexcept = default;
Linear& Linear::operator=(Linear&&) noexcept = default;

int64_t Linear::bytes() const {
  return impl_ ? static_cast<int64_t>(impl_->packed.get_desc().get_size()) : 0;
}

void Linear::apply(const float* x, float* y) const {
  const void* input = x;
  if (impl_->precision == Precision::bf16) {
    uint16_t* narrow = thread_scratch<uint16_t>(kTileRows * inputs_);
    to_bf16(x, narrow, kTileRows * inputs_);
    input = narrow;
  }
  const OneOmpThread alone;
  const memory::desc scratch = impl_->description.scratchpad_desc();
  std::unordered_map<int, memory> arguments = {
      {DNNL_ARG_SRC, memory(impl_->description.src_desc(), cpu(), const_cast<void*>(input))},
      {DNNL_ARG_WEIGHTS, impl_->packed},
      {DNNL_ARG_DST, memory(impl_->description.dst_desc(), cpu(), y)},
      {DNNL_ARG_SCRATCHPAD,
       memory(scratch, cpu(), thread_scratch<std::byte>(static_cast<int64_t>(scratch.get_size())))}};
  if (impl_->bias.size() > 0) {
    const memory::desc b({1, outputs_}, memory::data_type::f32, memory::format_tag::ab);
    arguments.emplace(DNNL_ARG_BIAS, memory(b, cpu(), impl_->bias.data()));
  }
  try {
    dnnl::stream& stream = own_stream();
    impl_->product.execute(stream, arguments);
    stream.wait();
  } catch (const dnnl::error& error) {
    fail_product(error, outputs_, inputs_, impl_->precision);
  }
}

std::string matmul_description() {
  const dnnl_version_t* version = dnnl_version();
  return fmt::format("oneDNN {}.{}.{}, {}", version->major, version->minor, version->patch,
                     has_bf16() ? "bf16 and f32" : "f32");
}

}  // namespace idleheads
