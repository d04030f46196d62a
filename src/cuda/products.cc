#include "cuda/products.h"

#include <cublasLt.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <random>
#include <tuple>
#include <type_traits>
#include <vector>

#include "base/fail.h"
#include "cuda/differences.h"
#include "cuda/memory.h"

namespace idleheads::cuda {
namespace {

void check_lt(cublasStatus_t status, const char* what) {
  if (status != CUBLAS_STATUS_SUCCESS) fail("cuBLASLt: {}: {}", what, cublasLtGetStatusString(status));
}

template <typename T>
constexpr cudaDataType_t kType = std::is_same_v<T, float> ? CUDA_R_32F : CUDA_R_16BF;

constexpr size_t kWorkspace = 32 << 20;
// Rows that algorithms are asked for, and that the proof goes up to.
constexpr int64_t kTallest = 8192, kTallestProof = 2048;
constexpr int kCandidates = 16;

// cuBLASLt's matrices are column-major: a row-major [rows, columns] is [columns, rows] there.
class Layout {
 public:
  Layout(cudaDataType_t type, int64_t rows, int64_t columns) {
    check_lt(cublasLtMatrixLayoutCreate(&layout_, type, static_cast<uint64_t>(columns),
                                        static_cast<uint64_t>(rows), columns),
             "a layout");
  }
  ~Layout() { cublasLtMatrixLayoutDestroy(layout_); }
  Layout(const Layout&) = delete;
  Layout& operator=(const Layout&) = delete;
  operator cublasLtMatrixLayout_t() const { return layout_; }

 private:
  cublasLtMatrixLayout_t layout_ = nullptr;
};

// A product as the library is asked for it.
struct Call {
  cudaDataType_t element, output;
  int64_t outputs, inputs;
};

}  // namespace

template <typename Element>
struct Products<Element>::Impl {
  explicit Impl(Stream own) : stream(own), workspace(static_cast<int64_t>(kWorkspace)) {
    check_lt(cublasLtCreate(&library), "the library");
    check_lt(cublasLtMatmulDescCreate(&operation, CUBLAS_COMPUTE_32F, CUDA_R_32F), "a description");
    const cublasOperation_t transposed = CUBLAS_OP_T;
    check_lt(cublasLtMatmulDescSetAttribute(operation, CUBLASLT_MATMUL_DESC_TRANSA, &transposed,
                                            sizeof transposed),
             "a description");
  }
  ~Impl() {
    cublasLtMatmulDescDestroy(operation);
    cublasLtDestroy(library);
  }

  cublasStatus_t run(const Call& call, const cublasLtMatmulAlgo_t& algorithm, const void* weights,
                     const void* x, int64_t rows, void* y) {
    const Layout w(call.element, call.outputs, call.inputs), left(call.element, rows, call.inputs),
        result(call.output, rows, call.outputs);
    const float one = 1, zero = 0;
    return cublasLtMatmul(library, operation, &one, weights, w, x, left, &zero, y, result, y, result,
                          &algorithm, workspace.data(), kWorkspace, stream);
  }

  std::vector<cublasLtMatmulHeuristicResult_t> candidates(const Call& call) const;
  bool is_proven(const Call& call, const cublasLtMatmulAlgo_t& algorithm, const void* weights);
  const cublasLtMatmulAlgo_t& algorithm_of(const Call& call, const void* weights);

