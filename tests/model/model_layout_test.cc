// Which files of a folder are the model, and what is said where they are others, parts, or links that lead
// nowhere.
#include <functional>

#include "base/file_exists.h"
#include "format/gguf_writer.h"
#include "idleheads/model/chat_template.h"
#include "idleheads/model/generation_config.h"
#include "model/checkpoint.h"
#include "model/folder_fixture.h"
#include "model/locate.h"
#include "model/split_gguf.h"
#include "model/tokenizer_folder.h"

namespace idleheads {
namespace {

namespace fs = std::filesystem;
using test::error_of;
using testing::AllOf;
using testing::HasSubstr;

class ModelLayout : public test::FolderFixture {
 protected:
  std::string open() {
    return error_of([&] { Checkpoint{folder_}; });
  }
  std::string open(const std::string& file) {
    return error_of([&] { Checkpoint{folder_ / file}; });
  }
  std::string located() {
    std::string found;
    const std::string error = error_of([&] { found = locate_model(folder_.string()).string(); });
    return error == "no error" ? found : error;
  }
};

TEST_F(ModelLayout, OneFileComesBeforeAnIndex) {
  write("config.json", "{}");
  write_tensors("model.safetensors", {"a"});
  write("model.safetensors.index.json", R"({"weight_map": {"b": "gone.safetensors"}})");
  EXPECT_EQ(Checkpoint(folder_).tensors().size(), 1u);
  fs::remove(folder_ / "model.safetensors");
  EXPECT_THAT(open(), HasSubstr("gone.safetensors is missing from the folder"));
}

TEST_F(ModelLayout, ATensorInAnotherShardIsNamedWithIt) {
  write("config.json", "{}");
  write_tensors("one.safetensors", {"a", "b"});
  write_tensors("two.safetensors", {"c"});
  write("model.safetensors.index.json",
        R"({"weight_map": {"a": "one.safetensors", "b": "two.safetensors", "c": "two.safetensors"}})");
  EXPECT_THAT(open(), HasSubstr("tensor b is not in the file it is said to be in (two.safetensors), but in "
                                "one.safetensors"));
}

TEST_F(ModelLayout, AdaptersAreRefusedWithTheirBaseModel) {
  write("config.json", "{}");
  write_tensors("model.safetensors", {"a"});
  write("adapter_config.json", R"({"base_model_name_or_path": "org/base"})");
  EXPECT_THAT(open(), AllOf(HasSubstr("holds a PEFT adapter"), HasSubstr("'org/base'"), HasSubstr("merge it"),
                            HasSubstr("or take the adapter out of the folder")));
  fs::remove(folder_ / "config.json");
  EXPECT_THAT(open(), AllOf(HasSubstr("holds only a PEFT adapter"), HasSubstr("'org/base'")));
  write("adapter_config.json", "{}");
  EXPECT_THAT(open(), HasSubstr("its base model: not named"));
}

TEST_F(ModelLayout, OtherWeightsAreNamed) {
  write("config.json", "{}");
  for (const auto& [file, message] : std::vector<std::pair<std::string, std::string>>{
           {"pytorch_model.bin", "PyTorch .bin weights only (pytorch_model.bin): save them as safetensors"},
           {"pytorch_model.bin.index.json", "PyTorch .bin weights only"},
           {"tf_model.h5", "TensorFlow weights only"},
           {"flax_model.msgpack", "Flax weights only"},
           {"consolidated.safetensors", "original layout of their authors only"},
           {"consolidated.00.pth", "original layout of their authors only"},
           {"adapter_model.safetensors", "the weights of an adapter only"},
           {"model.fp16.safetensors", "a variant or a part of safetensors weights only"}}) {
    write(file, "x");
    EXPECT_THAT(open(), AllOf(HasSubstr("neither model.safetensors nor"), HasSubstr(message))) << file;
    fs::remove(folder_ / file);
  }
  EXPECT_THAT(open(), testing::EndsWith("in this folder"));
  write("pytorch_model.bin", "x");
  fs::remove(folder_ / "config.json");
  EXPECT_THAT(open(), AllOf(HasSubstr("no config.json"), HasSubstr("PyTorch .bin weights only")));
}

TEST_F(ModelLayout, LinksThatLeadNowhere) {
  const fs::path path = folder_ / "link";
  EXPECT_FALSE(file_exists(path));
  EXPECT_FALSE(file_exists(folder_ / std::string(5000, 'x')));
  link("gone", "link");
  EXPECT_THAT(error_of([&] { file_exists(path); }), HasSubstr("a link to gone, which does not exist"));
  link("link", "link");
  EXPECT_THAT(error_of([&] { file_exists(path); }), HasSubstr("leads back to itself"));
  write("there", "");
  link("there", "link");
  EXPECT_TRUE(file_exists(path));
}

TEST_F(ModelLayout, LinksThatLeadNowhereAreNoMissingFiles) {
  const auto with_links = [&](const std::string& name, const std::function<std::string()>& action) {
    const fs::path file = folder_ / name;
    fs::rename(file, folder_ / "kept");
    link("../blobs/gone", name);
    EXPECT_THAT(action(), AllOf(HasSubstr(name), HasSubstr("does not exist"))) << name;
    link(name, name);
    EXPECT_THAT(action(), AllOf(HasSubstr(name), HasSubstr("leads back to itself"))) << name;
    fs::remove(file);
    fs::rename(folder_ / "kept", file);
  };
  write("config.json", "{}");
  write_tensors("model.safetensors", {"a"});
  write("adapter_config.json", "{}");
  with_links("adapter_config.json", [&] { return open(); });
  fs::remove(folder_ / "adapter_config.json");
  with_links("config.json", [&] { return open(); });
  with_links("model.safetensors", [&] { return open(); });
  fs::remove(folder_ / "model.safetensors");
  write_tensors("one.safetensors", {"a"});
  write("model.safetensors.index.json", R"({"weight_map": {"a": "one.safetensors"}})");
  EXPECT_EQ(open(), "no error");
  with_links("one.safetensors", [&] { return open(); });
  with_links("model.safetensors.index.json", [&] { return open(); });
  for (const char* name : {"tokenizer_config.json", "special_tokens_map.json"}) {
    write(name, "{}");
    with_links(name, [&] { return error_of([&] { special_tokens_of_folder(folder_); }); });
  }
  write("chat_template.jinja", "{}");
  with_links("chat_template.jinja", [&] { return error_of([&] { ChatTemplate::from_folder(folder_); }); });
  write("tokenizer.json", "{}");
  with_links("tokenizer.json", [&] { return error_of([&] { tokenizer_from_folder(folder_); }); });
}

// A part of a split model: its number from 0, and the tensors it holds.
test::GgufWriter part(int number, int count, int total, const std::vector<std::string>& tensors) {
  test::GgufWriter writer;
  if (number == 0) writer.add("general.architecture", "llama").add("general.name", "one");
  writer.add("split.no", static_cast<uint16_t>(number)).add("split.count", static_cast<uint16_t>(count));
  writer.add("split.tensors.count", static_cast<int32_t>(total));
  for (const std::string& name : tensors) writer.add_tensor(name, {2}, {1.0f, 2.0f});
  return writer;
}

class SplitGguf : public ModelLayout {
 protected:
  SplitGguf() {
    write("m-00001-of-00002.gguf", part(0, 2, 3, {"a", "b"}).bytes());
    write("m-00002-of-00002.gguf", part(1, 2, 3, {"c"}).bytes());
  }
};

TEST_F(SplitGguf, AnyPartOpensTheWhole) {
  const Checkpoint first(folder_ / "m-00001-of-00002.gguf"), second(folder_ / "m-00002-of-00002.gguf");
  for (const Checkpoint* checkpoint : {&first, &second}) {
    EXPECT_EQ(checkpoint->tensors().size(), 3u);
    EXPECT_NE(checkpoint->find("c"), nullptr);
    EXPECT_EQ(require<std::string>(checkpoint->gguf(), "general.name"), "one");
  }
  EXPECT_EQ(first.fingerprint(), second.fingerprint());
  EXPECT_EQ(first.file_bytes(), second.file_bytes());
  const std::string before = first.fingerprint();
  write("m-00002-of-00002.gguf", part(1, 2, 3, {"d"}).bytes());
  EXPECT_NE(Checkpoint(folder_ / "m-00001-of-00002.gguf").fingerprint(), before);
}

TEST_F(SplitGguf, PartsThatAreMissingOrRenamed) {
  fs::rename(folder_ / "m-00002-of-00002.gguf", folder_ / "kept.gguf");
  EXPECT_THAT(open("m-00001-of-00002.gguf"),
              AllOf(HasSubstr("part 2 of 2 is missing"), HasSubstr("m-00002-of-00002.gguf")));
  EXPECT_THAT(open("kept.gguf"), AllOf(HasSubstr("it is part 2 of 2 of a model"),
                                       HasSubstr("a name that ends in -00002-of-00002.gguf")));
  write("m-00002-of-00002.gguf", part(0, 2, 3, {"c"}).bytes());
  EXPECT_THAT(open("m-00001-of-00002.gguf"), HasSubstr("renamed: it is part 1 of 2"));
}

TEST_F(SplitGguf, PartsOfOtherModels) {
  const std::string second = "m-00002-of-00002.gguf";
  write(second, part(1, 2, 4, {"c"}).bytes());
  EXPECT_THAT(open(second), AllOf(HasSubstr("part of another model"), HasSubstr("4 tensors")));
  write(second, part(1, 2, 3, {"c"}).add("general.name", "two").bytes());
  EXPECT_THAT(open(second), HasSubstr("part of another model: metadata general.name"));
  write(second, part(1, 2, 3, {"b"}).bytes());
  EXPECT_THAT(open(second), HasSubstr("tensor b is in m-00001-of-00002.gguf too"));
  write(second, part(1, 2, 3, {"c", "d"}).bytes());
  EXPECT_THAT(open(second), HasSubstr("hold 4 tensors, expected 3"));
  write(second, part(5, 2, 3, {"c"}).bytes());
  EXPECT_THAT(open(second), HasSubstr("split.no is 5 and split.count 2"));
  write(second, part(1, 3, 3, {"c"}).bytes());
  EXPECT_THAT(open("m-00001-of-00002.gguf"), HasSubstr("expected a name that ends in -00002-of-00003.gguf"));
}

TEST(PartName, IsReadFromTheEnd) {
  EXPECT_EQ(part_name("a-b-00002-of-00003.gguf")->stem, "a-b");
  EXPECT_EQ(part_name("a-00002-of-00003.gguf")->number, 2);
  for (const char* name : {"a.gguf", "a-00004-of-00003.gguf", "a-00000-of-00003.gguf", "a-0002-of-0003.gguf",
                           "-00001-of-00002.gguf", "a-0000x-of-00003.gguf", "a-00001-of-00002.GGUF", ""}) {
    EXPECT_FALSE(part_name(name)) << name;
  }
  EXPECT_EQ(name_of({"a", 2, 12}), "a-00002-of-00012.gguf");
}

TEST_F(ModelLayout, AFolderWithOneGgufModelIsThatModel) {
  write("mmproj-m-f16.gguf", "x");
  write("m.imatrix.gguf", "x");
  write("config.json", "{}");
  EXPECT_EQ(located(), folder_.string());
  write("m-Q8_0.gguf", "x");
  EXPECT_EQ(located(), (folder_ / "m-Q8_0.gguf").string());
  write_tensors("model.safetensors", {"a"});
  EXPECT_EQ(located(), folder_.string());
}

TEST_F(ModelLayout, SeveralGgufModelsAreListed) {
  write("m-Q8_0.gguf", "x");
  write("Q4/m-Q4_K_M-00001-of-00002.gguf", "x");
  write("Q4/m-Q4_K_M-00002-of-00002.gguf", "x");
  EXPECT_THAT(located(), AllOf(HasSubstr("2 GGUF models"), HasSubstr("m-Q8_0.gguf"),
                               HasSubstr("Q4/m-Q4_K_M-00001-of-00002.gguf"), HasSubstr("FOLDER/FILE.gguf")));
  fs::remove(folder_ / "m-Q8_0.gguf");
  EXPECT_EQ(located(), (folder_ / "Q4/m-Q4_K_M-00001-of-00002.gguf").string());
}

}  // namespace
}  // namespace idleheads
