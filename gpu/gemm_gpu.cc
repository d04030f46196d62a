// Which cuBLASLt kernels give a row the same bits whatever the number of rows? gemm_gpu [f32]
#include <cublasLt.h>
#include <cuda_runtime.h>
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <vector>
#define OK(x) do { cudaError_t e_ = (x); if (e_ != cudaSuccess) { std::printf("CUDA error %s at %d\n", cudaGetErrorString(e_), __LINE__); std::exit(3); } } while (0)
#define LT(x) do { cublasStatus_t s_ = (x); if (s_ != CUBLAS_STATUS_SUCCESS) { std::printf("cublasLt %s at %d\n", cublasLtGetStatusString(s_), __LINE__); std::exit(4); } } while (0)

void fill_random(void* x, size_t n, unsigned long long seed, float scale, int bytes);
void count_differing(const void* y, const void* reference, int64_t m, int64_t row_bytes, int64_t shift, int64_t all, unsigned long long* count, unsigned* first_row);
struct L { cublasLtMatrixLayout_t w, x, y; };
struct Shape { const char* name; int64_t outputs, inputs; bool y_bf16; float beta; };
cublasLtHandle_t lt; void* workspace; size_t workspace_bytes = 32 << 20;
unsigned long long* count; unsigned* first_row;
constexpr int64_t kAll = 8192;

