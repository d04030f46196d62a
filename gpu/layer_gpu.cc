// Sustained tokens/s of layers of Llama-3.1-8B's shape with the design's launches: layer_gpu LENGTH SAMPLES PASSES V
// (no lm_head, no statistics sums, no host work between layers). Weights of 4 layers in turn.
#include <cublasLt.h>
#include <cuda_runtime.h>
#include <cstdio>
#include <cstdlib>
#include <algorithm>
#include <cstdint>
#include <vector>
using Bf16 = uint16_t;
namespace idleheads::gpu {
struct KeyRun { int64_t first_row; int32_t count; };
struct Stats { float a, b, c, d; };
struct AttendItem { int64_t first_row; int32_t first, count; int32_t group, unit; int32_t runs, run_count; };
struct AttendArguments { Bf16* qkv; int64_t width; int32_t heads, kv_heads; float scale; const AttendItem* items; const KeyRun* runs; const uint32_t* factors; Stats* stats; int* bad; };
}
using namespace idleheads::gpu;
void k_random(void*, size_t, float); void k_random_float(float*, size_t); void k_norm(const float*, void*, int64_t); void k_add_norm(const float*, const float*, float*, void*, const int*, int64_t);
void k_rope(const float*, void*, float*, int64_t); void k_gather(const void*, void*, const int*, const unsigned*, int64_t); void k_silu(const void*, void*, int64_t); void k_attend(const AttendArguments&, int, int);
#define OK(x) do { cudaError_t e_ = (x); if (e_ != cudaSuccess) { std::printf("CUDA error %s at %d\n", cudaGetErrorString(e_), __LINE__); std::exit(3); } } while (0)
#define LT(x) do { cublasStatus_t s_ = (x); if (s_ != CUBLAS_STATUS_SUCCESS) { std::printf("cublasLt %s at %d\n", cublasLtGetStatusString(s_), __LINE__); std::exit(4); } } while (0)
cublasLtHandle_t lt; void* space; size_t space_bytes = 32 << 20;
struct Product {
  int64_t out, in; cudaDataType_t type; float beta; cublasLtMatmulDesc_t op; cublasLtMatmulAlgo_t algo;
  void layouts(int64_t rows, cublasLtMatrixLayout_t* l) const { LT(cublasLtMatrixLayoutCreate(l, CUDA_R_16BF, in, out, in)); LT(cublasLtMatrixLayoutCreate(l + 1, CUDA_R_16BF, in, rows, in)); LT(cublasLtMatrixLayoutCreate(l + 2, type, out, rows, out)); }
  Product(int64_t o, int64_t i, cudaDataType_t t, float b) : out(o), in(i), type(t), beta(b) {
    LT(cublasLtMatmulDescCreate(&op, CUBLAS_COMPUTE_32F, CUDA_R_32F)); const cublasOperation_t tr = CUBLAS_OP_T; LT(cublasLtMatmulDescSetAttribute(op, CUBLASLT_MATMUL_DESC_TRANSA, &tr, sizeof tr));
    cublasLtMatrixLayout_t l[3]; layouts(8192, l); cublasLtMatmulPreference_t w; LT(cublasLtMatmulPreferenceCreate(&w)); const uint32_t none = 0;
    LT(cublasLtMatmulPreferenceSetAttribute(w, CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, &none, sizeof none)); LT(cublasLtMatmulPreferenceSetAttribute(w, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &space_bytes, sizeof space_bytes));
    cublasLtMatmulHeuristicResult_t r; int n = 0; LT(cublasLtMatmulAlgoGetHeuristic(lt, op, l[0], l[1], l[2], l[2], w, 1, &r, &n)); algo = r.algo;
  }
  void run(const void* w, const void* x, void* y, int64_t rows) const { cublasLtMatrixLayout_t l[3]; layouts(rows, l); const float one = 1; LT(cublasLtMatmul(lt, op, &one, w, l[0], x, l[1], &beta, y, l[2], y, l[2], &algo, space, space_bytes, 0)); for (auto& m : l) cublasLtMatrixLayoutDestroy(m); }
};
template <typename T> T* device(size_t n) { T* p; OK(cudaMalloc(&p, n * sizeof(T))); return p; }
int main(int argc, char** argv) {
  const int length = std::atoi(argv[1]), samples = std::atoi(argv[2]), passes = std::atoi(argv[3]), which = std::atoi(argv[4]); if (argc < 5) return 2;
  const int64_t rows = int64_t{length} * samples, chunk = 8192; const int D = 4096, I = 14336, W = 6144;
  LT(cublasLtCreate(&lt)); OK(cudaMalloc(&space, space_bytes));
  const Product qkv(W, D, CUDA_R_32F, 0), o(D, D, CUDA_R_32F, 0), up(2 * I, D, CUDA_R_16BF, 0), down(D, I, CUDA_R_32F, 1);
  Bf16* w[4][4]; const size_t sizes[] = {size_t(W) * D, size_t(D) * D, size_t(2 * I) * D, size_t(D) * I};
  for (auto& l : w) for (int i = 0; i < 4; ++i) { l[i] = device<Bf16>(sizes[i]); k_random(l[i], sizes[i], i == 3 ? 0.005f : 0.02f); }
  float *hidden = device<float>(rows * D), *next = device<float>(rows * D), *big = device<float>(chunk * W), *norms = device<float>(rows * 8); k_random_float(hidden, rows * D);
  Bf16 *x = device<Bf16>(chunk * D), *q = device<Bf16>(rows * W), *gate = device<Bf16>(chunk * 2 * I), *product = device<Bf16>(chunk * I);
  std::vector<int> order(rows); for (int64_t i = 0; i < rows; ++i) order[i] = int(i); int* row = device<int>(rows); OK(cudaMemcpy(row, order.data(), rows * 4, cudaMemcpyHostToDevice)); auto* mask = device<unsigned>(rows); OK(cudaMemset(mask, 0xff, rows * 4));
  const int step = which == 2 ? 32 : 16; std::vector<AttendItem> items; std::vector<KeyRun> runs;
  for (int s = 0; s < samples; ++s) { runs.push_back({int64_t{s} * length, length}); for (int g = 0; g < 8; ++g) for (int u = 0; u < (length + step - 1) / step * 4; u += 4) items.push_back({int64_t{s} * length, 0, length, g, u, s, 1}); }
  auto* di = device<AttendItem>(items.size()); auto* dr = device<KeyRun>(runs.size()); OK(cudaMemcpy(di, items.data(), items.size() * sizeof items[0], cudaMemcpyHostToDevice)); OK(cudaMemcpy(dr, runs.data(), runs.size() * sizeof runs[0], cudaMemcpyHostToDevice));
  auto* factors = device<uint32_t>(32 * 128 * 64); k_random(factors, 32 * 128 * 128, 0.1f);
  const AttendArguments a = {q, W, 32, 8, float(1.4426950408889634 / 11.3137085), di, dr, factors, device<Stats>(rows * 32), device<int>(1)};
  cudaEvent_t e[8]; for (auto& v : e) OK(cudaEventCreate(&v));
  float parts[3] = {}; const int layers = 32; float first = 0, last = 0;
  for (int pass = 0; pass <= passes; ++pass) {
    OK(cudaEventRecord(e[0]));
    for (int l = 0; l < layers; ++l) {
      auto& m = w[l % 4]; const bool watch = l == 16; if (watch) OK(cudaEventRecord(e[2]));
      for (int64_t r = 0; r < rows; r += chunk) { const int64_t n = std::min(chunk, rows - r); k_norm(hidden + r * D, x, n); qkv.run(m[0], x, big, n); k_rope(big, q + r * W, norms + r * 8, n); }
      if (watch) OK(cudaEventRecord(e[3])); k_attend(a, int(items.size()), which); if (watch) OK(cudaEventRecord(e[4]));
      for (int64_t r = 0; r < rows; r += chunk) { const int64_t n = std::min(chunk, rows - r); k_gather(q, x, row + r, mask + r, n); o.run(m[1], x, big, n); k_add_norm(hidden, big, next + r * D, x, row + r, n); up.run(m[2], x, gate, n); k_silu(gate, product, n); down.run(m[3], product, next + r * D, n); }
      if (watch) OK(cudaEventRecord(e[5])); std::swap(hidden, next);
    }
    OK(cudaEventRecord(e[1])); OK(cudaEventSynchronize(e[1])); float ms; OK(cudaEventElapsedTime(&ms, e[0], e[1])); if (pass == 1) first = ms; last = ms;
    for (int i = 0; i < 3; ++i) OK(cudaEventElapsedTime(&parts[i], e[2 + i], e[3 + i]));
  }
  float h[4]; OK(cudaMemcpy(h, hidden, 16, cudaMemcpyDeviceToHost)); OK(cudaGetLastError());
  std::printf("v%d %d x %d = %lld rows: pass %.1f ms (first %.1f), %.0f tokens/s, %.1f ns a token and layer: project %.1f, attend %.1f, finish %.1f (layer 16 of the last pass); hidden %g\n", which, samples, length, (long long)rows, last, first, rows / last * 1e3, last * 1e6 / rows / layers, parts[0] * 1e6 / rows, parts[1] * 1e6 / rows, parts[2] * 1e6 / rows, h[0]);
}
