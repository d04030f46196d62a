// The same bits for every family, whatever the threads, the sharing, the memory and the company: mixtures of
// experts, windows, and ropes that depend on the sample's length too.
#include "engine/family_bits.h"

#include <gtest/gtest.h>

#include "engine/family_golden.h"

namespace idleheads {
namespace {

class FamilyBits : public testing::TestWithParam<std::string> {
 protected:
  std::shared_ptr<const Model> model() const {
    return Model::open((test::family_folder() / GetParam()).string(), test::context_of(GetParam()));
  }
};

TEST_P(FamilyBits, OfSamples) { test::expect_bits_of_samples(model(), Precision::f32); }

TEST_P(FamilyBits, OfGeneration) { test::expect_bits_of_generation(model(), Precision::f32); }

INSTANTIATE_TEST_SUITE_P(All, FamilyBits, testing::ValuesIn(test::family_names()),
                         [](const auto& test) { return test.param; });

}  // namespace
}  // namespace idleheads
