// Finite weights whose products are not finite: the message says where, on every device.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "engine/engine_fixture.h"
#include "idleheads/engine/engine.h"
#include "support/errors.h"

namespace idleheads::test {

// What the user sees: from packing or from the run.
inline std::string message_of(const reference::RandomSpec& spec, const MakeBackend& make = {}) {
  const RandomModel model(spec);
  return error_of([&] {
    Engine engine(model.get(), {.threads = 2, .precision = Precision::f32}, make);
    const Sample sample = make_sample({1, 2, 3}, 0);
    const std::vector<Intervention> none = {std::monostate{}};
    engine.run(std::span(&sample, 1), none);
  });
}

inline void expect_overflow_is_named(const MakeBackend& make = {}) {
  const auto message = [&](std::set<Role> roles, int layer, float factor) {
    reference::RandomSpec spec;
    spec.change = [=](Role role, int l, std::vector<float>& values) {
      if (!roles.contains(role) || l != layer) return;
      for (float& x : values) x *= factor;
    };
    return message_of(spec, make);
  };
  EXPECT_THAT(message({Role::query, Role::key}, 1, 1e20f), testing::ContainsRegex("layer 1 head [0-3]: NaN"));
  EXPECT_THAT(message({Role::value}, 0, 1e38f), testing::ContainsRegex("layer 0 head [0-3]: NaN"));
  EXPECT_THAT(message({Role::up, Role::down}, 1, 1e20f), testing::HasSubstr("layer 1"));
  EXPECT_THAT(message({Role::final_norm, Role::lm_head}, 0, 1e20f), testing::HasSubstr("logits"));
}

}  // namespace idleheads::test