  Stream stream;
  cublasLtHandle_t library = nullptr;
  cublasLtMatmulDesc_t operation = nullptr;
  DeviceBuffer<char> workspace;
  std::map<std::tuple<cudaDataType_t, int64_t, int64_t>, cublasLtMatmulAlgo_t>
      algorithms;  // by output and shape
};

// Best first; none that sums parts of the inner dimension apart.
template <typename Element>
std::vector<cublasLtMatmulHeuristicResult_t> Products<Element>::Impl::candidates(const Call& call) const {
  cublasLtMatmulPreference_t wish = nullptr;
  check_lt(cublasLtMatmulPreferenceCreate(&wish), "a preference");
  const uint32_t none = CUBLASLT_REDUCTION_SCHEME_NONE;
  cublasLtMatmulPreferenceSetAttribute(wish, CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, &none, sizeof none);
  cublasLtMatmulPreferenceSetAttribute(wish, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &kWorkspace,
                                       sizeof kWorkspace);
  // x may begin at any row of a buffer; the others begin where buffers do.
  const auto row = static_cast<uint32_t>(call.inputs) * static_cast<uint32_t>(sizeof(Element));
  const uint32_t alignment = std::min<uint32_t>(256, row & (~row + 1));
  cublasLtMatmulPreferenceSetAttribute(wish, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, &alignment,
                                       sizeof alignment);
  const Layout w(call.element, call.outputs, call.inputs), left(call.element, kTallest, call.inputs),
      result(call.output, kTallest, call.outputs);
  std::vector<cublasLtMatmulHeuristicResult_t> found(kCandidates);
  int count = 0;
  const cublasStatus_t status = cublasLtMatmulAlgoGetHeuristic(library, operation, w, left, result, result,
                                                               wish, kCandidates, found.data(), &count);
  cublasLtMatmulPreferenceDestroy(wish);
  found.resize(status == CUBLAS_STATUS_SUCCESS ? static_cast<size_t>(count) : 0);
  std::erase_if(found, [](const cublasLtMatmulHeuristicResult_t& result_of) {
    int32_t split = 1;
    size_t size = 0;
    cublasLtMatmulAlgoConfigGetAttribute(&result_of.algo, CUBLASLT_ALGO_CONFIG_SPLITK_NUM, &split,
                                         sizeof split, &size);
    return result_of.state != CUBLAS_STATUS_SUCCESS || split > 1;
  });
  return found;
}

// The same rows, moved and fewer: nothing promises their bits, so they are compared.
template <typename Element>
bool Products<Element>::Impl::is_proven(const Call& call, const cublasLtMatmulAlgo_t& algorithm,
                                        const void* weights) {
  constexpr int64_t kMoved = 77;
  const auto element = static_cast<int64_t>(sizeof(Element));
  const int64_t output = call.output == CUDA_R_32F ? 4 : 2, row = call.outputs * output;
  std::vector<float> numbers(static_cast<size_t>(kTallestProof * call.inputs));
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  for (float& x : numbers) x = normal(random);
  DeviceBuffer<float> x32(std::ssize(numbers));
  DeviceBuffer<Element> x(std::ssize(numbers));
  DeviceBuffer<char> want(kTallestProof * row), got(kTallestProof * row);
  upload(std::span<const float>(numbers), x32.data(), stream);
  convert(x32.data(), std::ssize(numbers), x.data(), stream);
  if (run(call, algorithm, weights, x.data(), kTallestProof, want.data()) != CUBLAS_STATUS_SUCCESS)
    return false;
  for (const int64_t rows :
       {int64_t{1}, int64_t{7}, int64_t{64}, int64_t{300}, int64_t{1024}, kTallestProof - kMoved}) {
    const char* moved = reinterpret_cast<const char*>(x.data()) + kMoved * call.inputs * element;
    if (run(call, algorithm, weights, moved, rows, got.data()) != CUBLAS_STATUS_SUCCESS) return false;
    if (differing_bytes(want.data() + kMoved * row, got.data(), rows * row, stream) > 0) return false;
  }
  return true;
}

template <typename Element>
const cublasLtMatmulAlgo_t& Products<Element>::Impl::algorithm_of(const Call& call, const void* weights) {
  const auto key = std::tuple(call.output, call.outputs, call.inputs);
  if (const auto found = algorithms.find(key); found != algorithms.end()) return found->second;
  for (const cublasLtMatmulHeuristicResult_t& candidate : candidates(call)) {
    if (is_proven(call, candidate.algo, weights))
      return algorithms.emplace(key, candidate.algo).first->second;
  }
  fail(
      "cuBLASLt has no algorithm for weights [{}, {}] that gives a row the same bits whatever the number of "
      "rows",
      call.outputs, call.inputs);
}

template <typename Element>
Products<Element>::Products(Stream stream) : impl_(std::make_unique<Impl>(stream)) {}
template <typename Element>
Products<Element>::~Products() = default;

template <typename Element>
template <typename Output>
void Products<Element>::apply(const Element* weights, int64_t outputs, int64_t inputs, const Element* x,
                              int64_t rows, Output* y) {
  const Call call = {kType<Element>, kType<Output>, outputs, inputs};
  check_lt(impl_->run(call, impl_->algorithm_of(call, weights), weights, x, rows, y), "a product");
}

template <typename Element>
std::string Products<Element>::description() {
  const size_t version = cublasLtGetVersion();
  return fmt::format("cuBLASLt {}.{}.{}", version / 10000, version / 100 % 100, version % 100);
}

template class Products<float>;
template class Products<Bf16>;
template void Products<float>::apply<float>(const float*, int64_t, int64_t, const float*, int64_t, float*);
template void Products<Bf16>::apply<float>(const Bf16*, int64_t, int64_t, const Bf16*, int64_t, float*);
template void Products<Bf16>::apply<Bf16>(const Bf16*, int64_t, int64_t, const Bf16*, int64_t, Bf16*);

}  // namespace idleheads::cuda
