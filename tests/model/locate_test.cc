// Names of models that are no path and no org/name, and checkpoints whose files disagree.
#include "model/locate.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "format/safetensors_writer.h"
#include "idleheads/base/error.h"
#include "model/checkpoint.h"
#include "model/hub_cache.h"
#include "support/errors.h"
#include "support/temp_folder.h"

namespace idleheads {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class Folder : public testing::Test {
 protected:
  Folder() { setenv("HF_HUB_CACHE", folder_.c_str(), 1); }
  ~Folder() override { unsetenv("HF_HUB_CACHE"); }
  std::string locate(const std::string& name) {
    try {
      return locate_model(name).string();
    } catch (const Error& error) {
      return error.what();
    }
  }
  std::string open() {
    return test::error_of([&] { const Checkpoint checkpoint(folder_); });
  }
  void write_shard(const std::string& file, const std::vector<std::string>& tensors) {
    test::SafetensorsWriter writer;
    for (const std::string& name : tensors) writer.add(name, {2}, {1.0f, 2.0f});
    const std::vector<std::byte> bytes = writer.bytes();
    std::ofstream(folder_ / file, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  }
  void write_index(const Json& map) {
    std::ofstream(folder_ / "model.safetensors.index.json") << Json{{"weight_map", map}};
  }
  const test::TempFolder temporary_;
  const fs::path folder_ = temporary_.path();
};

TEST_F(Folder, NamesThatAreNone) {
  for (const std::string name : {"org@v/1", "@/x", "org/", "/no/such/path", "a/b/c", "../..x/y", "org/na me",
                                 "org/name\n", "./x/y.gguf", "org//name"}) {
    EXPECT_THAT(locate(name), HasSubstr("no such file or folder")) << name;
    EXPECT_EQ(locate(name).find('\n'), std::string::npos);
  }
  EXPECT_THROW(locate_model(""), UsageError);
  EXPECT_LT(locate(std::string(1000000, 'x')).size(), 500u);
  EXPECT_LT(locate("org/" + std::string(1000000, 'x')).size(), 500u);
}

// A revision is a name in the cache, never a way out of it.
TEST_F(Folder, RevisionsStayInTheCache) {
  const fs::path repository = folder_ / "models--org--tiny";
  fs::create_directories(repository / "snapshots" / "abc");
  fs::create_directories(repository / "refs");
  EXPECT_EQ(locate("org/tiny@abc"), (repository / "snapshots" / "abc").string());
  for (const char* name : {"org/tiny", "org/tiny@", "org/tiny@.", "org/tiny@..", "org/tiny@x@y"}) {
    EXPECT_THAT(locate(name), HasSubstr("is not in the Hugging Face cache")) << name;
    EXPECT_THAT(locate(name), HasSubstr("there are the commits abc: name one as org/tiny@abc")) << name;
  }
  EXPECT_THAT(locate("org/tiny@ab"), HasSubstr("where commits must be written in full"));
  std::ofstream(repository / "refs" / "main") << "../../..\n";
  EXPECT_THAT(locate("org/tiny"), HasSubstr("is not in the Hugging Face cache"));
}

TEST_F(Folder, ARepositoryOfGgufFiles) {
  const fs::path repository = folder_ / "models--org--tiny", snapshot = repository / "snapshots" / "abc";
  fs::create_directories(repository / "refs");
  EXPECT_THAT(locate("org/tiny"), HasSubstr("which has no snapshot of the model"));
  fs::create_directories(snapshot / "Q4");
  std::ofstream(repository / "refs" / "main") << "abc";
  EXPECT_EQ(locate("org/tiny"), snapshot.string());
  std::ofstream(snapshot / "tiny-Q8_0.gguf") << "x";
  EXPECT_EQ(locate("org/tiny"), (snapshot / "tiny-Q8_0.gguf").string());
  std::ofstream(snapshot / "Q4" / "tiny-Q4_K_M.gguf") << "x";
  EXPECT_THAT(locate("org/tiny"),
              testing::AllOf(HasSubstr("2 GGUF models: Q4/tiny-Q4_K_M.gguf, tiny-Q8_0.gguf"),
                             HasSubstr("org/tiny:TEXT"), HasSubstr("org/tiny/FILE.gguf")));
  EXPECT_EQ(locate("org/tiny:q8_0"), (snapshot / "tiny-Q8_0.gguf").string());
  EXPECT_EQ(locate("org/tiny@abc:Q4"), (snapshot / "Q4" / "tiny-Q4_K_M.gguf").string());
  EXPECT_EQ(locate("org/tiny/tiny-Q8_0.gguf"), (snapshot / "tiny-Q8_0.gguf").string());
  EXPECT_EQ(locate("org/tiny/Q4/tiny-Q4_K_M.gguf"), (snapshot / "Q4" / "tiny-Q4_K_M.gguf").string());
  EXPECT_THAT(locate("org/tiny:Q"), HasSubstr("2 GGUF models match 'Q'"));
  EXPECT_THAT(locate("org/tiny:F16"), HasSubstr("no GGUF model's name contains 'F16'; there are:"));
  EXPECT_THAT(locate("org/tiny:"), HasSubstr("no such file or folder"));
}

// As huggingface_hub's constants.py: the first that is set, with '~' and variables filled in.
TEST(HubCache, IsFoundAsHuggingFaceHubDoes) {
  const char* names[] = {"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME"};
  for (const char* name : names) unsetenv(name);
  const std::string home = std::getenv("HOME") == nullptr ? "" : std::getenv("HOME");
  EXPECT_EQ(hub_cache(), home + "/.cache/huggingface/hub");
  setenv("XDG_CACHE_HOME", "/xdg", 1);
  EXPECT_EQ(hub_cache(), "/xdg/huggingface/hub");
  setenv("HF_HOME", "~/hf", 1);
  EXPECT_EQ(hub_cache(), home + "/hf/hub");
  setenv("HUGGINGFACE_HUB_CACHE", "$XDG_CACHE_HOME/${HF_NONE}/$", 1);
  EXPECT_EQ(hub_cache(), "/xdg/${HF_NONE}/$");
  setenv("HF_HUB_CACHE", "${XDG_CACHE_HOME}x", 1);
  EXPECT_EQ(hub_cache(), "/xdgx");
  setenv("HF_HUB_CACHE", "~", 1);
  EXPECT_EQ(hub_cache(), home);
  for (const char* name : names) unsetenv(name);
}

TEST_F(Folder, ShardsThatDisagree) {
  std::ofstream(folder_ / "config.json") << "{}";
  write_shard("a.safetensors", {"x", "y"});
  write_shard("b.safetensors", {"y", "z"});
  write_index({{"x", "a.safetensors"}, {"z", "b.safetensors"}});
  EXPECT_THAT(open(), HasSubstr("tensor y is in two files"));
  write_shard("b.safetensors", {"z"});
  EXPECT_EQ(open(), "no error");
  write_index({{"x", "a.safetensors"}, {"w", "b.safetensors"}});
  EXPECT_THAT(open(), HasSubstr("tensor w is not in the file it is said to be in (b.safetensors)"));
  for (const char* name : {"", "..", "../b.safetensors", "/etc/passwd", "sub/b.safetensors"}) {
    write_index({{"x", name}});
    EXPECT_THAT(open(), testing::AnyOf(HasSubstr("expected a file in the same folder"),
                                       HasSubstr("not a regular file")))
        << name;
  }
  write_index({{"x", 7}});
  EXPECT_THAT(open(), HasSubstr("weight_map of tensor x is not a file name"));
}

// What a study is bound to: contents and settings, not where the files lie or how they are cut.
TEST_F(Folder, FingerprintsFollowTheContents) {
  std::ofstream(folder_ / "config.json") << R"({"a": 1, "b": 2})";
  write_shard("model.safetensors", {"x", "y"});
  const std::string single = Checkpoint(folder_).fingerprint();
  EXPECT_EQ(single, Checkpoint(folder_).fingerprint());
  fs::remove(folder_ / "model.safetensors");
  write_shard("a.safetensors", {"y"});
  write_shard("b.safetensors", {"x"});
  write_index({{"x", "b.safetensors"}, {"y", "a.safetensors"}});
  EXPECT_EQ(Checkpoint(folder_).fingerprint(), single);
  write_shard("a.safetensors", {"y", "more"});
  EXPECT_NE(Checkpoint(folder_).fingerprint(), single);
  write_shard("a.safetensors", {"y"});
  std::ofstream(folder_ / "config.json") << R"({"a": 1, "b": 3})";
  EXPECT_NE(Checkpoint(folder_).fingerprint(), single);
}

}  // namespace
}  // namespace idleheads
