// Which device is chosen, and what is said where there is none that can be used.
#include "engine/device.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "support/errors.h"
#include "support/temp_folder.h"

namespace idleheads {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class FakeModule : public DeviceModule {
 public:
  std::vector<DeviceInfo> there;
  std::string failure;

  std::vector<DeviceInfo> devices() const override {
    if (!failure.empty()) throw Error(failure);
    return there;
  }
  std::string description(int, Precision) const override { return "fake"; }
  std::unique_ptr<Backend> make_backend(std::unique_ptr<const WeightSource>, ThreadPool&,
                                        const DeviceOptions&) const override {
    return nullptr;
  }
};

class Devices : public testing::Test {
 protected:
  DeviceChoice choose(const char* text) {
    return choose_device(text, [this]() -> const DeviceModule& { return module_; });
  }
  std::string refusal(const char* text) {
    return test::error_of([&] { choose(text); });
  }
  std::vector<std::string> list() {
    return list_devices([this]() -> const DeviceModule& { return module_; });
  }

  FakeModule module_;
  const DeviceInfo old_ = {"Old", int64_t{16} << 30, 80, "compute capability 7.0; expected 8.0 or newer"};
  const DeviceInfo new_ = {"New", int64_t{80} << 30, 132, ""};
};

TEST_F(Devices, AreChosenByNumber) {
  module_.there = {old_, new_};
  EXPECT_EQ(choose("cuda:1").number, 1);
  EXPECT_FALSE(choose("cuda:1").is_cpu());
  EXPECT_EQ(refusal("cuda:2"), "--device cuda:2: there is no such device; there are 2");
  EXPECT_EQ(refusal("cuda"), "cuda:0 (Old): compute capability 7.0; expected 8.0 or newer");
  EXPECT_TRUE(choose("cpu").is_cpu());
  for (const char* text : {"gpu", "cuda:", "cuda:-1", "cuda:1x", "CUDA", ""})
    EXPECT_THAT(refusal(text), HasSubstr("expected cpu, auto, cuda or cuda:N")) << text;
}

TEST_F(Devices, AutoTakesTheFirstThatCanBeUsedOrTheProcessor) {
  EXPECT_TRUE(choose("auto").is_cpu());
  module_.there = {old_};
  EXPECT_TRUE(choose("auto").is_cpu());
  module_.there = {old_, new_};
  EXPECT_EQ(choose("auto").number, 1);
  module_.failure = "CUDA: there is no NVIDIA driver";
  EXPECT_TRUE(choose("auto").is_cpu());
}

TEST_F(Devices, MissingOnesAreSaid) {
  EXPECT_EQ(refusal("cuda"), "--device cuda: this machine has no CUDA device; use --device cpu");
  module_.failure = "CUDA: there is no NVIDIA driver";
  EXPECT_EQ(refusal("cuda:3"), module_.failure);
}

TEST_F(Devices, AreListed) {
  EXPECT_THAT(list(), ElementsAre("no CUDA device"));
  module_.there = {new_, old_};
  EXPECT_THAT(list(), ElementsAre("cuda:0: New, 80.0 GiB, 132 multiprocessors, bf16 and f32",
                                  "cuda:1: Old, 16.0 GiB, 80 multiprocessors, not usable: compute capability "
                                  "7.0; expected 8.0 or newer"));
  module_.failure = "CUDA: there is no NVIDIA driver";
  EXPECT_THAT(list(), ElementsAre("CUDA: there is no NVIDIA driver"));
}

std::string load_failure(const std::filesystem::path& path) {
  return test::error_of([&] { load_device_module(path); });
}

TEST(DeviceModules, MustBeThereAndOfThisBuild) {
  const test::TempFolder folder;
  EXPECT_THAT(load_failure(folder.path() / "none.so"),
              HasSubstr("build it with make cuda, or use --device cpu"));
  const std::filesystem::path text = folder.path() / "text.so";
  std::ofstream(text) << "not a library";
  EXPECT_THAT(load_failure(text), HasSubstr("the CUDA module cannot be loaded: "));
  EXPECT_THAT(load_failure(IDLEHEADS_MODULE_WITHOUT_NAMES),
              HasSubstr("not a module of idleheads (idleheads_module_build is missing)"));
  EXPECT_THAT(
      load_failure(IDLEHEADS_MODULE_OF_ANOTHER_BUILD),
      testing::ContainsRegex("is of build 0.0.1 \\(elsewhere\\), this program of .*; build both together"));
}

}  // namespace
}  // namespace idleheads
