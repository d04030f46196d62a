// Row-wise arithmetic between the matrix products, by Highway with run-time dispatch. float32 throughout;
// sums have a fixed order on one instruction set.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace idleheads {

// Rounds to the nearest bfloat16, ties to even (NaN stays NaN).
void to_bf16(const float* x, uint16_t* y, int64_t count);

// y = x / sqrt(mean(x^2) + epsilon) * weight, for one row of `count`. y may be x.
void rms_norm(const float* x, const float* weight, float epsilon, float* y, int64_t count);

// y += x.
void add(const float* x, float* y, int64_t count);

// y = x / sqrt(mean((x - mean(x))^2) + epsilon) * weight + bias, x less its mean. y may be x.
void layer_norm(const float* x, const float* weight, const float* bias, float epsilon, float* y,
                int64_t count);

// y *= factor.
void scale(float factor, float* y, int64_t count);

// y = clamp(y, -limit, limit).
void clip(float limit, float* y, int64_t count);

// y = act(gate) * up: silu(a) = a / (1 + exp(-a)), gelu(a) = a Phi(a), or its approximation by tanh. y may be
// gate.
void silu_multiply(const float* gate, const float* up, float* y, int64_t count);
void gelu_multiply(const float* gate, const float* up, float* y, int64_t count);
void gelu_tanh_multiply(const float* gate, const float* up, float* y, int64_t count);
// y = g / (1 + exp(-1.702 g)) (u + 1) with g = min(gate, 7) and u = up clamped to [-7, 7] (gpt-oss).
void clamped_silu_multiply(const float* gate, const float* up, float* y, int64_t count);

// Rotates one head (rotate-half form): pairs (x_i, x_{i + dim/2}) by the angle with cosines c and sines s
// [dim / 2].
void rope(float* head, const float* c, const float* s, int64_t dim);

// Euclidean norm.
float norm(const float* x, int64_t count);

// True if no value is NaN or infinite.
bool all_finite(const float* x, int64_t count);

// Log-sum-exp over pieces: starts from {-inf, 0}; the logarithm of the sum of exponentials is maximum +
// ln(sum).
struct LogSumExp {
  float maximum = -__builtin_huge_valf();
  double sum = 0;
};
void accumulate(const float* logits, int64_t count, LogSumExp& state);

// The instruction set in use: "AVX3".
std::string simd_target();

}  // namespace idleheads
