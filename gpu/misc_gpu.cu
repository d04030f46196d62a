// Bandwidth, latency, accuracy of ex2.approx.
#include <cuda_runtime.h>
#include <sys/mman.h>
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>
#define OK(x) do { cudaError_t e_ = (x); if (e_ != cudaSuccess) { std::printf("CUDA error %s at %d\n", cudaGetErrorString(e_), __LINE__); std::exit(3); } } while (0)
__global__ void nothing(int* p) { if (p && *p == 123456789) *p = 1; }
__global__ void rows_copy(const uint4* from, uint4* to, const int64_t* row, int64_t rows, int words) {  // a warp a row
  const int64_t r = blockIdx.x * (int64_t)(blockDim.x / 32) + threadIdx.x / 32; if (r >= rows) return;
  for (int i = threadIdx.x % 32; i < words; i += 32) to[r * words + i] = from[row[r] * words + i];
}
__device__ float approx(float x) { float y; asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x)); return y; }
// For all floats from -126 to -0: distance in units in the last place from the double's nearest float
__global__ void exponentials(uint32_t from, uint32_t to, unsigned long long* out) {  // out: max ulp approx, exp2f, vs each other, count of approx != rounded, max 1e12 * error in units in the last place (real), not monotone
  unsigned long long a = 0, b = 0, c = 0, n = 0, e = 0, mono = 0;
  for (uint64_t i = from + blockIdx.x * (uint64_t)blockDim.x + threadIdx.x; i <= to; i += (uint64_t)gridDim.x * blockDim.x) {
    const float x = __uint_as_float((uint32_t)i), p = approx(x), q = exp2f(x); const double exact = exp2((double)x); const float r = (float)exact;
    const auto distance = [](float u, float v) { return (unsigned long long)llabs((long long)__float_as_int(u) - (long long)__float_as_int(v)); };
    a = max(a, distance(p, r)); b = max(b, distance(q, r)); c = max(c, distance(p, q)); n += p != r;
    const double ulp = scalbn(1.0, ilogb(exact) - 23); e = max(e, (unsigned long long)(fabs((double)p - exact) / ulp * 1e6));
    if (i > from) mono += approx(__uint_as_float((uint32_t)i - 1)) < p;  // i - 1 is nearer to zero, so its value should not be smaller
  }
  atomicMax(out, a); atomicMax(out + 1, b); atomicMax(out + 2, c); atomicAdd(out + 3, n); atomicMax(out + 4, e); atomicAdd(out + 5, mono);
}
__global__ void special(float* o) { o[0] = approx(0.0f); o[1] = approx(-1e30f); o[2] = approx(-126.0f); o[3] = approx(-126.5f); o[4] = approx(-149.0f); o[5] = approx(-INFINITY); o[6] = approx(NAN); o[7] = approx(-0.0f); o[8] = approx(-1.0f); o[9] = approx(-17.0f); }
double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }
template <typename F> double best(F f, int n = 4) { double b = 1e9; for (int i = 0; i < n; ++i) { OK(cudaDeviceSynchronize()); const double s = now(); f(); OK(cudaDeviceSynchronize()); b = std::min(b, now() - s); } return b; }
int main() {
  setvbuf(stdout, nullptr, _IOLBF, 0);
  double s = now(); OK(cudaFree(nullptr)); std::printf("context %.2f s\n", now() - s);
  size_t free_bytes, total; OK(cudaMemGetInfo(&free_bytes, &total)); std::printf("device memory free %.2f of %.2f GB\n", free_bytes / 1e9, total / 1e9);
  const size_t n = size_t{1} << 30;
  char *device, *device2, *pinned, *plain; OK(cudaMalloc(&device, n)); OK(cudaMalloc(&device2, n));
  s = now(); OK(cudaMallocHost(&pinned, n)); std::printf("cudaMallocHost 1 GiB %.3f s\n", now() - s);
  plain = (char*)std::malloc(n); s = now(); std::memset(plain, 1, n); std::printf("first touch of 1 GiB %.3f s\n", now() - s); std::memset(pinned, 2, n);
  s = now(); OK(cudaHostRegister(plain, n, 0)); double t = now() - s; std::printf("cudaHostRegister of touched 1 GiB %.3f s\n", t); OK(cudaHostUnregister(plain));
  for (size_t bytes : {n, size_t{16} << 20, size_t{1} << 20, size_t{64} << 10, size_t{4} << 10}) {
    const auto rate = [&](void* to, void* from, cudaMemcpyKind k) { return bytes / best([&] { OK(cudaMemcpyAsync(to, from, bytes, k)); }, bytes == n ? 4 : 20) / 1e9; };
    std::printf("copy %8zu KiB: pinned up %.2f down %.2f, pageable up %.2f down %.2f GB/s (with synchronisation)\n", bytes >> 10, rate(device, pinned, cudaMemcpyHostToDevice), rate(pinned, device, cudaMemcpyDeviceToHost), rate(device, plain, cudaMemcpyHostToDevice), rate(plain, device, cudaMemcpyDeviceToHost));
  }
  cudaStream_t a, b; OK(cudaStreamCreate(&a)); OK(cudaStreamCreate(&b));
  t = best([&] { OK(cudaMemcpyAsync(device, pinned, n / 2, cudaMemcpyHostToDevice, a)); OK(cudaMemcpyAsync(pinned + n / 2, device + n / 2, n / 2, cudaMemcpyDeviceToHost, b)); });
  std::printf("both ways at once: %.2f GB/s each way\n", n / 2 / t / 1e9);
  t = best([&] { OK(cudaMemcpyAsync(device2, device, n, cudaMemcpyDeviceToDevice)); }); std::printf("device to device %.1f GB/s (read + written)\n", 2 * n / t / 1e9);
  t = best([&] { std::memcpy(pinned, plain, n); }, 2); std::printf("host memcpy into pinned, one thread %.2f GB/s\n", n / t / 1e9);
  {  // 16 KB rows scattered: to and from mapped pinned memory by a kernel
    const int64_t rows = int64_t(n / 16384); std::vector<int64_t> order(rows); for (int64_t i = 0; i < rows; ++i) order[i] = i * 7919 % rows; int64_t* d; OK(cudaMalloc(&d, rows * 8)); OK(cudaMemcpy(d, order.data(), rows * 8, cudaMemcpyHostToDevice));
    t = best([&] { rows_copy<<<unsigned((rows + 7) / 8), 256>>>((uint4*)device, (uint4*)pinned, d, rows, 1024); }); std::printf("scattered 16 KB rows by a kernel: device -> pinned %.2f GB/s", n / t / 1e9);
    t = best([&] { rows_copy<<<unsigned((rows + 7) / 8), 256>>>((uint4*)pinned, (uint4*)device, d, rows, 1024); }); std::printf(", pinned -> device %.2f GB/s", n / t / 1e9);
    t = best([&] { rows_copy<<<unsigned((rows + 7) / 8), 256>>>((uint4*)device, (uint4*)device2, d, rows, 1024); }); std::printf(", device -> device %.1f GB/s (read + written)\n", 2 * n / t / 1e9); OK(cudaGetLastError());
  }
  int* word; OK(cudaMalloc(&word, 4)); OK(cudaMemset(word, 0, 4)); nothing<<<1, 32>>>(word); OK(cudaDeviceSynchronize());
  t = best([&] { for (int i = 0; i < 10000; ++i) nothing<<<1, 32>>>(nullptr); }) / 10000; std::printf("launches back to back %.2f us each", t * 1e6);
  t = 1e9; for (int i = 0; i < 200; ++i) { const double q = now(); nothing<<<1, 32>>>(nullptr); OK(cudaStreamSynchronize(0)); t = std::min(t, now() - q); } std::printf(", launch and synchronise %.2f us", t * 1e6);
  std::vector<double> l; for (int i = 0; i < 200; ++i) { const double q = now(); nothing<<<1, 32>>>(nullptr); OK(cudaMemcpyAsync(pinned, word, 4, cudaMemcpyDeviceToHost)); OK(cudaStreamSynchronize(0)); l.push_back(now() - q); } std::sort(l.begin(), l.end()); std::printf(", launch and 4 bytes down %.2f us (median)", l[100] * 1e6);
  l.clear(); for (int i = 0; i < 200; ++i) { const double q = now(); OK(cudaMemcpyAsync(word, pinned, 4, cudaMemcpyHostToDevice)); nothing<<<1, 32>>>(nullptr); OK(cudaMemcpyAsync(pinned, word, 4, cudaMemcpyDeviceToHost)); OK(cudaStreamSynchronize(0)); l.push_back(now() - q); } std::sort(l.begin(), l.end()); std::printf(", up, launch, down %.2f us\n", l[100] * 1e6);
  s = now(); void* big; OK(cudaMalloc(&big, size_t{40} << 30)); std::printf("cudaMalloc 40 GiB %.4f s", now() - s); s = now(); OK(cudaFree(big)); std::printf(", cudaFree %.4f s\n", now() - s);
  unsigned long long *o, h[6]; OK(cudaMalloc(&o, 48));
  for (const float lowest : {-1.0f, -20.0f, -126.0f}) { uint32_t top; std::memcpy(&top, &lowest, 4); OK(cudaMemset(o, 0, 48)); s = now(); exponentials<<<132 * 8, 256>>>(0x80000000u, top, o); OK(cudaDeviceSynchronize()); OK(cudaMemcpy(h, o, 48, cudaMemcpyDeviceToHost));
    std::printf("all floats from %g to -0: ex2.approx max %llu ulp of the rounded value (real error %.3f ulp), %.1f %% not the rounded one; exp2f max %llu; one against the other %llu; not monotone at %llu (%.2f s)\n", lowest, h[0], h[4] / 1e6, 100.0 * h[3] / (double(top) - 0x80000000u + 1), h[1], h[2], h[5], now() - s); }
  float* f; OK(cudaMalloc(&f, 64)); special<<<1, 1>>>(f); float v[10]; OK(cudaMemcpy(v, f, 40, cudaMemcpyDeviceToHost));
  std::printf("ex2.approx.ftz of 0 %.9g, -1e30 %g, -126 %g, -126.5 %g, -149 %g, -inf %g, nan %g, -0 %.9g, -1 %.9g, -17 %.9g (2^-17 %.9g)\n", v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7], v[8], v[9], std::exp2(-17.0));
}
