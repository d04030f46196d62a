// Models whose heads are zero: the bits of the model with the mask, and no other byte changed.
#include "prune/zeroed_model.h"

#include "base/mapped_file.h"
#include "format/gguf.h"
#include "format/safetensors_writer.h"
#include "format/zero_elements.h"
#include "model/changed_golden.h"
#include "prune/prune_fixture.h"
#include "prune/quantised_model.h"

namespace idleheads::test {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

std::string shown(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

TEST(ZeroedModel, EveryFamilyInBothFormats) {
  int models = 0;
  for (const char* kind : {"families", "tiny"}) {
    for (const fs::directory_entry& entry : fs::directory_iterator(kGoldens / kind)) {
      for (const fs::path& path : {entry.path(), entry.path() / "model.gguf"}) {
        if (!fs::exists(path)) continue;
        const TempFolder folder;
        const std::string out = (folder.path() / "out").string();
        const std::shared_ptr<const Model> model = Model::open(path.string());
        const HeadMask mask = some_heads(model->spec());
        const WrittenModel written = write_zeroed(*model, mask, out);
        EXPECT_EQ(written.path, out);
        EXPECT_EQ(written.bytes, model->checkpoint().file_bytes());
        expect_zeroed(path.string(), out, mask);
        ++models;
      }
    }
  }
  EXPECT_GT(models, 70);
}

class ZeroedTypes : public testing::TestWithParam<int> {};

TEST_P(ZeroedTypes, GiveTheBitsOfTheMask) {
  const auto type = static_cast<DType>(GetParam());
  const TempFolder folder;
  const fs::path path = folder.path() / "model.gguf", out = folder.path() / "out.gguf";
  folder.write("model.gguf", shown(QuantisedModel{.type = type}.bytes()));
  const std::shared_ptr<const Model> model = Model::open(path.string());
  const HeadMask mask = some_heads(model->spec());
  write_zeroed(*model, mask, out);
  for (const Precision precision : {Precision::f32, Precision::bf16})
    expect_zeroed(path.string(), out.string(), mask, precision);

  // Nothing but W_O is another one, and of it only what is zero.
  const MappedFile old_file(path), new_file(out);
  const Gguf old_model = parse_gguf(old_file.bytes(), "old"), new_model = parse_gguf(new_file.bytes(), "new");
  EXPECT_EQ(old_model.metadata, new_model.metadata);
  for (size_t i = 0; i < old_model.tensors.size(); ++i) {
    const Tensor &before = old_model.tensors[i], &after = new_model.tensors[i];
    if (before.name == "blk.1.attn_output.weight") {
      std::vector<float> a(static_cast<size_t>(before.elements())), b(a.size());
      dequantize(type, before.data, a);
      dequantize(type, after.data, b);
      for (size_t k = 0; k < a.size(); ++k)
        ASSERT_EQ(b[k], mask.off(1, static_cast<int>(k) % 256 / 32) ? 0.0f : a[k]) << k;
    } else {
      EXPECT_EQ(shown(before.data), shown(after.data)) << before.name;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, ZeroedTypes, testing::Range(0, static_cast<int>(DType::mxfp4) + 1),
                         [](const auto& param) {
                           return std::string(dtype_info(static_cast<DType>(param.param)).name);
                         });

// What shares a scale with another head cannot be zero by itself; two such heads beside each other can.
TEST(ZeroedModel, HeadsThatShareScales) {
  const TempFolder folder;
  folder.write("model.gguf", shown(QuantisedModel{.type = DType::q4_0, .head_dim = 16, .heads = 16}.bytes()));
  const std::string path = (folder.path() / "model.gguf").string(),
                    out = (folder.path() / "out.gguf").string();
  const std::shared_ptr<const Model> model = Model::open(path);
  HeadMask mask(2, 16);
  mask.set(1, 5, true);
  EXPECT_THAT(error_of([&] { write_zeroed(*model, mask, out); }),
              AllOf(HasSubstr("tensor blk.1.attn_output.weight: the 16 columns of head L1H5 share scales"),
                    HasSubstr("Q4_0 has one scale for 32 columns; --requantise Q8_0 or F16")));
  EXPECT_FALSE(fs::exists(out));
  mask.set(1, 4, true);
  write_zeroed(*model, mask, out);
  expect_zeroed(path, out, mask);
}

// The tensor alone is written anew, and what stays of it is rounded.
TEST(ZeroedModel, RequantisesWhereScalesAreShared) {
  const TempFolder folder;
  folder.write("model.gguf", shown(QuantisedModel{.type = DType::q4_0, .head_dim = 16, .heads = 16}.bytes()));
  const std::string path = (folder.path() / "model.gguf").string();
  const std::shared_ptr<const Model> model = Model::open(path);
  HeadMask mask(2, 16);
  mask.set(1, 5, true);
  for (const DType type : {DType::f16, DType::q8_0}) {
    const fs::path out = folder.path() / std::string(dtype_info(type).name);
    const WrittenModel written = write_zeroed(*model, mask, out, type);
    EXPECT_EQ(written.bytes, static_cast<int64_t>(fs::file_size(out)));
    const MappedFile old_file(path), new_file(out);
    const Gguf old_model = parse_gguf(old_file.bytes(), "old"),
               new_model = parse_gguf(new_file.bytes(), "new");
    EXPECT_EQ(old_model.metadata, new_model.metadata);
    ASSERT_EQ(old_model.tensors.size(), new_model.tensors.size());
    for (size_t i = 0; i < old_model.tensors.size(); ++i) {
      const Tensor &before = old_model.tensors[i], &after = new_model.tensors[i];
      EXPECT_EQ(before.name, after.name);
      if (before.name != "blk.1.attn_output.weight") {
        EXPECT_EQ(shown(before.data), shown(after.data)) << before.name;
        continue;
      }
      EXPECT_EQ(after.dtype, type);
      std::vector<float> a(static_cast<size_t>(before.elements())), b(a.size());
      dequantize(before.dtype, before.data, a);
      dequantize(type, after.data, b);
      // Numbers up to 2: half a step of F16 there, and of Q8_0 (2 / 127) with its scale's rounding.
      const float tolerance = type == DType::f16 ? 0x1p-11f : 2.0f / 254 + 0x1p-10f;
      for (size_t k = 0; k < a.size(); ++k) {
        if (k % 256 / 16 == 5) {
          ASSERT_EQ(b[k], 0) << k;
        } else {
          ASSERT_NEAR(b[k], a[k], tolerance) << k;
        }
      }
    }
  }
  // What needs no other type keeps its own.
  mask.set(1, 4, true);
  write_zeroed(*model, mask, folder.path() / "own.gguf", DType::f16);
  expect_zeroed(path, (folder.path() / "own.gguf").string(), mask);
}

class ZeroedFolder : public testing::Test {
 protected:
  void SetUp() override {
    fs::copy(kGoldens / "tiny/llama", model_);
    write("tokenizer.json", "{}");
    write("empty", "");
    write("pytorch_model.bin", "the same weights again");
    fs::create_directory(model_ / "original");
  }
  void write(const std::string& name, const std::string& text) {
    std::ofstream(model_ / name, std::ios::binary) << text;
  }
  HeadMask mask() const { return some_heads(Model::open(model_.string())->spec()); }
  std::string error_to(const fs::path& out) const {
    return error_of([&] { write_zeroed(*Model::open(model_.string()), mask(), out); });
  }

  const TempFolder folder_;
  const fs::path model_ = folder_.path() / "model", out_ = folder_.path() / "out";
};

TEST_F(ZeroedFolder, HasWhatTheModelHas) {
  const WrittenModel written = write_zeroed(*Model::open(model_.string()), mask(), out_);
  EXPECT_THAT(written.left_out, ElementsAre("original/", "pytorch_model.bin"));
  for (const char* name : {"config.json", "tokenizer.json", "empty", "cases.json"})
    EXPECT_EQ(read_text_file(out_ / name), read_text_file(model_ / name)) << name;
  expect_zeroed(model_.string(), out_.string(), mask());
}

// Weights in shards, with their index.
TEST_F(ZeroedFolder, OfShards) {
  Json index = {{"weight_map", Json::object()}};
  {
    const MappedFile whole(model_ / "model.safetensors");
    const std::vector<Tensor> tensors = parse_safetensors(whole.bytes(), "model").tensors;
    SafetensorsWriter shards[2];
    for (size_t i = 0; i < tensors.size(); ++i) {
      const Tensor& tensor = tensors[i];
      shards[i % 2].add(tensor.name, tensor.dtype, tensor.shape, Bytes().bytes(tensor.data));
      index["weight_map"][tensor.name] = i % 2 == 0 ? "a.safetensors" : "b.safetensors";
    }
    write("a.safetensors", shown(shards[0].bytes()));
    write("b.safetensors", shown(shards[1].bytes()));
  }
  const std::vector<float> before = logits(model_.string(), fixed(mask()));
  fs::remove(model_ / "model.safetensors");
  write("model.safetensors.index.json", dump_json(index));
  write_zeroed(*Model::open(model_.string()), mask(), out_);
  expect_zeroed(model_.string(), out_.string(), mask());
  EXPECT_EQ(logits(out_.string(), std::monostate{}), before);
}

TEST_F(ZeroedFolder, GoesToANewPlace) {
  EXPECT_THAT(error_to(model_), HasSubstr("is the model itself"));
  fs::create_directory(out_);
  std::ofstream(out_ / "mine") << "kept";
  EXPECT_THAT(error_to(out_), HasSubstr("has files in it; name a new folder"));
  EXPECT_THAT(error_to(model_ / "config.json"), HasSubstr("config.json"));
  EXPECT_EQ(read_text_file(out_ / "mine"), "kept");
  EXPECT_NE(error_to("/proc/idleheads"), "no error");
}

TEST(ZeroedModel, OfSeveralParts) {
  const fs::path parts = fs::path(IDLEHEADS_TEST_DATA) / "model_files";
  const TempFolder folder;
  const fs::path out = folder.path() / "out", second = parts / "tsplit-00002-of-00003.gguf";
  const std::shared_ptr<const Model> model = Model::open(second.string());
  const HeadMask mask = some_heads(model->spec());
  const WrittenModel written = write_zeroed(*model, mask, out);
  EXPECT_EQ(written.path, out / "tsplit-00001-of-00003.gguf");
  EXPECT_EQ(std::distance(fs::directory_iterator(out), {}), 3);
  expect_zeroed(second.string(), written.path.string(), mask);
}

}  // namespace
}  // namespace idleheads::test
