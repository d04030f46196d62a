// Driver of the attention kernels on a device (nvcc) or in emulation (g++ -x c++).
//   attend_gpu check | large | bad | tiny | time | one V D LENGTH SAMPLES
#include <algorithm>
#include <bit>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <random>
#include <string>
#include <vector>
#include "attend2.h"
using namespace idleheads::gpu;

#ifdef __CUDACC__
#define OK(x) do { cudaError_t e_ = (x); if (e_ != cudaSuccess) { std::printf("CUDA error %s at %d\n", cudaGetErrorString(e_), __LINE__); std::exit(3); } } while (0)
float from_bf16(uint32_t bits) { return std::bit_cast<float>(bits << 16); }
uint32_t to_bf16(float x) { const auto b = std::bit_cast<uint32_t>(x); return (x != x ? b | 0x400000 : b + 0x7fff + (b >> 16 & 1)) >> 16; }
#endif

namespace {
struct Segment { int parent, begin, length; int64_t first_row; };
struct Problem {
  int heads, kv_heads, dim;
  std::vector<Segment> tree;
  int64_t rows = 0;
  int64_t width() const { return (heads + 2 * kv_heads) * int64_t{dim}; }
  void place() { rows = 0; for (Segment& s : tree) { s.first_row = rows; rows += s.length; } }
};
float number(uint64_t key) {
  key = (key + 0x9e3779b97f4a7c15) * 0xbf58476d1ce4e5b9; key ^= key >> 27; key *= 0x94d049bb133111eb; key ^= key >> 31;
  return static_cast<float>(static_cast<int64_t>(key >> 40) - (1 << 23)) / (1 << 23);
}
std::vector<Bf16> factors(const Problem& p) {
  std::vector<Bf16> l(static_cast<size_t>(p.heads) * p.dim * p.dim);
  for (int h = 0; h < p.heads; ++h)
    for (int i = 0; i < p.dim; ++i)
      for (int j = 0; j <= i; ++j) l[(size_t(h) * p.dim + i) * p.dim + j] = Bf16(to_bf16(number(7000000 + (h * p.dim + i) * p.dim + j)));
  return l;
}
std::vector<uint32_t> fragments(const Problem& p, const std::vector<Bf16>& l) {
  std::vector<uint32_t> out;
  for (int h = 0; h < p.heads; ++h)
    for (int k = 0; k < p.dim / 16; ++k)
      for (int n = 0; n < p.dim / 8; ++n)
        for (int lane = 0; lane < 32; ++lane)
          for (int r = 0; r < 2; ++r) {
            const auto at = [&](int i) { return uint32_t{l[(size_t(h) * p.dim + k * 16 + i) * p.dim + n * 8 + lane / 4]}; };
            const int i = lane % 4 * 2 + r * 8;
            out.push_back(at(i) | at(i + 1) << 16);
          }
  return out;
}

using Kernel = void (*)(AttendArguments);
struct Variant { const char* name; int chunk, warps, shared; Kernel kernel, plain; };
template <int D> Variant first_version() { return {"v1", 16, 4, kSharedBytes<D>, attend<D>, attend<D, false>}; }
template <int D, int M, int W, int S, int B = 64, int N = 1> Variant second(const char* name) { return {name, M * 16, W, kShared2<D, M, W, S>, attend2<D, M, W, S, B, N>, attend2<D, M, W, S, B, N, false>}; }
template <int D> std::vector<Variant> variants() {
  std::vector<Variant> v = {first_version<D>(), second<D, 1, 4, 2>("v2 1x4 s2"), second<D, 2, 4, 2, D == 128 ? 32 : 64>(D == 128 ? "v2 2x4 s2 b32" : "v2 2x4 s2")};
  if constexpr (D == 128) {
    v.push_back(second<D, 2, 8, 2, 32>("v2 2x8 s2 b32"));
    v.push_back(second<D, 2, 4, 2, 64>("v2 2x4 s2 b64"));
  }
  if constexpr (D == 64) {
    v.push_back(second<D, 2, 4, 3>("v2 2x4 s3"));
    v.push_back(second<D, 2, 4, 3, 32, 3>("v2 2x4 s3 b32 n3"));
    v.push_back(second<D, 2, 8, 3>("v2 2x8 s3"));
    v.push_back(second<D, 1, 4, 3, 64, 4>("v2 1x4 s3 n4"));
  }
  return v;
}

struct Plan { std::vector<AttendItem> items; std::vector<KeyRun> runs; };
Plan plan(const Problem& p, const Variant& v, int order) {
  Plan out;
  for (size_t s = 0; s < p.tree.size(); ++s) {
    const Segment& segment = p.tree[s];
    std::vector<KeyRun> chain;
    for (int c = int(s); c >= 0; c = p.tree[c].parent) chain.insert(chain.begin(), {p.tree[c].first_row, p.tree[c].length});
    const auto first = int32_t(out.runs.size());
    out.runs.insert(out.runs.end(), chain.begin(), chain.end());
    const int group_size = p.heads / p.kv_heads, units = (segment.length + v.chunk - 1) / v.chunk * group_size;
    for (int g = 0; g < p.kv_heads; ++g)
      for (int i = 0, n = (units + v.warps - 1) / v.warps; i < n; ++i)
        out.items.push_back({segment.first_row, segment.begin, segment.length, g, (order == 2 ? n - 1 - i : i) * v.warps, first, int32_t(chain.size())});
  }
  const int G = p.heads / p.kv_heads;
  if (order == 1) std::stable_sort(out.items.begin(), out.items.end(), [&](const AttendItem& a, const AttendItem& b) {
    const auto end = [&](const AttendItem& i) { return i.first + std::min(i.count, (i.unit + v.warps - 1) / G * v.chunk + v.chunk); };
    return end(a) > end(b); });
  return out;
}
AttendArguments arguments(const Problem& p) {
  AttendArguments a = {}; a.width = p.width(); a.heads = p.heads; a.kv_heads = p.kv_heads; a.scale = float(1.4426950408889634 / std::sqrt(double(p.dim))); return a;
}

#ifdef __CUDACC__
template <typename T> T* upload(const std::vector<T>& v) { T* d; OK(cudaMalloc(&d, v.size() * sizeof(T))); OK(cudaMemcpy(d, v.data(), v.size() * sizeof(T), cudaMemcpyHostToDevice)); return d; }
int run(const Problem& p, const Variant& v, std::vector<Bf16>& qkv, std::vector<Stats>& stats, const std::vector<uint32_t>& factor) {
  const Plan pl = plan(p, v, 0);
  AttendArguments a = arguments(p);
  a.qkv = upload(qkv);
  auto* items = upload(pl.items); auto* runs = upload(pl.runs); auto* f = upload(factor);
  a.items = items; a.runs = runs; a.factors = f;
  OK(cudaMalloc(&a.stats, size_t(p.rows * p.heads) * sizeof(Stats))); OK(cudaMemset(a.stats, 0xff, size_t(p.rows * p.heads) * sizeof(Stats)));
  OK(cudaMalloc(&a.bad, 4)); OK(cudaMemset(a.bad, 0, 4));
  OK(cudaFuncSetAttribute(v.kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, v.shared));
  v.kernel<<<unsigned(pl.items.size()), v.warps * 32, v.shared>>>(a);
  OK(cudaGetLastError()); OK(cudaDeviceSynchronize());
  stats.resize(size_t(p.rows * p.heads)); int bad = 0;
  OK(cudaMemcpy(qkv.data(), a.qkv, qkv.size() * 2, cudaMemcpyDeviceToHost)); OK(cudaMemcpy(stats.data(), a.stats, stats.size() * sizeof(Stats), cudaMemcpyDeviceToHost)); OK(cudaMemcpy(&bad, a.bad, 4, cudaMemcpyDeviceToHost));
  for (void* x : {(void*)a.qkv, (void*)items, (void*)runs, (void*)f, (void*)a.stats, (void*)a.bad}) OK(cudaFree(x));
  return bad;
}
const int kRepeats = 25;
#else
int run(const Problem& p, const Variant& v, std::vector<Bf16>& qkv, std::vector<Stats>& stats, const std::vector<uint32_t>& factor) {
  const Plan pl = plan(p, v, 0);
  AttendArguments a = arguments(p);
  int bad = 0;
  stats.assign(size_t(p.rows * p.heads), std::bit_cast<Stats>(std::array<uint32_t, 4>{~0u, ~0u, ~0u, ~0u}));
  a.qkv = qkv.data(); a.items = pl.items.data(); a.runs = pl.runs.data(); a.factors = factor.data(); a.stats = stats.data(); a.bad = &bad;
  launch(v.kernel, {unsigned(pl.items.size()), 1, 1}, unsigned(v.warps * 32), size_t(v.shared), a);
  return bad;
}
const int kRepeats = 4;
#endif

void fill(const Problem& p, const std::vector<uint64_t>& token, std::vector<Bf16>& qkv) {
  qkv.resize(size_t(p.rows * p.width()));
  for (int64_t r = 0; r < p.rows; ++r)
    for (int64_t c = 0; c < p.width(); ++c)
      qkv[size_t(r * p.width() + c)] = Bf16(to_bf16(number(token[size_t(r)] * 100003 + uint64_t(c)) * (c < p.heads * p.dim ? 4.0f : 1.0f)));
}
std::vector<int64_t> path_rows(const Problem& p, int s) {
  std::vector<int> chain; std::vector<int64_t> rows;
  for (int c = s; c >= 0; c = p.tree[c].parent) chain.insert(chain.begin(), c);
  for (int c : chain) for (int i = 0; i < p.tree[c].length; ++i) rows.push_back(p.tree[c].first_row + i);
  return rows;
}
struct Worst { double v[5] = {}; };
// Naive, double, on the same bf16 inputs: position t of the path `rows`, head h.
void reference(const Problem& p, const std::vector<Bf16>& input, const std::vector<Bf16>& l, const std::vector<int64_t>& rows, int t, int h, const std::vector<Bf16>& z, const std::vector<Stats>& stats, Worst& worst) {
  const int D = p.dim, g = h / (p.heads / p.kv_heads); const int64_t row = rows[size_t(t)];
  const auto at = [&](int64_t r, int64_t c) { return double(from_bf16(input[size_t(r * p.width() + c)])); };
  std::vector<double> w(size_t(t) + 1), out(D); double top = -1e300, sum = 0, entropy = 0;
  for (int k = 0; k <= t; ++k) { double d = 0; for (int e = 0; e < D; ++e) d += at(row, h * D + e) * at(rows[size_t(k)], (p.heads + g) * D + e); w[size_t(k)] = d / std::sqrt(double(D)); top = std::max(top, w[size_t(k)]); }
  for (double& x : w) { x = std::exp(x - top); sum += x; }
  for (int k = 0; k <= t; ++k) { const double a = w[size_t(k)] / sum; if (a > 0) entropy -= a * std::log(a); for (int e = 0; e < D; ++e) out[size_t(e)] += a * at(rows[size_t(k)], (p.heads + p.kv_heads + g) * D + e); }
  double norm = 0, projected = 0, difference = 0;
  for (int e = 0; e < D; ++e) { norm += out[size_t(e)] * out[size_t(e)]; difference += std::pow(out[size_t(e)] - from_bf16(z[size_t(row * p.width() + h * D + e)]), 2); }
  for (int j = 0; j < D; ++j) { double y = 0; for (int e = j; e < D; ++e) y += out[size_t(e)] * from_bf16(l[(size_t(h) * D + e) * D + j]); projected += y * y; }
  const Stats& got = stats[size_t(row * p.heads + h)];
  const double relative[5] = {std::sqrt(difference / norm), std::fabs(got.first_weight - w[0] / sum), std::fabs(got.entropy - entropy), std::fabs(got.output_norm / std::sqrt(norm) - 1), std::fabs(got.projected_norm / std::sqrt(projected) - 1)};
  for (int q = 0; q < 5; ++q) worst.v[q] = std::max(worst.v[q], std::isnan(relative[q]) ? 1e9 : relative[q]);
}
// loose: attend_test.cc's own limits; tight: what emulation showed
const double kLoose[5] = {1e-2, 1e-5, 1e-4, 2e-3, 5e-3}, kTight[5] = {3.95e-3, 2.05e-7, 1.05e-6, 1.85e-3, 3.55e-3};
int verdict(const char* name, const Problem& p, const Worst& w, const char* what) {
  int loose = 0, tight = 0; for (int q = 0; q < 5; ++q) { loose += w.v[q] > kLoose[q]; tight += w.v[q] > kTight[q]; }
  std::printf("%-10s D %3d heads %2d/%d %s: z %.1e first %.1e entropy %.1e |z| %.1e |Wz| %.1e%s%s\n", name, p.dim, p.heads, p.kv_heads, what, w.v[0], w.v[1], w.v[2], w.v[3], w.v[4], tight ? "  above the emulation's" : "", loose ? "  WRONG" : "");
  return loose > 0;
}
int compare(const Problem& a, const std::vector<Bf16>& za, const std::vector<Stats>& sa, const std::vector<int64_t>& ra, const Problem& b, const std::vector<Bf16>& zb, const std::vector<Stats>& sb, const std::vector<int64_t>& rb) {
  int different = 0;
  for (size_t r = 0; r < ra.size(); ++r) different += std::memcmp(&za[size_t(ra[r] * a.width())], &zb[size_t(rb[r] * b.width())], size_t(a.heads) * a.dim * 2) != 0 || std::memcmp(&sa[size_t(ra[r] * a.heads)], &sb[size_t(rb[r] * b.heads)], size_t(a.heads) * sizeof(Stats)) != 0;
  return different;
}

template <int D>
int check(int heads, int kv_heads) {
  Problem tree = {heads, kv_heads, D, {{-1, 0, 100, 0}, {0, 100, 37, 0}, {0, 100, 130, 0}, {2, 230, 5, 0}, {0, 100, 1, 0}}};
  tree.place();
  std::vector<uint64_t> token(size_t(tree.rows));
  for (size_t r = 0; r < token.size(); ++r) token[r] = r + 1;
  const std::vector<Bf16> l = factors(tree);
  const std::vector<uint32_t> factor = fragments(tree, l);
  std::vector<Bf16> input; fill(tree, token, input);
  int failures = 0;
  for (const Variant& v : variants<D>()) {
    std::vector<Bf16> z = input; std::vector<Stats> stats;
    const int bad = run(tree, v, z, stats, factor);
    if (bad) { std::printf("bad %d\n", bad); ++failures; }
    Worst worst;
    for (size_t s = 0; s < tree.tree.size(); ++s) {
      const std::vector<int64_t> rows = path_rows(tree, int(s));
      for (int i = 0; i < tree.tree[s].length; ++i) for (int h = 0; h < heads; ++h) reference(tree, input, l, rows, tree.tree[s].begin + i, h, z, stats, worst);
    }
    failures += verdict(v.name, tree, worst, "tree");
    int cut = 0, keys_changed = 0;
    for (int64_t r = 0; r < tree.rows; ++r) keys_changed += std::memcmp(&z[size_t(r * tree.width() + heads * D)], &input[size_t(r * tree.width() + heads * D)], size_t(2 * kv_heads * D) * 2) != 0;
    for (int leaf : {3, 1, 4}) {
      const std::vector<int64_t> rows = path_rows(tree, leaf);
      Problem flat = tree; flat.tree = {{-1, 0, int(rows.size()), 0}}; flat.place();
      std::vector<uint64_t> tokens; std::vector<int64_t> own;
      for (int64_t r : rows) { tokens.push_back(token[size_t(r)]); own.push_back(int64_t(own.size())); }
      std::vector<Bf16> flat_z; fill(flat, tokens, flat_z);
      std::vector<Stats> flat_stats; run(flat, v, flat_z, flat_stats, factor);
      cut += compare(flat, flat_z, flat_stats, own, tree, z, stats, rows);
    }
    int unstable = 0;
    for (int i = 0; i < kRepeats; ++i) {
#ifndef __CUDACC__
      emulated::schedule() = {uint64_t(i + 1), i % 2 == 0};
#endif
      std::vector<Bf16> again = input; std::vector<Stats> s2; run(tree, v, again, s2, factor);
      unstable += again != z || std::memcmp(s2.data(), stats.data(), stats.size() * sizeof(Stats)) != 0;
    }
#ifndef __CUDACC__
    emulated::schedule() = {};
#endif
    if (cut || unstable || keys_changed) std::printf("   FAULT: %d rows differ cut otherwise, %d of %d repeats differ, %d rows of keys changed\n", cut, unstable, kRepeats, keys_changed);
    failures += (cut != 0) + (unstable != 0) + (keys_changed != 0);
  }
  return failures;
}

// 4,096 positions as one segment and cut at odd places; sampled rows against the reference.
template <int D>
int large(int heads, int kv_heads, int length) {
  Problem flat = {heads, kv_heads, D, {{-1, 0, length, 0}}}; flat.place();
  Problem cut = {heads, kv_heads, D, {}};
  const int cuts[] = {1, 63, 64, 65, 100, 37, 600, 16, 15, 17, 700, 3, 129, 1000};
  for (int at = 0, i = 0; at < length; ++i) { const int n = std::min(cuts[i % 14], length - at); cut.tree.push_back({i - 1, at, n, 0}); at += n; }
  cut.place();
  std::vector<uint64_t> token; std::vector<int64_t> rows; for (int i = 0; i < length; ++i) { token.push_back(uint64_t(i) + 5); rows.push_back(i); }
  const std::vector<Bf16> l = factors(flat); const std::vector<uint32_t> factor = fragments(flat, l);
  std::vector<Bf16> input; fill(flat, token, input);
  int failures = 0;
  for (const Variant& v : variants<D>()) {
    std::vector<Bf16> za = input, zb = input; std::vector<Stats> sa, sb;
    run(flat, v, za, sa, factor); run(cut, v, zb, sb, factor);
    Worst worst; std::mt19937 r(1);
    for (int i = 0; i < 150; ++i) reference(flat, input, l, rows, i < 3 ? length - 1 - i : int(r() % unsigned(length)), int(r() % unsigned(heads)), za, sa, worst);
    failures += verdict(v.name, flat, worst, "long");
    const int different = compare(flat, za, sa, rows, cut, zb, sb, rows); int unstable = 0;
#ifdef __CUDACC__
    for (int i = 0; i < 5; ++i) { std::vector<Bf16> z2 = input; std::vector<Stats> s2; run(flat, v, z2, s2, factor); unstable += compare(flat, za, sa, rows, flat, z2, s2, rows); }
#endif
    if (different || unstable) { std::printf("   FAULT: %d rows differ cut otherwise; %d rows unstable\n", different, unstable); ++failures; }
  }
  return failures;
}

// Is a NaN or infinity noticed?
template <int D>
void bad_values() {
  Problem p = {4, 2, D, {{-1, 0, 70, 0}}}; p.place();
  std::vector<uint64_t> token; for (int i = 0; i < 70; ++i) token.push_back(uint64_t(i) + 1);
  const std::vector<uint32_t> factor = fragments(p, factors(p));
  std::vector<Bf16> input; fill(p, token, input);
  for (const Variant& v : variants<D>()) {
    std::printf("%-10s D %d:", v.name, D);
    for (int kind = 0; kind < 5; ++kind) {
      std::vector<Bf16> z = input; std::vector<Stats> s;
      const auto set = [&](int r, int c, float x) { z[size_t(r * p.width() + c)] = Bf16(to_bf16(x)); };
      if (kind == 0) set(20, 3, NAN);
      if (kind == 1) set(20, 4 * D + 3, NAN);
      if (kind == 2) set(20, 6 * D + 3, NAN);
      if (kind == 3) set(20, 6 * D + 3, INFINITY);
      if (kind == 4) { set(20, 4 * D, INFINITY); for (int r = 0; r < 70; ++r) set(r, 0, -1.0f), set(r, D, -1.0f); }  // scores of minus infinity
      const int bad = run(p, v, z, s, factor);
      int strange = 0; for (const Stats& x : s) strange += !(x.entropy > 1e-12f || x.first_weight > 0.999f);
      std::printf("  %s %s (%d entropies 0)", kind == 0 ? "q nan" : kind == 1 ? "k nan" : kind == 2 ? "v nan" : kind == 3 ? "v inf" : "score -inf", bad ? "seen" : "NOT SEEN", strange);
    }
    std::printf("\n");
  }
}

template <int D>
void tiny(int heads, int kv_heads) {
  Problem p = {heads, kv_heads, D, {{-1, 0, 70, 0}, {0, 70, 9, 0}, {0, 70, 70, 0}}}; p.place();
  std::vector<uint64_t> token; for (int64_t i = 0; i < p.rows; ++i) token.push_back(uint64_t(i) + 1);
  const std::vector<uint32_t> factor = fragments(p, factors(p));
  std::vector<Bf16> input; fill(p, token, input);
  for (const Variant& v : variants<D>()) { std::vector<Bf16> z = input; std::vector<Stats> s; const int bad = run(p, v, z, s, factor); std::printf("%s D %d bad %d\n", v.name, D, bad); }
}

#ifdef __CUDACC__
// kind: samples of `length` positions, or (leaves > 0) prompts of `length` shared by `leaves` runs of 100.
template <int D>
void timed(const char* what, int heads, int kv_heads, int length, int samples, int leaves, const char* only = nullptr) {
  Problem p = {heads, kv_heads, D, {}};
  double pairs = 0;
  for (int s = 0; s < samples; ++s) {
    const int root = int(p.tree.size());
    p.tree.push_back({-1, 0, length, 0}); pairs += 0.5 * length * (length + 1.0);
    for (int i = 0; i < leaves; ++i) { p.tree.push_back({root, length, 100, 0}); pairs += 100.0 * length + 0.5 * 100 * 101; }
  }
  p.place();
  const std::vector<uint32_t> factor(size_t(heads) * D * D / 2, 0x3c003c00u);
  const size_t n = size_t(p.rows * p.width());
  std::vector<Bf16> host(1 << 22); std::mt19937 r(1); std::normal_distribution<float> g; for (Bf16& x : host) x = Bf16(to_bf16(g(r)));
  Bf16 *qkv, *saved; OK(cudaMalloc(&qkv, n * 2)); OK(cudaMalloc(&saved, n * 2));
  for (size_t at = 0; at < n; at += host.size() - 4096 + 8) OK(cudaMemcpy(saved + at, host.data(), std::min(host.size(), n - at) * 2, cudaMemcpyHostToDevice));
  AttendArguments a = arguments(p); a.qkv = qkv;
  auto* f = upload(factor); a.factors = f; OK(cudaMalloc(&a.stats, size_t(p.rows * p.heads) * sizeof(Stats))); OK(cudaMalloc(&a.bad, 4)); OK(cudaMemset(a.bad, 0, 4));
  cudaEvent_t e0, e1; OK(cudaEventCreate(&e0)); OK(cudaEventCreate(&e1));
  const double flop = 4.0 * D * heads * pairs;
  for (const Variant& v : variants<D>()) {
    if (only && std::strcmp(only, v.name)) continue;
    for (int mode = 0; mode < (only ? 1 : 4); ++mode) {
      const Plan pl = plan(p, v, mode == 2 ? 1 : mode == 3 ? 2 : 0);
      auto* items = upload(pl.items); auto* runs = upload(pl.runs); a.items = items; a.runs = runs;
      Kernel k = mode == 1 ? v.plain : v.kernel;
      OK(cudaFuncSetAttribute(k, cudaFuncAttributeMaxDynamicSharedMemorySize, v.shared));
      std::vector<float> ms;
      for (int i = 0; i < (only ? 1 : 6); ++i) {
        OK(cudaMemcpyAsync(qkv, saved, n * 2, cudaMemcpyDeviceToDevice)); OK(cudaEventRecord(e0));
        k<<<unsigned(pl.items.size()), v.warps * 32, v.shared>>>(a);
        OK(cudaEventRecord(e1)); OK(cudaGetLastError()); OK(cudaEventSynchronize(e1));
        float x; OK(cudaEventElapsedTime(&x, e0, e1)); if (i || only) ms.push_back(x);
      }
      std::sort(ms.begin(), ms.end());
      int blocks = 0; cudaFuncAttributes at; OK(cudaFuncGetAttributes(&at, k)); OK(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, k, v.warps * 32, v.shared));
      std::printf("time %-22s D %3d %2d/%d rows %6lld %-10s %-22s %8.3f ms (min %.3f) %6.1f TFLOP/s %5.1f ns/row  regs %d local %zu blocks/SM %d\n", what, D, heads, kv_heads, (long long)p.rows, v.name,
                  mode == 0 ? "Wz" : mode == 1 ? "no Wz" : mode == 2 ? "Wz, longest first" : "Wz, descending", ms[ms.size() / 2], ms[0], flop / ms[ms.size() / 2] / 1e9, ms[ms.size() / 2] * 1e6 / double(p.rows), at.numRegs, at.localSizeBytes, blocks);
      OK(cudaFree(items)); OK(cudaFree(runs));
    }
  }
  for (void* x : {(void*)qkv, (void*)saved, (void*)f, (void*)a.stats, (void*)a.bad}) OK(cudaFree(x));
}
#endif
}  // namespace

