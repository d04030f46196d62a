// From a study to a mask, to a model without the heads, as a user would.
#include "cli/cli_fixture.h"

namespace idleheads {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class PruneCommand : public Cli {
 protected:
  void SetUp() override {
    ASSERT_EQ(run_idleheads(study("s.db", {"-q"})).code, 0);
    write_file(output("heads.json"), R"({"1": [0, 1, 2, 3], "2": [5]})");
  }
  std::vector<std::string> eval(const std::string& model, const std::string& folder) {
    return {"eval", model, "--task", questions_, "--dtype", "f32", "--no-baseline", "-o", output(folder)};
  }
  // What the samples' files of an eval say, without the time in their names.
  std::string samples(const std::string& folder) {
    std::map<std::string, std::string> files;
    for (const auto& entry : fs::recursive_directory_iterator(output(folder))) {
      const std::string name = entry.path().filename().string();
      if (name.starts_with("samples_"))
        files[name.substr(0, name.find("_20"))] = read_text_file(entry.path());
    }
    std::string all;
    for (const auto& [name, text] : files) all += name + text;
    EXPECT_FALSE(all.empty());
    return all;
  }
};

TEST_F(PruneCommand, StaticHeadsOfAStudy) {
  const Outcome table = run_idleheads({"mask", output("s.db"), "--within", "100"});
  EXPECT_EQ(table.code, 0) << table.err;
  EXPECT_THAT(table.out, AllOf(HasSubstr("per input"), HasSubstr("always"), HasSubstr("KV groups")));
  const Outcome untested = run_idleheads({"mask", output("s.db"), "--rule", "ahon_ln@15%"});
  expect_failure(untested, 2, "tested at 0%, 20%");
  EXPECT_EQ(untested.out, "") << "refused before the table";
  const Outcome mask = run_idleheads({"mask", output("s.db"), "--within", "100", "--rule", "ahon_ln@20%",
                                      "--at-least", "50", "-o", output("mask.json")});
  EXPECT_EQ(mask.code, 0) << mask.err;
  EXPECT_THAT(mask.out, AllOf(HasSubstr("heads are off in at least 50 % of the inputs"),
                              HasSubstr("fewer parameters"), HasSubstr("0.0 % less KV")));
  // The same heads as the export has.
  const Outcome heads = run_idleheads(
      {"export", output("s.db"), "--heads", "json", "--rule", "ahon_ln@20%", "--at-least", "50"});
  const Json exported = parse_json(heads.out, "export"),
             file = parse_json(read_text_file(output("mask.json")), "m");
  EXPECT_EQ(file["heads"], exported);
  EXPECT_EQ(file["format"], "idleheads mask 1");
  EXPECT_EQ(file["study"]["rule"], "ahon_ln@20%");
}

TEST_F(PruneCommand, MeasuredMask) {
  const Outcome mask = run_idleheads({"mask", output("s.db"), model_, "--task", questions_, "--within", "100",
                                      "--dtype", "f32", "--score", "ahon_ln", "-o", output("mask.json")});
  ASSERT_EQ(mask.code, 0) << mask.err;
  EXPECT_THAT(mask.out, AllOf(HasSubstr("2 questions to choose by, 1 to test on"), HasSubstr("<- chosen"),
                              HasSubstr("questions that the choice never saw: accuracy")));
  const Json file = parse_json(read_text_file(output("mask.json")), "mask.json");
  EXPECT_EQ(file["chosen"]["score"], "ahon_ln");
  EXPECT_EQ(file["test"]["documents"], 1);
  EXPECT_EQ(run_idleheads({"eval", model_, "--task", questions_, "--mask", output("mask.json")}).code, 0);
}

// What eval says of the mask is what was measured, and not what zeros give.
TEST_F(PruneCommand, MaskOfMeans) {
  const std::vector<std::string> mask = {
      "mask",    output("s.db"), model_,    "--task",  questions_, "--within", "100",
      "--dtype", "f32",          "--score", "ahon_ln", "--mean",   "-o",       output("mask.json")};
  const Outcome chosen = run_idleheads(mask);
  ASSERT_EQ(chosen.code, 0) << chosen.err;
  EXPECT_THAT(chosen.out, HasSubstr("give the means of what they put out"));
  Json file = parse_json(read_text_file(output("mask.json")), "mask.json");
  EXPECT_EQ(file["chosen"]["ablation"], "mean");
  EXPECT_EQ(file["means"].size(), file["heads"].size());
  const auto evaluate = [&](const char* json) {
    std::vector<std::string> arguments = eval(model_, std::string(json) + ".eval");
    arguments.insert(arguments.end(), {"--mask", output(json), "--json"});
    const Outcome outcome = run_idleheads(arguments);
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    return parse_json(outcome.out.substr(0, outcome.out.rfind('}') + 1), "eval")["runs"][0];
  };
  EXPECT_EQ(evaluate("mask.json")["ablation"], "mean");
  write_file(output("zeros.json"), dump_json(file["heads"]));
  EXPECT_EQ(evaluate("zeros.json")["ablation"], "zero");
  EXPECT_NE(samples("mask.json.eval"), samples("zeros.json.eval"));
  const Outcome both = run_idleheads(
      {"eval", model_, "--task", questions_, "--mask", output("mask.json"), "--ablate", "L1H0", "--json"});
  EXPECT_EQ(parse_json(both.out, "eval")["runs"].size(), 3) << "and the baseline";
  expect_failure(
      run_idleheads({"probe", model_, "--text", "a", "--mask", output("mask.json"), "--ablate", "L1H0"}), 2,
      "one at a time");
  EXPECT_EQ(run_idleheads({"probe", model_, "--text", "a", "--mask", output("mask.json"), "--json"}).code, 0);
  expect_failure(run_idleheads({"export", output("mask.json"), "--mask", "heads"}), 1, "give their means");
  expect_failure(run_idleheads({"mask", output("s.db"), "--mean"}), 2, "--mean measures what heads put out");
}

// A study of means says so, and its masks have them.
TEST_F(PruneCommand, StudyOfMeans) {
  ASSERT_EQ(run_idleheads(study("means.db", {"-q", "--mean"})).code, 0);
  EXPECT_THAT(run_idleheads({"show", output("means.db")}).out, HasSubstr("(their mean output"));
  EXPECT_THAT(run_idleheads({"show", output("s.db")}).out, HasSubstr("(their output set to zero)"));
  expect_failure(run_idleheads(study("means.db", {"-q"})), 1, "ablation");
  ASSERT_EQ(run_idleheads({"mask", output("means.db"), "--within", "100", "--rule", "ahon_ln@20%",
                           "--at-least", "50", "-o", output("mask.json")})
                .code,
            0);
  const Json file = parse_json(read_text_file(output("mask.json")), "mask.json");
  EXPECT_GT(file["heads"].size(), 0);
  EXPECT_EQ(file["means"].size(), file["heads"].size());
  const Outcome exported =
      run_idleheads({"export", output("means.db"), "--mask", "json", "--rule", "ahon_ln@20%"});
  EXPECT_EQ(parse_json(exported.out, "mask")["means"], file["means"]);
  expect_failure(
      run_idleheads({"export", output("means.db"), "--mask", "transformers", "--rule", "ahon_ln@20%"}), 1,
      "give their means");
  EXPECT_THAT(run_idleheads({"export", output("means.db"), "--json"}).out,
              HasSubstr("\"ablation\": \"mean\""));
}

TEST_F(PruneCommand, WritesWhatTheMaskDoes) {
  const Outcome prune = run_idleheads({"prune", model_, "--mask", output("heads.json"), "-o", output("zero"),
                                       "--check", "--task", questions_, "--dtype", "f32"});
  ASSERT_EQ(prune.code, 0) << prune.err;
  EXPECT_THAT(prune.out,
              AllOf(HasSubstr("5 of 32 heads (15.6 %) do nothing any more"), HasSubstr("KL divergence"),
                    HasSubstr("bit for bit, those of the model with the mask")));
  std::vector<std::string> masked = eval(model_, "masked");
  masked.insert(masked.end(), {"--mask", output("heads.json")});
  ASSERT_EQ(run_idleheads(masked).code, 0);
  ASSERT_EQ(run_idleheads(eval(output("zero"), "zeroed")).code, 0);
  ASSERT_EQ(run_idleheads(eval(model_, "whole")).code, 0);
  EXPECT_EQ(samples("zeroed"), samples("masked"));
  EXPECT_NE(samples("zeroed"), samples("whole"));
}

TEST_F(PruneCommand, SaysThatAFileIsReplaced) {
  const std::string model = (kData / "golden/families/qwen3/model.gguf").string(), out = output("out.gguf");
  write_file(output("head.json"), R"({"0": [0]})");
  const auto said = [&](std::vector<std::string> command) {
    command.insert(command.end(), {"-o", out});
    const Outcome outcome = run_idleheads(command);
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    return outcome.err;
  };
  EXPECT_EQ(said({"prune", model, "--mask", output("head.json")}), "");
  EXPECT_EQ(said({"prune", model, "--mask", output("head.json")}), "replaced " + out + "\n");
  EXPECT_THAT(said({"mask", output("s.db"), "--rule", "ahon_ln@20%"}),
              testing::StartsWith("replaced " + out + ": "));
  write_file(out, "");
  EXPECT_THAT(said({"mask", output("s.db"), "--rule", "ahon_ln@20%"}),
              testing::StartsWith("wrote " + out + ": "));
}

TEST_F(PruneCommand, CutsAFolder) {
  std::ofstream(model_ + "/pytorch_model.bin") << "the same weights again";
  const Outcome prune = run_idleheads({"prune", model_, "--mask", output("heads.json"), "-o", output("cut"),
                                       "--cut", "--check", "--task", questions_, "--dtype", "f32"});
  ASSERT_EQ(prune.code, 0) << prune.err;
  EXPECT_THAT(prune.out, AllOf(HasSubstr("4 of 32 heads (12.5 %) are cut out; 1 more are zeros"),
                               HasSubstr("trust_remote_code=True"),
                               HasSubstr("those of the model with the mask up to")));
  EXPECT_THAT(prune.err, HasSubstr("not copied: pytorch_model.bin"));
  const Outcome info = run_idleheads({"info", output("cut"), "--json"});
  EXPECT_EQ(parse_json(info.out, "info")["layer_heads"], Json({8, 4, 8, 8})) << info.err;
  model_ = output("cut");
  const Outcome done = run_idleheads(study("cut.db", {"-q"}));
  EXPECT_EQ(done.code, 0) << done.err;
  EXPECT_THAT(run_idleheads({"eval", model_, "--task", questions_, "--ablate", "L1H3"}).err,
              HasSubstr("head L1H3 does not exist"));
}

// Of the prompts of the task, or of the mask; --check says how near the written model comes.
TEST_F(PruneCommand, WritesMeans) {
  const std::vector<std::string> prune = {"prune", model_, "--task", questions_, "--dtype", "f32", "--check"};
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), prune.begin(), prune.end());
    return run_idleheads(more);
  };
  const Outcome measured = with({"--mask", output("heads.json"), "--mean", "-o", output("means")});
  ASSERT_EQ(measured.code, 0) << measured.err;
  EXPECT_THAT(measured.out, AllOf(HasSubstr("their means are in the biases of the output projections"),
                                  HasSubstr("Log-likelihoods are those of the model with the mask up to")));
  EXPECT_EQ(parse_json(read_text_file(output("means") + "/config.json"), "config")["attention_bias"], true);
  ASSERT_EQ(run_idleheads({"mask", output("s.db"), model_, "--task", questions_, "--within", "100", "--dtype",
                           "f32", "--score", "ahon_ln", "--mean", "-o", output("mask.json")})
                .code,
            0);
  const Outcome written = with({"--mask", output("mask.json"), "-o", output("of_mask")});
  EXPECT_EQ(written.code, 0) << written.err;
  EXPECT_THAT(written.out, HasSubstr("their means are in the biases"));
  expect_failure(with({"--mask", output("mask.json"), "--mean", "-o", output("again")}), 2,
                 "has the heads' means already");
  expect_failure(
      run_idleheads({"prune", model_, "--mask", output("heads.json"), "--mean", "-o", output("again")}), 2,
      "--mean needs a --task");
  // Of a folder in two steps: the means, then the heads, which are zeros by now.
  expect_failure(with({"--mask", output("heads.json"), "--mean", "--cut", "-o", output("again")}), 2,
                 "are two steps");
  const Outcome cut =
      run_idleheads({"prune", output("means"), "--mask", output("heads.json"), "--cut", "--check", "--task",
                     questions_, "--dtype", "f32", "-o", output("cut_means")});
  ASSERT_EQ(cut.code, 0) << cut.err;
  EXPECT_THAT(cut.out, AllOf(HasSubstr("are cut out"), HasSubstr("KL divergence 0 nats"),
                             HasSubstr("with the mask up to 0 nats")));
  EXPECT_FALSE(fs::exists(output("again")));
}

