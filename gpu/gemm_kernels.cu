#include <cuda_bf16.h>
#include <cuda_runtime.h>
#include <cstdint>
__device__ float uniform(unsigned long long k) { k = (k + 0x9e3779b97f4a7c15ull) * 0xbf58476d1ce4e5b9ull; k ^= k >> 27; k *= 0x94d049bb133111ebull; k ^= k >> 31; return (float)((long long)(k >> 40) - (1 << 23)) / (1 << 23); }
template <typename T> __global__ void randomize(T* x, size_t n, unsigned long long seed, float scale) { for (size_t i = blockIdx.x * (size_t)blockDim.x + threadIdx.x; i < n; i += (size_t)gridDim.x * blockDim.x) { const float v = (uniform(seed + 3 * i) + uniform(seed + 3 * i + 1) + uniform(seed + 3 * i + 2)) * scale; if constexpr (sizeof(T) == 2) x[i] = __float2bfloat16(v); else x[i] = v; } }
// rows of y [m] against rows (i + shift) % all of reference; counts differing elements
__global__ void differ(const unsigned char* y, const unsigned char* reference, int64_t m, int64_t row_bytes, int64_t shift, int64_t all, unsigned long long* count, unsigned* first_row) {
  const int64_t words = row_bytes / 2;
  for (int64_t i = blockIdx.x * (int64_t)blockDim.x + threadIdx.x; i < m * words; i += (int64_t)gridDim.x * blockDim.x) {
    const int64_t r = i / words, c = i % words;
    if (((const unsigned short*)(y + r * row_bytes))[c] != ((const unsigned short*)(reference + (r + shift) % all * row_bytes))[c]) { atomicAdd(count, 1ull); atomicMin(first_row, (unsigned)r); }
  }
}

void fill_random(void* x, size_t n, unsigned long long seed, float scale, int bytes) { if (bytes == 2) randomize<<<1024, 256>>>((__nv_bfloat16*)x, n, seed, scale); else randomize<<<1024, 256>>>((float*)x, n, seed, scale); }
void count_differing(const void* y, const void* reference, int64_t m, int64_t row_bytes, int64_t shift, int64_t all, unsigned long long* count, unsigned* first_row) { differ<<<2048, 256>>>((const unsigned char*)y, (const unsigned char*)reference, m, row_bytes, shift, all, count, first_row); }