int main(int argc, char** argv) {
  setvbuf(stdout, nullptr, _IOLBF, 0);
  const std::string mode = argc > 1 ? argv[1] : "check";
  if (mode == "check") {
    const int failures = check<16>(4, 2) + check<32>(4, 4) + check<64>(14, 2) + check<64>(6, 2) + check<80>(5, 1) + check<96>(4, 4) + check<128>(8, 2);
    std::printf(failures ? "check FAILED %d\n" : "check: all good\n", failures);
    return failures != 0;
  }
  if (mode == "large") {
#ifdef __CUDACC__
    const int failures = large<128>(8, 2, 4096) + large<64>(9, 3, 4096) + large<128>(8, 2, 700) + large<80>(5, 1, 1500);
#else
    const int failures = large<32>(2, 1, 400);
#endif
    std::printf(failures ? "large FAILED %d\n" : "large: all good\n", failures);
    return failures != 0;
  }
  if (mode == "bad") { bad_values<64>(); bad_values<128>(); }
  if (mode == "tiny") { tiny<16>(4, 2); tiny<128>(4, 1); tiny<96>(3, 1); }
  if (mode == "race") { tiny<128>(4, 1); tiny<16>(2, 1); }
#ifdef __CUDACC__
  if (mode == "time") {
    timed<128>("700", 32, 8, 700, 64, 0); timed<128>("4096", 32, 8, 4096, 16, 0); timed<128>("tree 600+20x100", 32, 8, 600, 24, 20);
    timed<64>("700", 32, 8, 700, 64, 0); timed<64>("4096", 32, 8, 4096, 16, 0); timed<64>("700 (Qwen 0.5B)", 14, 2, 700, 64, 0);
  }
  if (mode == "one") { if (argc < 6) return 2; const int n = std::atoi(argv[4]), s = std::atoi(argv[5]); if (std::atoi(argv[3]) == 128) timed<128>("one", 32, 8, n, s, 0, argv[2]); else timed<64>("one", 32, 8, n, s, 0, argv[2]); }
#endif
}
