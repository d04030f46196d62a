#include "base/portable_name.h"

#include <gtest/gtest.h>

#include <filesystem>

namespace idleheads {
namespace {

TEST(PortableName, RelativeAndHubNamesStay) {
  for (const char* name : {"Qwen/Qwen2.5-0.5B", "models/a.gguf", "./models/a.gguf", "a.gguf", "models/", ""})
    EXPECT_EQ(portable_name(name), name);
}

TEST(PortableName, FoldersOfTheMachineGo) {
  EXPECT_EQ(portable_name("/home/ann/models/a.gguf"), "a.gguf");
  EXPECT_EQ(portable_name("/home/ann/Llama-3.2-3B/"), "Llama-3.2-3B");
  EXPECT_EQ(portable_name("//home//ann//x//"), "x");
  EXPECT_EQ(portable_name("~/models/a.gguf"), "a.gguf");
  EXPECT_EQ(portable_name("../ann/a.gguf"), "a.gguf");
  EXPECT_EQ(portable_name("models/../../ann/a"), "a");
  EXPECT_EQ(portable_name("/"), "/");
}

TEST(PortableName, TheHubsCacheHasTheNameInIt) {
  const std::string folder = "/home/ann/.cache/huggingface/hub/models--Qwen--Qwen2.5-0.5B";
  EXPECT_EQ(portable_name(folder), "Qwen/Qwen2.5-0.5B");
  EXPECT_EQ(portable_name(folder + "/snapshots/abcdef/"), "Qwen/Qwen2.5-0.5B");
  EXPECT_EQ(portable_name(folder + "/snapshots/abcdef/q4.gguf"), "Qwen/Qwen2.5-0.5B/q4.gguf");
  EXPECT_EQ(portable_name("/cache/models--gpt2/snapshots/abc"), "gpt2");
}

TEST(PortableName, FoldersWithoutANameAreNamedByWhatTheyAre) {
  const std::string here = std::filesystem::current_path().filename().string();
  EXPECT_EQ(portable_name("."), here);
  EXPECT_EQ(portable_name("./"), here);
  EXPECT_EQ(portable_name(".."), std::filesystem::current_path().parent_path().filename().string());
}

}  // namespace
}  // namespace idleheads
