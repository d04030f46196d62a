// A folder of a model for one test.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "format/json.h"
#include "format/safetensors_writer.h"
#include "support/errors.h"
#include "support/temp_folder.h"

namespace idleheads::test {

class FolderFixture : public testing::Test {
 protected:
  void write(const std::string& name, const std::string& text) const { temporary_.write(name, text); }
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

  const TempFolder temporary_;
  const std::filesystem::path folder_ = temporary_.path();
};

}  // namespace idleheads::test
