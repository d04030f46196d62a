// Models from a made-up Hub into the cache: which files, how they lie there, and that they open.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "base/mapped_file.h"
#include "idleheads/base/error.h"
#include "idleheads/hub/fetch.h"
#include "idleheads/model/model.h"
#include "support/errors.h"
#include "support/play_hub.h"

namespace idleheads {
namespace {

namespace fs = std::filesystem;
using test::error_of;
using testing::AllOf;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;

const fs::path kData = IDLEHEADS_TEST_DATA;
const fs::path kFamily = kData / "golden/families/qwen3";

class FetchModel : public testing::Test {
 protected:
  void serve(const std::string& path, const fs::path& file) const { hub_.serve(path, read_text_file(file)); }
  // A small model, and what else a repository has.
  void serve_folder(const std::string& revision = "main") const {
    const std::string root = "models/org/tiny/" + revision + "/";
    serve(root + "config.json", kFamily / "config.json");
    serve(root + "model.safetensors", kFamily / "model.safetensors");
    hub_.serve(root + "generation_config.json", "{}");
    hub_.serve(root + "README.md", "not read");
    hub_.serve(root + "pytorch_model.bin", "not read");
    hub_.serve(root + "onnx/model.onnx", "not read");
  }
  std::string refusal(const std::string& name, const std::string& file = "",
                      const std::string& revision = "") {
    return error_of([&] { fetch_model(name, file, revision); });
  }
  // Relative to the snapshot, sorted.
  static std::vector<std::string> files_in(const fs::path& folder) {
    std::vector<std::string> names;
    for (const auto& entry : fs::recursive_directory_iterator(folder)) {
      if (!entry.is_directory()) names.push_back(entry.path().lexically_relative(folder).string());
    }
    std::sort(names.begin(), names.end());
    return names;
  }

