#include "base/cgroup.h"

#include <gtest/gtest.h>

#include <fstream>

#include "support/temp_folder.h"

namespace idleheads {
namespace {

class Cgroup : public testing::Test {
 protected:
  test::TempFolder folder_;

  void write(const std::string& name, const std::string& text) {
    const std::filesystem::path file = folder_.path() / name;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }
  CgroupLimits limits() { return cgroup_limits(folder_.path() / "self", folder_.path() / "root"); }
};

TEST_F(Cgroup, NoneIsNoLimit) {
  EXPECT_EQ(limits().bytes, CgroupLimits().bytes);
  EXPECT_EQ(limits().processors, CgroupLimits().processors);
}

TEST_F(Cgroup, TheLeastOfTheGroupAndThoseAboveIt) {
  write("self", "0::/slurm/job_7/step_0\n");
  write("root/slurm/job_7/step_0/memory.max", "max\n");
  write("root/slurm/job_7/step_0/cpu.max", "max 100000\n");
  write("root/slurm/job_7/memory.max", "8589934592\n");
  write("root/slurm/job_7/cpu.max", "150000 100000\n");
  write("root/slurm/memory.max", "17179869184\n");
  EXPECT_EQ(limits().bytes, int64_t{8} << 30);
  EXPECT_EQ(limits().processors, 1.5);
}

TEST_F(Cgroup, VersionOne) {
  write("self", "9:memory:/docker/a\n3:cpu,cpuacct:/docker/a\n");
  write("root/memory/docker/a/memory.limit_in_bytes", "1073741824\n");
  write("root/cpu/docker/a/cpu.cfs_quota_us", "300000\n");
  write("root/cpu/docker/a/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(limits().bytes, int64_t{1} << 30);
  EXPECT_EQ(limits().processors, 3);
}

TEST_F(Cgroup, NoQuotaAndTheTopOfAContainer) {
  write("self", "0::/\n1:memory:/../other\nnonsense\n");
  write("root/memory.max", "4096000\n");
  write("root/cpu/cpu.cfs_quota_us", "-1\n");
  write("root/cpu/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(limits().bytes, 4'096'000);
  EXPECT_EQ(limits().processors, CgroupLimits().processors);
}

}  // namespace
}  // namespace idleheads