TEST_F(PruneCommand, MasksForOtherTools) {
  const auto exported = [&](const std::string& format, std::vector<std::string> more = {}) {
    std::vector<std::string> arguments = {"export", output("s.db"), "--mask",
                                          format,   "--rule",       "ahon_ln@20%"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Outcome outcome = run_idleheads(arguments);
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    return outcome.out;
  };
  const Json heads = parse_json(exported("heads"), "heads");
  EXPECT_EQ(parse_json(exported("json"), "json")["heads"], heads);
  EXPECT_THAT(exported("transformers"),
              AllOf(HasSubstr("def ablate(model, heads=None"), HasSubstr("\nHEADS = {")));
  EXPECT_THAT(exported("transformer_lens"), AllOf(HasSubstr("hook_z"), HasSubstr("\nHEADS = {")));
  exported("duo", {"-o", output("duo")});
  const std::string matrix = read_text_file(output("duo") + "/full_attention_heads.tsv");
  EXPECT_EQ(std::count(matrix.begin(), matrix.end(), '\n'), 4) << "a line a layer";
  EXPECT_EQ(std::count(matrix.begin(), matrix.end(), '\t'), 4) << "two KV heads";
  // From a mask file, with 0 where a whole group is off: heads 0 to 3 of layer 1.
  write_file(output("mask.json"), R"({"format": "idleheads mask 1", "heads": {"1": [0, 1, 2, 3], "2": [5]},
      "model": {"name": "m", "fingerprint": "f", "layers": 4, "heads": 8, "kv_heads": 2}})");
  ASSERT_EQ(run_idleheads({"export", output("mask.json"), "--mask", "duo", "-o", output("duo2")}).code, 0);
  EXPECT_EQ(read_text_file(output("duo2") + "/full_attention_heads.tsv"), "1\t1\n0\t1\n1\t1\n1\t1\n");
  EXPECT_EQ(run_idleheads({"export", output("mask.json"), "--mask", "heads"}).out,
            "{\"1\": [0, 1, 2, 3], \"2\": [5]}\n");
}

