// Models whose heads give their means: the logits of the model with the mask and the means.
#include "prune/mean_model.h"

#include "base/mapped_file.h"
#include "engine/cut_models.h"
#include "format/gguf.h"
#include "format/safetensors.h"
#include "format/safetensors_output.h"
#include "model/weights.h"
#include "prune/cut_gguf.h"
#include "prune/output_biases.h"
#include "prune/prune_fixture.h"
#include "prune/quantised_model.h"
#include "support/errors.h"

namespace idleheads::test {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;

// Means are added in another order: the heads' products with W_O in double and rounded once, not within a
// float32 sum of some hundred terms. That differs by some 1e-6 of the sums, and logits here are of the order
// of 10. Zeros instead of the means, or another head's, move a logit by 0.05 and more.
constexpr double kMeansTolerance = 1e-3;
constexpr double kShows = 0.05;

class MeanModel : public testing::Test {
 protected:
  std::string write(const QuantisedModel& model) {
    const std::vector<std::byte> bytes = model.bytes();
    folder_.write("model.gguf", {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    return (folder_.path() / "model.gguf").string();
  }
  // Writes it to out_ and compares.
  void expect_means(const std::string& path, const HeadMask& mask) {
    const std::shared_ptr<const Model> model = Model::open(path);
    const HeadMeans means = random_means(model->spec());
    const WrittenModel written = write_with_means(*model, mask, means, out_);
    EXPECT_EQ(written.path, out_);
    expect_written(path, mask, means);
  }
  void expect_written(const std::string& path, const HeadMask& mask, const HeadMeans& means) {
    const std::vector<float> got = logits(out_, std::monostate{});
    EXPECT_LT(largest_difference(got, logits(path, fixed(mask), Precision::f32, &means)), kMeansTolerance)
        << path;
    EXPECT_GT(largest_difference(got, logits(path, fixed(mask))), kShows) << path << ": zeros";
  }
  std::string error_of_writing(const std::string& path) {
    const std::shared_ptr<const Model> model = Model::open(path);
    return error_of(
        [&] { write_with_means(*model, some_heads(model->spec()), random_means(model->spec()), out_); });
  }

  const TempFolder folder_;
  const std::string out_ = (folder_.path() / "out").string();
};

TEST_F(MeanModel, BiasesAreSumsOverTheHeadsThatAreOff) {
  const std::shared_ptr<const Model> model = Model::open((kGoldens / "tiny/llama").string());
  const ModelSpec& spec = model->spec();
  HeadMask mask(head_shape(spec));
  mask.set(1, 2, true);
  mask.set(1, 5, true);
  const HeadMeans means = random_means(spec);
  const std::vector<std::vector<float>> biases = output_biases(*model, mask, means);
  const AlignedBuffer<float> w = model->weights().matrix(LayerMatrix::output, 1);
  const AttentionSpec& a = spec.layers[1].attention;
  for (int64_t o = 0; o < spec.hidden; ++o) {
    double sum = 0;
    for (const int h : {2, 5}) {
      for (int k = 0; k < a.head_dim; ++k)
        sum += double{w[o * a.query_width() + h * a.head_dim + k]} *
               double{means.of({1, h})[static_cast<size_t>(k)]};
    }
    EXPECT_EQ(biases[1][static_cast<size_t>(o)], static_cast<float>(sum)) << o;
    EXPECT_EQ(biases[0][static_cast<size_t>(o)], 0) << "every layer has one";
  }
}

TEST_F(MeanModel, GgufOfLlama) {
  for (const DType type : {DType::f32, DType::q4_1, DType::q8_0}) {
    const std::string path = write({.type = type});
    expect_means(path, some_heads(Model::open(path)->spec()));
    EXPECT_TRUE(Model::open(out_)->spec().layers[0].attention.output_bias);
  }
  // Nothing else is another one, and what has a bias gets more of it.
  const MappedFile before(folder_.path() / "model.gguf"), after(out_);
  const Gguf old_model = parse_gguf(before.bytes(), "old"), new_model = parse_gguf(after.bytes(), "new");
  EXPECT_EQ(old_model.metadata, new_model.metadata);
  EXPECT_EQ(new_model.tensors.size(), old_model.tensors.size() + 2);
  const std::string first = (folder_.path() / "first.gguf").string();
  fs::copy_file(out_, first);
  HeadMask more(2, 8);
  more.set(0, 3, true);
  expect_means(first, more);
}

TEST_F(MeanModel, FoldersOfLlama) {
  const std::string path = (kGoldens / "tiny/llama").string();
  const HeadMask mask = some_heads(Model::open(path)->spec());
  expect_means(path, mask);
  const Json config = parse_json(read_text_file(fs::path(out_) / "config.json"), "config.json");
  EXPECT_EQ(config["attention_bias"], true);
  const std::shared_ptr<const Model> model = Model::open(out_);
  for (const char* which : {"q", "k", "v"}) {
    const Tensor& bias =
        model->checkpoint().require(fmt::format("model.layers.0.self_attn.{}_proj.bias", which));
    EXPECT_TRUE(std::ranges::all_of(bias.data, [](std::byte b) { return b == std::byte{}; })) << which;
  }
  EXPECT_EQ(read_text_file(fs::path(out_) / "cases.json"),
            read_text_file(kGoldens / "tiny/llama/cases.json"));
  EXPECT_THAT(error_of_writing(path), HasSubstr("has files in it"));
}

// Its own biases stay, and what the means add is added to the output projection's.
TEST_F(MeanModel, FolderWithBiases) {
  const fs::path path = kGoldens / "families/llama_bias";
  const std::shared_ptr<const Model> model = Model::open(path.string());
  expect_means(path.string(), some_heads(model->spec()));
  const std::string name = "model.layers.1.self_attn.q_proj.bias";
  EXPECT_TRUE(std::ranges::equal(Model::open(out_)->checkpoint().require(name).data,
                                 model->checkpoint().require(name).data));
}

// Whatever the family calls them.
TEST_F(MeanModel, FamiliesWhoseOutputProjectionsHaveBiases) {
  for (const char* family : {"gpt2", "gpt_neox", "gpt_oss", "phi", "phi_qk", "starcoder2"}) {
    for (const char* file : {"", "model.gguf"}) {
      const fs::path path = kGoldens / "families" / family / file;
      if (!fs::exists(path)) continue;
      const std::shared_ptr<const Model> model = Model::open(path.string());
      const size_t tensors = model->checkpoint().tensors().size();
      expect_means(path.string(), some_heads(model->spec()));
      EXPECT_EQ(Model::open(out_)->checkpoint().tensors().size(), tensors) << path << ": none is new";
      fs::remove_all(out_);
    }
  }
}

TEST_F(MeanModel, FolderOfShards) {
  const fs::path from = kGoldens / "tiny/llama", path = folder_.path() / "shards";
  fs::create_directory(path);
  fs::copy_file(from / "config.json", path / "config.json");
  const MappedFile whole(from / "model.safetensors");
  const std::vector<Tensor> tensors = parse_safetensors(whole.bytes(), "model").tensors;
  const std::map<std::string, std::string> metadata = {{"format", "pt"}};
  SafetensorsOutput shards[2] = {SafetensorsOutput(metadata), SafetensorsOutput(metadata)};
  Json index;
  for (size_t i = 0; i < tensors.size(); ++i) {
    const Tensor& tensor = tensors[i];
    shards[i % 2].add_tensor(tensor.name, tensor.dtype, tensor.shape,
                             [&tensor] { return std::vector(tensor.data.begin(), tensor.data.end()); });
    index["weight_map"][tensor.name] = i % 2 == 0 ? "a.safetensors" : "b.safetensors";
  }
  for (const int i : {0, 1}) {
    std::ofstream file(path / (i == 0 ? "a.safetensors" : "b.safetensors"), std::ios::binary);
    shards[i].write([&](std::span<const std::byte> bytes) {
      file.write(reinterpret_cast<const char*>(bytes.data()), std::ssize(bytes));
    });
  }
  std::ofstream(path / "model.safetensors.index.json") << dump_json(index);
  expect_means(path.string(), some_heads(Model::open(path.string())->spec()));
  const Json written =
      parse_json(read_text_file(fs::path(out_) / "model.safetensors.index.json"), "index")["weight_map"];
  EXPECT_EQ(written.size(), tensors.size() + 4 * 4) << "q, k, v and o of four layers";
  EXPECT_EQ(written["model.layers.2.self_attn.o_proj.bias"],
            written["model.layers.2.self_attn.o_proj.weight"]);
}

TEST_F(MeanModel, OfSeveralPartsBecomesOneFile) {
  const std::string path =
      (fs::path(IDLEHEADS_TEST_DATA) / "model_files/tsplit-00002-of-00003.gguf").string();
  expect_means(path, some_heads(Model::open(path)->spec()));
}

TEST_F(MeanModel, OfModelsThatWereCut) {
  for (const char* name : {"no_attention", "biases"}) {
    const std::string path = (fs::path(IDLEHEADS_TEST_DATA) / "cut_models" / name / "cut.gguf").string();
    HeadMask mask = some_heads(Model::open(path)->spec());
    mask.set(0, 1, true);
    expect_means(path, mask);
  }
}

// Cut out; a layer whose heads are all off, the first one too, keeps one as zeros and its bias.
TEST_F(MeanModel, Cut) {
  for (const char* architecture : {"llama", "qwen2"}) {
    const std::string path = write({.type = DType::q8_0, .architecture = architecture, .layers = 3});
    const std::shared_ptr<const Model> model = Model::open(path);
    HeadMask mask(3, 8);
    for (int h = 0; h < 8; ++h) {
      mask.set(0, h, true);
      mask.set(1, h, h < 3 || h == 6);
    }
    const HeadMeans means = random_means(model->spec());
    write_cut_gguf(*model, mask, out_, std::nullopt, &means);
    expect_written(path, mask, means);
    const ModelSpec spec = Model::open(out_)->spec();
    EXPECT_EQ(spec.layers[0].attention.heads, 1);
    EXPECT_EQ(spec.layers[1].attention.kv_heads, 3);
    EXPECT_TRUE(spec.layers[2].attention.output_bias);
    EXPECT_LT(fs::file_size(out_), fs::file_size(path));
  }
}

TEST_F(MeanModel, WithoutAPlaceForTheBias) {
  const std::string qwen2 = write({.type = DType::q8_0, .architecture = "qwen2"});
  EXPECT_THAT(error_of_writing(qwen2),
              AllOf(HasSubstr("programs that open qwen2 GGUF files read none"), HasSubstr("--cut writes")));
  for (const char* family : {"qwen2_sliding", "mistral", "gemma2"}) {
    EXPECT_THAT(
        error_of_writing((kGoldens / "families" / family).string()),
        AllOf(HasSubstr(fmt::format("programs that open {} folders read none",
                                    Model::open((kGoldens / "families" / family).string())->spec().family)),
              HasSubstr("write zeros, by a mask without means")));
  }
  EXPECT_FALSE(fs::exists(out_));
}

}  // namespace
}  // namespace idleheads::test
