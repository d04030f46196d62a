// A mapped file notices that it was changed, and tells a signal handler whose bytes an address holds.
#include "base/mapped_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <optional>

#include "idleheads/base/error.h"
#include "idleheads/version.h"
#include "support/errors.h"
#include "support/temp_folder.h"

namespace idleheads {
namespace {

namespace fs = std::filesystem;

class MappedFileTest : public testing::Test {
 protected:
  MappedFileTest() {
    std::ofstream(path_) << std::string(20'000, 'a');
    // As old as a real model's: a change is then one of the seconds, too, whatever the file system keeps.
    fs::last_write_time(path_, fs::file_time_type::clock::now() - std::chrono::hours(24));
  }

  std::string change() const {
    return test::error_of([&] { file().require_unchanged(); });
  }
  const MappedFile& file() const { return *file_; }
  void map() { file_.emplace(path_); }

  const test::TempFolder temporary_;
  const fs::path folder_ = temporary_.path();
  fs::path path_ = folder_ / "model.gguf";
  std::optional<MappedFile> file_;
};

TEST_F(MappedFileTest, ReadingAndOtherNamesAreNoChange) {
  map();
  EXPECT_EQ(change(), "no error");
  EXPECT_EQ(read_text_file(path_).size(), 20'000u);
  fs::rename(path_, folder_ / "other.gguf");
  EXPECT_EQ(change(), "no error");
  fs::remove(folder_ / "other.gguf");
  EXPECT_EQ(change(), "no error");
  EXPECT_NE(file().state_now().changed, file().state().changed);
  EXPECT_EQ(static_cast<char>(file().bytes()[19'999]), 'a') << "the file lives on while it is open";
}

TEST_F(MappedFileTest, WritingCuttingAndTouchingAreChanges) {
  map();
  std::fstream(path_, std::ios::in | std::ios::out) << "b";
  EXPECT_NE(change().find("its time of modification is another"), std::string::npos) << change();
  EXPECT_EQ(change().rfind(path_.string() + ": changed while it was in use", 0), 0u) << change();
  map();
  fs::resize_file(path_, 10'000);
  EXPECT_NE(change().find("10000 bytes, it had 20000"), std::string::npos) << change();
  map();
  fs::last_write_time(path_, fs::file_time_type::clock::now() - std::chrono::hours(2));
  EXPECT_NE(change(), "no error");
}

TEST_F(MappedFileTest, MovesTakeTheDescriptorAlong) {
  map();
  MappedFile moved = std::move(*file_);
  file_.emplace(std::move(moved));
  EXPECT_EQ(change(), "no error");
  EXPECT_NE(mapped_file_at(file().bytes().data()), nullptr);
}

TEST_F(MappedFileTest, AddressesHaveTheirFilesNames) {
  map();
  const std::byte* first = file().bytes().data();
  ASSERT_NE(mapped_file_at(first), nullptr);
  EXPECT_STREQ(mapped_file_at(first), path_.c_str());
  EXPECT_STREQ(mapped_file_at(first + 19'999), path_.c_str());
  EXPECT_EQ(mapped_file_at(first - 1), nullptr);
  EXPECT_EQ(mapped_file_at(first + 20'000), nullptr);
  EXPECT_EQ(mapped_file_at(&first), nullptr);
  file_.reset();
  EXPECT_EQ(mapped_file_at(first), nullptr);
}

TEST_F(MappedFileTest, NamesAreShownPrintableAndCut) {
  const fs::path odd = folder_ / (std::string("line\nbreak") + std::string(200, 'n'));
  fs::rename(path_, odd);
  const fs::path deep = folder_ / std::string(200, 'd');
  fs::create_directory(deep);
  fs::copy(odd, deep / odd.filename());
  const MappedFile file(deep / odd.filename());
  const std::string name = mapped_file_at(file.bytes().data());
  EXPECT_EQ(name.find('\n'), std::string::npos);
  EXPECT_EQ(name.substr(name.size() - 3), "...");
  EXPECT_LE(name.size(), 303u);
}

TEST(Version, IsThatOfTheProject) {
  EXPECT_FALSE(version().empty());
  EXPECT_EQ(build_description(), version() + " (" + commit() + ")");
  const bool known = commit().find_first_not_of("0123456789abcdef") == std::string::npos ||
                     commit().ends_with("-dirty") || commit() == "unknown";
  EXPECT_TRUE(known) << commit();
}

}  // namespace
}  // namespace idleheads
