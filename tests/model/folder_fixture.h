// A folder for one test and the message of what fails in it.
#pragma once

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "base/error.h"
#include "format/json.h"
#include "format/safetensors_writer.h"

namespace idleheads::test {

class FolderFixture : public testing::Test {
 protected:
  FolderFixture()
      : folder_(std::filesystem::temp_directory_path() / fmt::format("idleheads_folder_{}", ::getpid())) {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }
  ~FolderFixture() override { std::filesystem::remove_all(folder_); }

  // The message of the Error that `action` throws, or "no error".
  template <typename Action>
  static std::string error_of(const Action& action) {
    try {
      action();
    } catch (const Error& error) {
      EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos) << error.what();
      return error.what();
    }
    return "no error";
  }

  void write(const std::string& name, const std::string& text) const {
    std::filesystem::create_directories((folder_ / name).parent_path());
    std::ofstream(folder_ / name, std::ios::binary) << text;
  }
  void write(const std::string& name, const std::vector<std::byte>& bytes) const {
    write(name, std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
  }
  // A safetensors file of tensors [2] with these names.
  void write_tensors(const std::string& name, const std::vector<std::string>& tensors) const {
    SafetensorsWriter writer;
    for (const std::string& tensor : tensors) writer.add(tensor, {2}, {1.0f, 2.0f});
    write(name, writer.bytes());
  }
  void link(const std::string& target, const std::string& name) const {
    std::filesystem::remove(folder_ / name);
    std::filesystem::create_symlink(target, folder_ / name);
  }

  std::filesystem::path folder_;
};

}  // namespace idleheads::test
