// Stand-ins for the row kernels (the design's bytes, plausible arithmetic) and the attention, for layer_gpu.
#include <cuda_bf16.h>
#include "attend2.h"
using namespace idleheads::gpu;
__device__ float wsum(float x) { for (int m = 16; m > 0; m /= 2) x += __shfl_xor_sync(0xffffffffu, x, m); return x; }
__device__ float2 pair_of(uint32_t u) { return make_float2(__uint_as_float(u << 16), __uint_as_float(u & 0xffff0000u)); }
// A warp a row. add: x row from row[r] plus y (float32, output of W_O) goes to `to`; then RMSNorm -> bf16.
template <bool kAdd> __global__ void norm(const float4* x, const float4* y, float4* to, uint2* out, const int* row, int64_t rows, int words) {
  const int64_t r = blockIdx.x * int64_t{8} + threadIdx.x / 32; if (r >= rows) return;
  const int lane = threadIdx.x % 32; const int64_t from = kAdd ? row[r] : r; float s = 0; float4 v[32];
#pragma unroll
  for (int i = 0; i < 32; ++i) { if (i * 32 >= words) break; v[i] = x[from * words + i * 32 + lane];
    if (kAdd) { const float4 b = y[r * words + i * 32 + lane]; v[i].x += b.x; v[i].y += b.y; v[i].z += b.z; v[i].w += b.w; to[r * words + i * 32 + lane] = v[i]; }
    s += v[i].x * v[i].x + v[i].y * v[i].y + v[i].z * v[i].z + v[i].w * v[i].w; }
  const float k = rsqrtf(wsum(s) / (words * 4) + 1e-5f);
#pragma unroll
  for (int i = 0; i < 32; ++i) { if (i * 32 >= words) break; out[r * words + i * 32 + lane] = make_uint2(pack(v[i].x * k, v[i].y * k), pack(v[i].z * k, v[i].w * k)); }
}
// q k v float32 -> RoPE -> bf16; a warp a head (128): element i with i + 64
__global__ void rope(const float4* x, uint2* out, float* norms, int64_t rows, int heads, int turned) {
  const int64_t w = blockIdx.x * int64_t{8} + threadIdx.x / 32, r = w / heads; const int h = w % heads, lane = threadIdx.x % 32; if (r >= rows) return;
  float4 v = x[w * 32 + lane]; float a[4] = {v.x, v.y, v.z, v.w};
  if (h < turned) for (int e = 0; e < 4; ++e) { float s, c; __sincosf((float)(r % 700) * 0.01f * (lane % 16), &s, &c); const float o = __shfl_xor_sync(~0u, a[e], 16); a[e] = a[e] * c + (lane < 16 ? -o : o) * s; }
  const float n = wsum(a[0] * a[0] + a[1] * a[1] + a[2] * a[2] + a[3] * a[3]); if (h >= turned && lane == 0) norms[r * 8 + h - turned] = sqrtf(n);
  out[w * 32 + lane] = make_uint2(pack(a[0], a[1]), pack(a[2], a[3]));
}
__global__ void gather(const uint4* z, uint4* out, const int* row, const unsigned* mask, int64_t rows, int words, int from_words) {
  const int64_t r = blockIdx.x * int64_t{8} + threadIdx.x / 32; if (r >= rows) return; const unsigned m = mask[r];
  for (int i = threadIdx.x % 32; i < words; i += 32) out[r * words + i] = (m >> (i / 16) & 1) ? z[(int64_t)row[r] * from_words + i] : make_uint4(0, 0, 0, 0);
}
__global__ void silu(const uint4* x, uint4* out, int64_t n, int words) {  // words of 8 in the product's row
  for (int64_t i = blockIdx.x * int64_t{256} + threadIdx.x; i < n; i += int64_t{gridDim.x} * 256) {
    const int64_t r = i / words, c = i % words; const uint4 g = x[r * 2 * words + c], u = x[r * 2 * words + words + c]; uint4 o;
    const auto f = [](uint32_t a, uint32_t b) { const float2 p = pair_of(a), q = pair_of(b); return pack(p.x / (1 + __expf(-p.x)) * q.x, p.y / (1 + __expf(-p.y)) * q.y); };
    o.x = f(g.x, u.x); o.y = f(g.y, u.y); o.z = f(g.z, u.z); o.w = f(g.w, u.w); out[i] = o;
  }
}
__global__ void randomize(uint32_t* x, size_t n, float scale) { for (size_t i = blockIdx.x * (size_t)256 + threadIdx.x; i < n; i += (size_t)gridDim.x * 256) { unsigned long long k = (i + 0x9e3779b97f4a7c15ull) * 0xbf58476d1ce4e5b9ull; k ^= k >> 27; k *= 0x94d049bb133111ebull; k ^= k >> 31; const auto f = [&](int s) { return ((float)(k >> s & 0xffff) + (float)(k >> (s + 8) & 0xffff) - 65536.0f) / 32768.0f * scale; }; x[i] = pack(f(0), f(24)); } }
__global__ void randomize_float(float* x, size_t n) { for (size_t i = blockIdx.x * (size_t)256 + threadIdx.x; i < n; i += (size_t)gridDim.x * 256) { unsigned long long k = (i + 0x9e3779b97f4a7c15ull) * 0xbf58476d1ce4e5b9ull; k ^= k >> 31; x[i] = (float)(k & 0xffff) / 32768.0f - 1; } }

void k_random(void* x, size_t n, float s) { randomize<<<2048, 256>>>((uint32_t*)x, n / 2, s); }
void k_random_float(float* x, size_t n) { randomize_float<<<2048, 256>>>(x, n); }
void k_norm(const float* x, void* out, int64_t rows) { norm<false><<<unsigned((rows + 7) / 8), 256>>>((const float4*)x, nullptr, nullptr, (uint2*)out, nullptr, rows, 1024); }
void k_add_norm(const float* x, const float* y, float* to, void* out, const int* row, int64_t rows) { norm<true><<<unsigned((rows + 7) / 8), 256>>>((const float4*)x, (const float4*)y, (float4*)to, (uint2*)out, row, rows, 1024); }
void k_rope(const float* x, void* out, float* norms, int64_t rows) { rope<<<unsigned(rows * 48 / 8), 256>>>((const float4*)x, (uint2*)out, norms, rows, 48, 40); }
void k_gather(const void* z, void* out, const int* row, const unsigned* mask, int64_t rows) { gather<<<unsigned((rows + 7) / 8), 256>>>((const uint4*)z, (uint4*)out, row, mask, rows, 512, 768); }
void k_silu(const void* x, void* out, int64_t rows) { silu<<<132 * 8, 256>>>((const uint4*)x, (uint4*)out, rows * 1792, 1792); }
void k_attend(const AttendArguments& a, int items, int which) {
  constexpr int two = kShared2<128, 2, 4, 2>, one = kSharedBytes<128>;
  if (which == 2) { cudaFuncSetAttribute(attend2<128, 2, 4, 2, 32>, cudaFuncAttributeMaxDynamicSharedMemorySize, two); attend2<128, 2, 4, 2, 32><<<items, 128, two>>>(a); }
  else { cudaFuncSetAttribute(attend<128>, cudaFuncAttributeMaxDynamicSharedMemorySize, one); attend<128><<<items, 128, one>>>(a); }
}