  test::PlayHub hub_;
};

TEST_F(FetchModel, AFolderIsWhatIsReadOfIt) {
  serve_folder();
  const Fetched fetched = fetch_model("org/tiny");
  EXPECT_THAT(files_in(fetched.path),
              ElementsAre("config.json", "generation_config.json", "model.safetensors"));
  EXPECT_EQ(fetched.path, hub_.cache() / "models--org--tiny/snapshots" / fetched.commit);
  EXPECT_EQ(fetched.repository, "org/tiny");
  EXPECT_EQ(fetched.downloaded, fetched.bytes);
  EXPECT_GT(fetched.bytes, 100'000);
  EXPECT_EQ(Model::open("org/tiny")->spec().family, "qwen3");
}

TEST_F(FetchModel, TheCacheIsLaidOutAsByHuggingFaceHub) {
  serve_folder();
  const fs::path repository = hub_.cache() / "models--org--tiny";
  const Fetched fetched = fetch_model("org/tiny");
  EXPECT_EQ(read_text_file(repository / "refs/main"), fetched.commit);
  const fs::path target = fs::read_symlink(fetched.path / "model.safetensors");
  EXPECT_EQ(target.parent_path(), "../../blobs");
  EXPECT_EQ(target.filename().string().size(), 64u) << "SHA-256";
  EXPECT_EQ(read_text_file(repository / "blobs" / target.filename()),
            read_text_file(kFamily / "model.safetensors"));
  EXPECT_EQ(fs::read_symlink(fetched.path / "generation_config.json"),
            "../../blobs/9e26dfeeb6e641a33dae4961196235bdb965b21b")
      << "what git hash-object gives for {}";
  EXPECT_EQ(files_in(repository / "blobs").size(), 3u) << "nothing is left over";
}

TEST_F(FetchModel, WhatIsThereIsNotFetchedAgain) {
  serve_folder();
  fetch_model("org/tiny");
  hub_.requests();
  const Fetched again = fetch_model("org/tiny");
  EXPECT_EQ(again.downloaded, 0);
  ASSERT_THAT(hub_.requests(), testing::SizeIs(1)) << "the listing alone";
  fs::remove(again.path / "config.json");  // the link
  fetch_model("org/tiny");
  EXPECT_THAT(hub_.requests(), testing::SizeIs(1));
  EXPECT_TRUE(fs::exists(again.path / "config.json"));
  hub_.serve("models/org/tiny/main/generation_config.json", "{\"a\": 1}");
  EXPECT_EQ(fetch_model("org/tiny").downloaded, 8) << "what is new in the repository";
}

TEST_F(FetchModel, AFileThatIsNoLinkCounts) {
  serve_folder();
  const Fetched fetched = fetch_model("org/tiny");
  const fs::path file = fetched.path / "model.safetensors", blob = fs::canonical(file);
  fs::remove(file);
  fs::rename(blob, file);  // as tools without links have it
  EXPECT_EQ(fetch_model("org/tiny").downloaded, 0);
  EXPECT_TRUE(fs::is_regular_file(fs::symlink_status(file)));
}

TEST_F(FetchModel, RevisionsByNameAndCommit) {
  serve_folder();
  serve_folder("v2");
  hub_.serve("models/org/tiny/v2/chat_template.jinja", "{{ messages }}");
  const Fetched v2 = fetch_model("org/tiny", "", "v2");
  EXPECT_THAT(files_in(v2.path), testing::Contains("chat_template.jinja"));
  EXPECT_NO_THROW(Model::open("org/tiny@v2"));
  EXPECT_THAT(error_of([] { Model::open("org/tiny"); }),
              EndsWith("get it with: idleheads fetch model org/tiny"));
  EXPECT_EQ(fetch_model("org/tiny@" + v2.commit).commit, v2.commit);
  EXPECT_FALSE(fs::exists(hub_.cache() / "models--org--tiny/refs" / v2.commit));
  EXPECT_EQ(fetch_model("org/tiny@v2").downloaded, 0);
  EXPECT_THAT(refusal("org/tiny@v3"), HasSubstr("org/tiny has no revision 'v3'"));
}

TEST_F(FetchModel, ShardsAreThoseOfTheIndex) {
  const std::string root = "models/org/big/main/";
  serve(root + "config.json", kFamily / "config.json");
  serve(root + "model-00001-of-00001.safetensors", kFamily / "model.safetensors");
  hub_.serve(root + "model-other.safetensors", "not named by the index");
  hub_.serve(root + "model.safetensors.index.json",
             R"({"weight_map": {"a": "model-00001-of-00001.safetensors"}})");
  EXPECT_THAT(files_in(fetch_model("org/big").path),
              ElementsAre("config.json", "model-00001-of-00001.safetensors", "model.safetensors.index.json"));
  hub_.serve(root + "model.safetensors.index.json", R"({"weight_map": {"a": "gone.safetensors"}})");
  EXPECT_THAT(refusal("org/big"), HasSubstr("it has no gone.safetensors"));
  hub_.serve(root + "model.safetensors.index.json", R"({"weight_map": {"a": "../../config.json"}})");
  EXPECT_THAT(refusal("org/big"), HasSubstr("expected a file in the same folder"));
}

TEST_F(FetchModel, OfSeveralGgufModelsOneIsChosen) {
  const std::string root = "models/org/tiny-GGUF/main/";
  serve(root + "tiny-Q8_0.gguf", kFamily / "model.gguf");
  hub_.serve(root + "tiny-Q4_K_M.gguf", "another");
  hub_.serve(root + "mmproj-f16.gguf", "no model");
  hub_.serve(root + "a/b/deep.gguf", "too deep");
  EXPECT_THAT(refusal("org/tiny-GGUF"),
              AllOf(HasSubstr("2 GGUF models; choose one with --file: tiny-Q4_K_M.gguf (7 B), "),
                    HasSubstr("tiny-Q8_0.gguf (155.5 kB)")));
  EXPECT_THAT(refusal("org/tiny-GGUF", "Q5"),
              HasSubstr("no GGUF model's name contains 'Q5'; there are: tiny-Q4"));
  EXPECT_THAT(refusal("org/tiny-GGUF", "Q"), HasSubstr("2 GGUF models match 'Q'"));
  const Fetched fetched = fetch_model("org/tiny-GGUF", "q8_0");
  EXPECT_EQ(fetched.path.filename(), "tiny-Q8_0.gguf");
  EXPECT_THAT(files_in(fetched.path.parent_path()), ElementsAre("tiny-Q8_0.gguf"));
  EXPECT_EQ(Model::open(fetched.path.string())->spec().family, "qwen3");
  EXPECT_NO_THROW(Model::open("org/tiny-GGUF:Q8_0"));
  EXPECT_EQ(fetch_model("org/tiny-GGUF/tiny-Q8_0.gguf").downloaded, 0);
  EXPECT_THAT(error_of([] { Model::open("org/tiny-GGUF:Q4_K_M"); }),
              EndsWith("get it with: idleheads fetch model org/tiny-GGUF --file Q4_K_M"));
}

TEST_F(FetchModel, ASplitGgufModelIsAllItsParts) {
  const std::string root = "models/org/split/main/Q8/";
  for (const char* part :
       {"tsplit-00001-of-00003.gguf", "tsplit-00002-of-00003.gguf", "tsplit-00003-of-00003.gguf"})
    serve(root + part, kData / "model_files" / part);
  const Fetched fetched = fetch_model("org/split");
  EXPECT_EQ(fetched.path.filename(), "tsplit-00001-of-00003.gguf");
  EXPECT_THAT(files_in(fetched.path.parent_path()), testing::SizeIs(3));
  EXPECT_EQ(fs::read_symlink(fetched.path).parent_path(), "../../../blobs") << "one folder deeper";
  EXPECT_NO_THROW(Model::open("org/split"));
  fs::remove(hub_.folder() / ("repos/" + root + "tsplit-00002-of-00003.gguf"));
  EXPECT_THAT(refusal("org/split"), HasSubstr("it has no Q8/tsplit-00002-of-00003.gguf"));
}

TEST_F(FetchModel, WhatIsNotReadIsRefusedBeforeAnythingIsFetched) {
  hub_.serve("models/org/adapter/main/adapter_config.json", "{}");
  hub_.serve("models/org/bin/main/pytorch_model.bin", "weights");
  hub_.serve("models/org/empty/main/README.md", "text");
  hub_.serve("models/org/no-config/main/model.safetensors", "weights");
  EXPECT_THAT(refusal("org/adapter"), HasSubstr("a PEFT adapter"));
  EXPECT_THAT(refusal("org/bin"), HasSubstr("it holds PyTorch .bin weights only"));
  EXPECT_THAT(refusal("org/empty"), HasSubstr("neither safetensors nor GGUF models"));
  EXPECT_THAT(refusal("org/no-config"), HasSubstr("safetensors and no config.json"));
  EXPECT_FALSE(fs::exists(hub_.cache() / "models--org--bin"));
}

TEST_F(FetchModel, NamesThatAreNone) {
  for (const char* name : {"", "tiny", "a/b/c", "/a/b", "../b", "a/b@", "a/b c", "a/b@../../x", "a/b?x=1"})
    EXPECT_THROW(fetch_model(name), UsageError) << name;
  for (const char* revision : {"..", "../x", "refs/pr/1", "a b", "x?y"})
    EXPECT_THROW(fetch_model("org/tiny", "", revision), UsageError) << revision;
  EXPECT_TRUE(hub_.requests().empty());
}

}  // namespace
}  // namespace idleheads