int main(int argc, char** argv) {
  setvbuf(stdout, nullptr, _IOLBF, 0);
  const bool f32 = argc > 1 && !std::strcmp(argv[1], "f32");
  const cudaDataType_t type = f32 ? CUDA_R_32F : CUDA_R_16BF; const size_t bytes = f32 ? 4 : 2;
  LT(cublasLtCreate(&lt)); OK(cudaMalloc(&workspace, workspace_bytes)); OK(cudaMalloc(&count, 8)); OK(cudaMalloc(&first_row, 4));
  std::printf("cuBLASLt %zu, cudart %zu, %s\n", cublasLtGetVersion(), cublasLtGetCudartVersion(), f32 ? "float32 (COMPUTE_32F)" : "bf16, float32 sums");
  std::vector<Shape> shapes = {
      {"8B qkv", 6144, 4096, false, 0}, {"8B o", 4096, 4096, false, 0}, {"8B gate_up", 28672, 4096, true, 0}, {"8B down", 4096, 14336, false, 1},
      {"576 qkv", 960, 576, false, 0}, {"576 o", 576, 576, false, 0}, {"576 gate_up", 3072, 576, true, 0}, {"576 down", 576, 1536, false, 1},
      {"960 qkv", 1600, 960, false, 0}, {"960 o", 960, 960, false, 0}, {"960 gate_up", 5120, 960, true, 0}, {"960 down", 960, 2560, false, 1},
      {"896 qkv", 1152, 896, false, 0}, {"896 o", 896, 896, false, 0}, {"896 gate_up", 9728, 896, true, 0}, {"896 down", 896, 4864, false, 1}};
  if (!f32) shapes.push_back({"8B lm_head 1024", 128256, 4096, false, 0});
  cudaEvent_t e0, e1; OK(cudaEventCreate(&e0)); OK(cudaEventCreate(&e1));
  for (const Shape& s : shapes) {
    const int64_t all = s.outputs > 100000 ? 1024 : kAll;
    const size_t ybytes = s.y_bf16 && !f32 ? 2 : 4; const cudaDataType_t ytype = ybytes == 2 ? CUDA_R_16BF : CUDA_R_32F;
    unsigned char *w, *x, *rolled, *y, *reference, *start;
    const size_t nw = size_t(s.outputs * s.inputs), nx = size_t(all * s.inputs), ny = size_t(all * s.outputs);
    OK(cudaMalloc(&w, nw * bytes)); OK(cudaMalloc(&x, nx * bytes)); OK(cudaMalloc(&rolled, nx * bytes)); OK(cudaMalloc(&y, ny * ybytes)); OK(cudaMalloc(&reference, ny * ybytes)); OK(cudaMalloc(&start, ny * ybytes));
    const float ws = float(1 / std::sqrt(double(s.inputs)));
    if (f32) { fill_random(w, nw, 11, ws, 4); fill_random(x, nx, 1234567, 1.0f, 4); fill_random(start, ny, 991, 1.0f, 4); }
    else { fill_random(w, nw, 11, ws, 2); fill_random(x, nx, 1234567, 1.0f, 2); if (ybytes == 4) fill_random(start, ny, 991, 1.0f, 4); else OK(cudaMemset(start, 0, ny * ybytes)); }
    const int64_t shift = 77; const size_t xrow = size_t(s.inputs) * bytes, yrow = size_t(s.outputs) * ybytes;
    OK(cudaMemcpy(rolled, x + shift * xrow, (all - shift) * xrow, cudaMemcpyDeviceToDevice)); OK(cudaMemcpy(rolled + (all - shift) * xrow, x, shift * xrow, cudaMemcpyDeviceToDevice));
    cublasLtMatmulDesc_t op; LT(cublasLtMatmulDescCreate(&op, CUBLAS_COMPUTE_32F, CUDA_R_32F));
    const cublasOperation_t tr = CUBLAS_OP_T, no = CUBLAS_OP_N;
    LT(cublasLtMatmulDescSetAttribute(op, CUBLASLT_MATMUL_DESC_TRANSA, &tr, sizeof tr)); LT(cublasLtMatmulDescSetAttribute(op, CUBLASLT_MATMUL_DESC_TRANSB, &no, sizeof no));
    std::vector<std::pair<int64_t, L>> layouts; layouts.reserve(64);
    const auto layout = [&](int64_t rows) -> L& {
      for (auto& p : layouts) if (p.first == rows) return p.second;
      L l; LT(cublasLtMatrixLayoutCreate(&l.w, type, s.inputs, s.outputs, s.inputs)); LT(cublasLtMatrixLayoutCreate(&l.x, type, s.inputs, rows, s.inputs)); LT(cublasLtMatrixLayoutCreate(&l.y, ytype, s.outputs, rows, s.outputs));
      layouts.push_back({rows, l}); return layouts.back().second;
    };
    const auto heuristics = [&](int64_t rows, bool unsplit, int want) {
      cublasLtMatmulPreference_t wish; LT(cublasLtMatmulPreferenceCreate(&wish));
      const uint32_t none = CUBLASLT_REDUCTION_SCHEME_NONE; if (unsplit) LT(cublasLtMatmulPreferenceSetAttribute(wish, CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, &none, sizeof none));
      LT(cublasLtMatmulPreferenceSetAttribute(wish, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &workspace_bytes, sizeof workspace_bytes));
      std::vector<cublasLtMatmulHeuristicResult_t> found(want); int n = 0; L& l = layout(rows);
      const cublasStatus_t st = cublasLtMatmulAlgoGetHeuristic(lt, op, l.w, l.x, l.y, l.y, wish, want, found.data(), &n);
      cublasLtMatmulPreferenceDestroy(wish); if (st != CUBLAS_STATUS_SUCCESS) n = 0; found.resize(n); return found;
    };
    const auto describe = [&](const cublasLtMatmulAlgo_t& a) {
      int32_t v[8] = {}; size_t got; uint16_t inner = 0, cluster = 0;
      const cublasLtMatmulAlgoConfigAttributes_t what[] = {CUBLASLT_ALGO_CONFIG_ID, CUBLASLT_ALGO_CONFIG_TILE_ID, CUBLASLT_ALGO_CONFIG_STAGES_ID, CUBLASLT_ALGO_CONFIG_SPLITK_NUM, CUBLASLT_ALGO_CONFIG_REDUCTION_SCHEME, CUBLASLT_ALGO_CONFIG_CTA_SWIZZLING, CUBLASLT_ALGO_CONFIG_CUSTOM_OPTION};
      for (int i = 0; i < 7; ++i) cublasLtMatmulAlgoConfigGetAttribute(&a, what[i], &v[i], 4, &got);
      cublasLtMatmulAlgoConfigGetAttribute(&a, CUBLASLT_ALGO_CONFIG_INNER_SHAPE_ID, &inner, 2, &got); cublasLtMatmulAlgoConfigGetAttribute(&a, CUBLASLT_ALGO_CONFIG_CLUSTER_SHAPE_ID, &cluster, 2, &got);
      char b[160]; std::snprintf(b, sizeof b, "id %d tile %d stages %d splitk %d red %d swz %d opt %d inner %d cluster %d", v[0], v[1], v[2], v[3], v[4], v[5], v[6], inner, cluster); return std::string(b);
    };
    const auto multiply = [&](const cublasLtMatmulAlgo_t& a, const void* from, void* to, int64_t rows) { L& l = layout(rows); const float one = 1; return cublasLtMatmul(lt, op, &one, w, l.w, from, l.x, &s.beta, to, l.y, to, l.y, &a, workspace, workspace_bytes, 0); };
    const auto prepare = [&](int64_t sh, int64_t rows) {  // y: poison, or the rolled starting rows where beta is 1
      if (s.beta == 0) { OK(cudaMemset(y, 0xff, size_t(rows) * yrow)); return; }
      const int64_t n = std::min(rows, all - sh); OK(cudaMemcpy(y, start + sh * yrow, n * yrow, cudaMemcpyDeviceToDevice)); if (rows > n) OK(cudaMemcpy(y + n * yrow, start, (rows - n) * yrow, cudaMemcpyDeviceToDevice));
    };
    const auto compare = [&](int64_t rows, int64_t sh, unsigned& row) { OK(cudaMemset(count, 0, 8)); OK(cudaMemset(first_row, 0xff, 4)); count_differing(y, reference, rows, yrow, sh, all, count, first_row); unsigned long long c; OK(cudaMemcpy(&c, count, 8, cudaMemcpyDeviceToHost)); OK(cudaMemcpy(&row, first_row, 4, cudaMemcpyDeviceToHost)); return c; };
    const auto time = [&](const cublasLtMatmulAlgo_t& a, int64_t rows) {
      multiply(a, x, y, rows); std::vector<float> ms; const int n = rows > 2048 ? 3 : 8;
      for (int i = 0; i < 3; ++i) { OK(cudaEventRecord(e0)); for (int j = 0; j < n; ++j) multiply(a, x, y, rows); OK(cudaEventRecord(e1)); OK(cudaEventSynchronize(e1)); float v; OK(cudaEventElapsedTime(&v, e0, e1)); ms.push_back(v / n); }
      std::sort(ms.begin(), ms.end()); return ms[1];
    };
    const auto found = heuristics(all, true, f32 ? 8 : 16);
    std::printf("== %s: W [%lld, %lld] y %s beta %.0f: %zu candidates without reduction\n", s.name, (long long)s.outputs, (long long)s.inputs, ybytes == 2 ? "bf16" : "f32", s.beta, found.size());
    std::vector<int64_t> many = {all, all, 4096, 2048, 1024, 768, 512, 256, 128, 64, 8, 7, 1, 300, 5000};
    std::vector<unsigned char> host_first;  // of algorithm 0, to tell whether algorithms agree
    for (size_t i = 0; i < found.size(); ++i) {
      const auto& a = found[i].algo;
      OK(cudaMemset(reference, 0xff, ny * ybytes)); if (s.beta != 0) OK(cudaMemcpy(reference, start, ny * ybytes, cudaMemcpyDeviceToDevice));
      if (found[i].state != CUBLAS_STATUS_SUCCESS || multiply(a, x, reference, all) != CUBLAS_STATUS_SUCCESS) { std::printf("  %2zu unusable\n", i); continue; }
      std::string refused, wrong; int bad256 = 0, refused256 = 0;
      for (size_t m = 0; m < many.size(); ++m) {
        const int64_t rows = many[m]; if (rows > all) continue;
        cublasLtMatmulHeuristicResult_t r; L& l = layout(rows);
        const bool fits = cublasLtMatmulAlgoCheck(lt, op, l.w, l.x, l.y, l.y, &a, &r) == CUBLAS_STATUS_SUCCESS && r.workspaceSize <= workspace_bytes;
        if (!fits) { refused += " " + std::to_string(rows); refused256 += rows % 256 == 0; continue; }
        const int64_t sh = m == 0 ? 0 : shift;
        prepare(sh, rows); if (multiply(a, sh ? rolled : x, y, rows) != CUBLAS_STATUS_SUCCESS) { refused += " !" + std::to_string(rows); continue; }
        unsigned row; const unsigned long long c = compare(rows, sh, row);
        if (c) { wrong += " " + std::to_string(rows) + ":" + std::to_string(c) + "@" + std::to_string(row); bad256 += rows % 256 == 0; }
      }
      int unstable = 0; for (int k = 0; k < 3; ++k) { prepare(0, all); multiply(a, x, y, all); unsigned row; unstable += compare(all, 0, row) != 0; }
      const float t8 = time(a, all), t1 = time(a, std::min<int64_t>(all, 1024)), t2 = time(a, 256);
      const double f = 2.0 * double(s.outputs) * double(s.inputs) / 1e9;
      // does this algorithm agree with the first one?
      std::vector<unsigned char> host(std::min<size_t>(256 * yrow, 1 << 22)); OK(cudaMemcpy(host.data(), reference, host.size(), cudaMemcpyDeviceToHost));
      if (i == 0) host_first = host;
      std::printf("  %2zu %-82s ws %8zu waves %5.2f | TFLOP/s %5.1f (%lld rows) %5.1f (1024) %5.1f (256) | %s%s%s%s%s%s%s\n", i, describe(a).c_str(), found[i].workspaceSize, found[i].wavesCount, f * all / t8, (long long)all, f * 1024 / t1, f * 256 / t2,
                  wrong.empty() ? "SAME for all M" : bad256 ? "DIFFERS at" : "differs only where M % 256 != 0:", wrong.c_str(), unstable ? " UNSTABLE" : "", refused.empty() ? "" : " refuses", refused.c_str(), refused256 ? " (!)" : "", host == host_first ? " =first" : " !=first");
      if (i == 0) {  // accuracy of some elements
        std::vector<unsigned char> hx(xrow * 4), hw(xrow * 4); OK(cudaMemcpy(hx.data(), x, hx.size(), cudaMemcpyDeviceToHost)); OK(cudaMemcpy(hw.data(), w, hw.size(), cudaMemcpyDeviceToHost)); std::vector<unsigned char> hs(yrow * 4); OK(cudaMemcpy(hs.data(), start, hs.size(), cudaMemcpyDeviceToHost));
        const auto value = [&](const unsigned char* p, int64_t k, size_t b) { float v; if (b == 4) std::memcpy(&v, p + k * 4, 4); else { uint16_t u; std::memcpy(&u, p + k * 2, 2); const uint32_t z = uint32_t(u) << 16; std::memcpy(&v, &z, 4); } return double(v); };
        double worst = 0; for (int r = 0; r < 4; ++r) for (int o = 0; o < 4; ++o) { double d = s.beta != 0 ? value(hs.data() + r * yrow, o, ybytes) : 0; for (int64_t k = 0; k < s.inputs; ++k) d += value(hx.data() + r * xrow, k, bytes) * value(hw.data() + o * xrow, k, bytes); worst = std::max(worst, std::fabs(d - value(host.data() + r * yrow, o, ybytes))); }
        std::printf("     worst absolute error of 16 elements (sizes ~1): %.1e\n", worst);
      }
    }
    // Without pinning: what the library would choose for each M, with all reduction schemes allowed.
    if (!found.empty()) {
      OK(cudaMemset(reference, 0xff, ny * ybytes)); if (s.beta != 0) OK(cudaMemcpy(reference, start, ny * ybytes, cudaMemcpyDeviceToDevice)); multiply(found[0].algo, x, reference, all);
      for (int u = 0; u < 2; ++u) {
        const bool unsplit = u;
        std::printf("   not pinned, reduction %s:", unsplit ? "none" : "any");
        const int64_t sizes[] = {all, 2048, 1024, 256, 64, 1};
        for (int64_t rows : sizes) {
          if (rows > all) continue;
          const auto h = heuristics(rows, unsplit, 1); if (h.empty()) { std::printf(" %lld none;", (long long)rows); continue; }
          prepare(0, rows); multiply(h[0].algo, x, y, rows); unsigned row; const auto c = compare(rows, 0, row); const float t = time(h[0].algo, rows);
          std::printf(" %lld %s %.1f TF;", (long long)rows, c ? "differs" : "same", 2.0 * double(s.outputs) * double(s.inputs) / 1e9 * rows / t);
        }
        std::printf("\n");
      }
    }
    OK(cudaGetLastError());
    for (auto& p : layouts) { cublasLtMatrixLayoutDestroy(p.second.w); cublasLtMatrixLayoutDestroy(p.second.x); cublasLtMatrixLayoutDestroy(p.second.y); }
    cublasLtMatmulDescDestroy(op);
    void* const owned[] = {w, x, rolled, y, reference, start}; for (void* p : owned) OK(cudaFree(p));
  }
}