TEST_F(PruneCommand, WhatIsRefused) {
  const std::string out = output("out");
  const auto prune = [&](std::vector<std::string> more) {
    more.insert(more.begin(), {"prune", model_, "-o", out});
    return run_idleheads(more);
  };
  write_file(output("none.json"), "{}");
  write_file(output("far.json"), R"({"4": [0]})");
  write_file(output("other.json"), R"({"format": "idleheads mask 1", "heads": {"1": [0]},
      "model": {"name": "m", "fingerprint": "f", "layers": 4, "heads": 8, "kv_heads": 2}})");
  expect_failure(prune({"--mask", output("none.json")}), 1, "no head is to be switched off");
  expect_failure(prune({"--mask", output("far.json")}), 1, "head L4H0 does not exist");
  expect_failure(prune({"--mask", output("other.json")}), 1, "made for m with other weights");
  expect_failure(prune({"--mask", output("gone.json")}), 1, "gone.json");
  expect_failure(prune({"--mask", output("heads.json"), "--check"}), 2, "--check needs a --task");
  expect_failure(prune({"--mask", output("heads.json"), "--task", questions_}), 2,
                 "--task is for --check and --mean");
  expect_failure(prune({"--mask", output("heads.json"), "--cut", "--requantise", "F16"}), 2,
                 "--requantise is for GGUF files");
  expect_failure(prune({"--mask", output("heads.json"), "--requantise", "F16"}), 2,
                 "--requantise is for GGUF files");
  EXPECT_FALSE(fs::exists(out));
  EXPECT_EQ(prune({"--mask", output("other.json"), "--other-weights"}).code, 0);
  expect_failure(prune({"--mask", output("heads.json")}), 1, "has files in it");

  expect_failure(run_idleheads({"mask", output("s.db"), model_}), 2, "give both MODEL and --task");
  expect_failure(run_idleheads({"mask", output("s.db"), "--task", questions_}), 2,
                 "give both MODEL and --task");
  expect_failure(run_idleheads({"mask", output("s.db"), model_, "--task", questions_, "--score", "random"}),
                 2, "--score random");
  expect_failure(run_idleheads({"mask", output("s.db"), out, "--task", questions_}), 1,
                 "is of another model");
  expect_failure(run_idleheads({"mask", output("s.db"), "--rule", "ahon_ln@99%"}), 2, "ahon_ln@99%");
  expect_failure(run_idleheads({"export", output("other.json"), "--mask", "json", "--rule", "ahon_ln@20%"}),
                 2, "choose heads of a study");
  expect_failure(run_idleheads({"export", output("s.db"), "--mask", "duo"}), 2, "name it with --output");
}

}  // namespace
}  // namespace idleheads
