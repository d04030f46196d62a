// The tasks of lm-evaluation-harness as a user runs them: prompts, several tasks at once, results files,
// chats, and studies of answers that the model writes.
#include <cmath>
#include <fstream>
#include <set>
#include <sstream>

#include "cli/cli_fixture.h"

namespace idleheads {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

std::vector<Json> json_lines(const std::string& text) {
  std::istringstream stream(text);
  std::vector<Json> out;
  for (std::string line; std::getline(stream, line);) out.push_back(parse_json(line, "line"));
  return out;
}

// A folder with a folder a task, of few documents each.
class CliTasks : public Cli {
 protected:
  CliTasks() : data_((folder_ / "data").string()) {
    for (const char* task : {"piqa", "gsm8k", "winogrande", "wikitext2"})
      fs::create_directories(fs::path(data_) / task);
    write_file(fs::path(data_) / "piqa/valid.jsonl",
               R"({"goal": "stay dry", "sol1": "an umbrella", "sol2": "a fork"}
{"goal": "eat soup", "sol1": "an umbrella", "sol2": "a spoon\u00e9"}
)");
    write_file(fs::path(data_) / "piqa/valid-labels.lst", "0\n1\n");
    std::string questions;
    for (int i = 0; i < 6; ++i) {
      questions += fmt::format(R"({{"question": "How many are {} and {}?", "answer": "We add.\n#### {}"}})",
                               i, i, 2 * i);
      questions += "\n";
    }
    write_file(fs::path(data_) / "gsm8k/test.jsonl", questions);
    write_file(fs::path(data_) / "gsm8k/train.jsonl", questions);
    write_file(
        fs::path(data_) / "winogrande/validation.jsonl",
        R"({"sentence": "The cup is in the box as the _ is small.", "option1": "cup", "option2": "box", "answer": "1"}
)");
    write_file(
        fs::path(data_) / "wikitext2/wiki.test.raw",
        " \n = Red Roses = \n \n A rose is red , and wet . \n \n = The Sea = \n \n The sea is wide . \n");
  }

  std::vector<std::string> with_data(std::vector<std::string> arguments) const {
    arguments.insert(arguments.end(), {"--data", data_});
    return arguments;
  }
  std::vector<Json> prompts(const std::vector<std::string>& more) const {
    std::vector<std::string> arguments = {"prompts", model_, "--json"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Outcome outcome = run_idleheads(with_data(arguments));
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    return json_lines(outcome.out);
  }

  // The files below a folder, without the times in their names.
  std::set<std::string> files_below(const std::string& name) {
    std::set<std::string> files;
    for (const auto& entry : fs::recursive_directory_iterator(output(name))) {
      if (!entry.is_regular_file()) continue;
      std::string file = fs::relative(entry.path(), output(name)).string();
      const size_t end = file.rfind('.');
      if (const size_t time = file.rfind("_2"); time != std::string::npos) file.erase(time, end - time);
      files.insert(file);
    }
    return files;
  }
  fs::path file_below(const std::string& name, const std::string& part) {
    for (const auto& entry : fs::recursive_directory_iterator(output(name))) {
      if (entry.path().string().find(part) != std::string::npos && entry.is_regular_file())
        return entry.path();
    }
    throw std::runtime_error("no file " + part);
  }

  std::string data_;
};

// The golden lines of the harness, for the subjects that the test data hold.
TEST_F(CliTasks, PromptsOfMmluAreTheGoldenOnes) {
  const Outcome outcome =
      run_idleheads({"prompts", model_, "--task", "mmlu", "--data", (kData / "mmlu_small").string(),
                     "--num-fewshot", "5", "--context", "100000", "--json"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  const std::vector<Json> found = json_lines(outcome.out);
  int checked = 0;
  for (const Json& golden : json_lines(read_text_file(kData / "mmlu_small/prompts.jsonl"))) {
    for (const Json& line : found) {
      if (line.at("task") != golden.at("task") || line.at("doc_index") != golden.at("doc_index")) continue;
      for (const auto& [key, value] : golden.items())
        EXPECT_EQ(line.at(key), value) << golden.at("task") << key;
      EXPECT_FALSE(line.at("context_ids").empty());
      EXPECT_EQ(line.at("continuation_ids").size(), 4u);
      ++checked;
    }
  }
  EXPECT_EQ(checked, 9);
}

TEST_F(CliTasks, PromptsOfEveryKind) {
  const std::vector<Json> choices = prompts({"--task", "winogrande"});
  ASSERT_EQ(choices.size(), 1u);
  EXPECT_TRUE(choices[0].at("context").is_null());
  EXPECT_EQ(choices[0].at("contexts")[1], "The cup is in the box as the box");
  EXPECT_EQ(choices[0].at("choices")[0], " is small.");
  EXPECT_EQ(choices[0].at("contexts_ids").size(), 2u);
  EXPECT_NE(choices[0].at("contexts_ids")[0], choices[0].at("contexts_ids")[1]);
  const std::vector<Json> written = prompts({"--task", "gsm8k", "--shots", "1", "--limit", "1"});
  ASSERT_EQ(written.size(), 1u);
  EXPECT_EQ(written[0].at("gen_kwargs").at("until"), Json::parse(R"(["Question:", "</s>", "<|im_end|>"])"));
  EXPECT_EQ(written[0].at("gold"), "We add.\n#### 0");
  EXPECT_FALSE(written[0].at("context_ids").empty());
  const std::vector<Json> texts = prompts({"--task", "wikitext", "--context", "16"});
  ASSERT_EQ(texts.size(), 2u);
  EXPECT_GT(texts[0].at("windows").size(), 1u);
  EXPECT_EQ(texts[0].at("windows")[0].at("target_ids").size(), 16u);
  EXPECT_EQ(texts[0].at("windows")[0].at("input_ids").size(), 16u);
}

TEST_F(CliTasks, PromptsForPeople) {
  const Outcome outcome =
      run_idleheads(with_data({"prompts", model_, "--tasks", "piqa,gsm8k", "--shots", "0"}));
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_THAT(outcome.out,
              StartsWith("==== piqa document 0, 0 shots\nprompt:\nQuestion: stay dry\nAnswer:\n  tokens ("));
  EXPECT_THAT(outcome.out, HasSubstr("choice 0 (right): \" an umbrella\"\n"));
  EXPECT_THAT(outcome.out, HasSubstr("==== gsm8k document 5, 0 shots\n"));
  EXPECT_THAT(outcome.out, HasSubstr("reference answer:\nWe add.\n#### 10\n"));
}

TEST_F(CliTasks, ChatsGoThroughTheTemplate) {
  const std::vector<Json> turns =
      prompts({"--task", "gsm8k", "--shots", "1", "--limit", "1", "--chat", "--system", "Add."});
  const std::string context = turns.at(0).at("context");
  EXPECT_THAT(context, StartsWith("<s><|user|>Add.<|user|>Question: "));
  EXPECT_EQ(turns[0].at("chat"), true);
  EXPECT_EQ(turns[0].at("fewshot_as_multiturn"), true);
  EXPECT_THAT(context, HasSubstr("<|user|>We add."));
  const std::vector<Json> one = prompts({"--task", "gsm8k", "--shots", "1", "--limit", "1",
                                         "--apply-chat-template", "--fewshot-as-multiturn=off"});
  EXPECT_EQ(one.at(0).at("fewshot_as_multiturn"), false);
  EXPECT_THAT(one[0].at("context").get<std::string>(), Not(HasSubstr("<|user|>We add.")));
}

TEST_F(CliTasks, DateIsWhatTemplatesPrint) {
  write_file(fs::path(model_) / "chat_template.jinja",
             "{{ strftime_now('%d %b %Y') }}: {{ messages[0].content }}");
  const auto context = [&](const std::vector<std::string>& more) {
    std::vector<std::string> arguments = {"--task", "piqa", "--limit", "1", "--chat"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return prompts(arguments).at(0).at("context").get<std::string>();
  };
  EXPECT_THAT(context({}), StartsWith("26 Jul 2024: Question"));
  EXPECT_THAT(context({"--date", "2025-12-01"}), StartsWith("01 Dec 2025: Question"));
}

TEST_F(CliTasks, ChatWithoutATemplateIsAnError) {
  write_file(fs::path(model_) / "tokenizer_config.json", R"({"bos_token": "<s>", "eos_token": "</s>"})");
  expect_failure(run_idleheads(with_data({"eval", model_, "--task", "piqa", "--chat"})), 2,
                 "--chat needs a chat template, and this model has none");
}

TEST_F(CliTasks, SeveralTasksHaveOneTable) {
  const Outcome outcome = run_idleheads(
      with_data({"eval", model_, "--tasks", "piqa,wikitext", "--task", questions_, "--dtype", "f32"}));
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("|piqa"));
  EXPECT_THAT(outcome.out, HasSubstr("|wikitext"));
  EXPECT_THAT(outcome.out, HasSubstr("word_perplexity|↓"));
  EXPECT_THAT(outcome.out, HasSubstr("|questions"));
}

// As in the harness, a subject has its own row only, a category also those of its subjects.
TEST_F(CliTasks, PartsOfMmluAreTasks) {
  std::vector<std::string> arguments = {
      "eval",    model_, "--task", "mmlu_formal_logic,mmlu_stem", "--data", (kData / "mmlu_small").string(),
      "--limit", "1"};
  arguments.insert(arguments.end(), {"--shots", "0", "--dtype", "f32", "-o", output("out")});
  const Outcome outcome = run_idleheads(arguments);
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  std::vector<std::string> rows;
  std::istringstream lines(outcome.out);
  for (std::string line; std::getline(lines, line);) rows.push_back(line.substr(0, line.find("|", 1)));
  EXPECT_THAT(rows,
              testing::IsSupersetOf({"|formal_logic                   ", "|stem                           ",
                                     "| - college_mathematics         "}));
  EXPECT_THAT(outcome.out, Not(HasSubstr("|mmlu")));
  const Json results = parse_json(read_text_file(file_below("out", "results_")), "results");
  EXPECT_EQ(results.at("results").at("mmlu_formal_logic").at("alias"), "formal_logic");
  EXPECT_EQ(results.at("group_subtasks"), Json::parse(R"({"mmlu_formal_logic": [],
                "mmlu_stem": ["mmlu_college_mathematics", "mmlu_high_school_computer_science"]})"));
  EXPECT_EQ(results.at("groups").size(), 1u);
  EXPECT_EQ(results.at("configs").at("mmlu_college_mathematics").at("tag"), "mmlu_stem_tasks");
}

TEST_F(CliTasks, TasksThatDoNotGoTogether) {
  const auto eval = [&](const std::string& tasks, const std::vector<std::string>& more = {}) {
    std::vector<std::string> arguments = with_data({"eval", model_, "--task", tasks});
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_idleheads(arguments);
  };
  expect_failure(eval("piqa,gsm8k,piqa"), 2, "--task: 'piqa' is there already");
  expect_failure(eval("mmlu,mmlu_anatomy"), 2, "--task: 'mmlu_anatomy' is there already");
  expect_failure(eval("mmlu_anatomy,mmlu"), 2, "--task: 'mmlu' is there already");
  expect_failure(eval("mmlu_anatomy", {"--subjects", "virology"}), 2, "it names what --subjects chooses");
  expect_failure(eval("piqa,mmlu", {"--subjects", "anatomy"}), 2, "write those of mmlu as tasks");
  fs::create_directory(output("other"));
  fs::copy(questions_, output("other") + "/questions.jsonl");
  expect_failure(
      run_idleheads({"eval", model_, "--task", questions_ + "," + output("other") + "/questions.jsonl"}), 2,
      "two tasks are called 'questions'");
}

TEST_F(CliTasks, WhatWasRunStandsAboveTheTable) {
  const Outcome outcome = run_idleheads(with_data(
      {"eval", model_, "--task", "piqa", "--limit", "1", "--chat", "--bos", "never", "--dtype", "f32"}));
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_THAT(outcome.out,
              StartsWith("idleheads (pretrained=model,dtype=f32), limit: 1, chat: yes, bos: never\n|Tasks|"));
}

TEST_F(CliTasks, EvalSaysWhatWasRunWithinTheTerminal) {
  const Outcome outcome = run_idleheads({"eval", model_, "--task", questions_}, {{"COLUMNS", "50"}});
  const std::string head = outcome.out.substr(0, outcome.out.find('|'));
  EXPECT_LE(longest_line(head), 50) << head;
  EXPECT_THAT(on_one_line(head), testing::StartsWith("idleheads (pretrained=model,dtype="));
}

TEST_F(CliTasks, AFolderThatCannotBeWrittenFailsBeforeTheWork) {
  write_file(output("file"), "");
  const Outcome outcome =
      run_idleheads(with_data({"eval", model_, "--task", "piqa", "-o", output("file/out")}));
  expect_failure(outcome, 1, "the folder cannot be made");
  EXPECT_EQ(outcome.out, "");
}

// Some readers take these for the end of a line.
TEST_F(CliTasks, LineSeparatorsAreEscapedInJson) {
  write_file(fs::path(data_) / "piqa/valid.jsonl",
             "{\"goal\": \"a\u2028b\", \"sol1\": \"c\u0085d\", \"sol2\": \"e\"}\n"
             "{\"goal\": \"f\", \"sol1\": \"g\", \"sol2\": \"h\"}\n");
  const Outcome outcome = run_idleheads(with_data({"prompts", model_, "--task", "piqa", "--json"}));
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr(R"(a\u2028b)"));
  EXPECT_EQ(json_lines(outcome.out).at(0).at("choices")[0], " c\u0085d");
}

TEST_F(CliTasks, OneTasksFolderMayBeNamedDirectly) {
  const std::vector<std::string> direct = {"eval", model_, "--task", "piqa", "--data", data_ + "/piqa"};
  const Outcome outcome = run_idleheads(direct);
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(outcome.out, run_idleheads(with_data({"eval", model_, "--task", "piqa"})).out);
}

TEST_F(CliTasks, OutputIsTheHarnessLayout) {
  const Outcome outcome = run_idleheads(with_data(
      {"eval", model_, "--task", "piqa,gsm8k", "--shots", "0", "-o", output("out"), "--dtype", "f32"}));
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr("wrote "));
  // A path of this machine is nobody else's business: its last part names the model.
  EXPECT_THAT(files_below("out"),
              ElementsAre("model/results.json", "model/samples_gsm8k.jsonl", "model/samples_piqa.jsonl"));
  const Json results = parse_json(read_text_file(file_below("out", "results_")), "results");
  EXPECT_EQ(results.at("results").at("piqa").at("alias"), "piqa");
  EXPECT_TRUE(results.at("results").at("gsm8k").contains("exact_match,flexible-extract"));
  EXPECT_EQ(results.at("n-samples").at("gsm8k").at("effective"), 6);
  EXPECT_EQ(results.at("versions").at("gsm8k"), 3.0);
  EXPECT_EQ(results.at("model_name"), "model");
  const std::vector<Json> piqa = json_lines(read_text_file(file_below("out", "samples_piqa")));
  ASSERT_EQ(piqa.size(), 2u);
  EXPECT_EQ(piqa[1].at("doc").at("goal"), "eat soup");
  EXPECT_EQ(piqa[1].at("target"), "1");
  EXPECT_EQ(piqa[1].at("arguments").at("gen_args_0").at("arg_1"), " an umbrella");
  EXPECT_EQ(piqa[1].at("resps").size(), 2u);
  double right = 0;
  for (const Json& line : piqa) right += line.at("acc").get<double>();
  EXPECT_DOUBLE_EQ(right / 2, results.at("results").at("piqa").at("acc,none").get<double>());
  const std::vector<Json> gsm8k = json_lines(read_text_file(file_below("out", "samples_gsm8k")));
  ASSERT_EQ(gsm8k.size(), 12u) << "a line a filter";
  EXPECT_EQ(gsm8k[6].at("doc_id"), 0);
}

TEST_F(CliTasks, OutputOfEachInterventionHasItsFolder) {
  const Outcome outcome =
      run_idleheads(with_data({"eval", model_, "--task", "piqa,wikitext", "--output-path", output("out"),
                               "--no-log-samples", "--ablate", "L1H2", "--ablate", "awft>0.5"}));
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  std::set<std::string> folders;
  for (const std::string& file : files_below("out")) {
    EXPECT_THAT(file, testing::EndsWith("/results.json"));
    folders.insert(fs::path(file).parent_path().filename());
  }
  EXPECT_THAT(folders, ElementsAre("L1H2", "awft__0.5", "model"));
  const Json results = parse_json(read_text_file(file_below("out", "L1H2/results_")), "results");
  EXPECT_TRUE(results.at("results").contains("piqa") && results.at("results").contains("wikitext"));
  EXPECT_EQ(results.at("track_head_type"), "L1H2");
  EXPECT_DOUBLE_EQ(results.at("model_proportion").get<double>(), 1.0 / 32);
  EXPECT_DOUBLE_EQ(results.at("layers_to_proportion").at("1").get<double>(), 1.0 / 8);
  EXPECT_EQ(results.at("num_samples"), 6) << "two choices of two questions, and two pages";
}

// As the runs by themselves, and what is between them.
TEST_F(CliTasks, AblationsAreComparedWithAllHeadsOn) {
  const std::vector<std::string> eval =
      with_data({"eval", model_, "--task", "piqa,wikitext", "--dtype", "f32", "--json"});
  const auto runs = [&](const std::vector<std::string>& more) {
    std::vector<std::string> all = eval;
    all.insert(all.end(), more.begin(), more.end());
    const Outcome outcome = run_idleheads(all);
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    return parse_json(outcome.out, "eval").at("runs");
  };
  const Json plain = runs({}), alone = runs({"--ablate", "L1H2,L2H3", "--no-baseline"});
  const Json both = runs({"--ablate", "L1H2,L2H3"});
  ASSERT_EQ(both.size(), 4u);
  EXPECT_TRUE(plain[0].at("against_baseline").is_null() && alone[0].at("against_baseline").is_null());
  for (size_t t = 0; t < 2; ++t) {
    EXPECT_EQ(both[t], plain[t]);
    EXPECT_EQ(both[t + 2].at("results"), alone[t].at("results"));
    const Json difference = both[t + 2].at("against_baseline");
    const std::string metric = t == 0 ? "acc" : "word_perplexity";
    EXPECT_EQ(difference.at("metric"), metric);
    const double before = plain[t].at("results")[0].at(metric).at("value");
    const double after = alone[t].at("results")[0].at(metric).at("value");
    const double points = t == 0 ? 100 * (after - before) : -100 * std::log(after / before);
    EXPECT_NEAR(difference.at("difference"), points, 1e-9);
    EXPECT_LE(difference.at("difference_interval")[0].get<double>(), points + 1e-9);
    EXPECT_GE(difference.at("difference_interval")[1].get<double>(), points - 1e-9);
    EXPECT_EQ(difference.at("changed").is_null(), t == 1);
    EXPECT_EQ(difference.at("kl").is_null(), t == 1);
  }
  EXPECT_GT(both[2].at("against_baseline").at("kl").get<double>(), 0);
}

// Of a mask of many heads neither the heading nor the table has all.
TEST_F(CliTasks, ManyHeadsAreNotAllNamed) {
  write_file(output("heads.json"), R"({"0": [0, 1, 2, 3, 4, 5], "3": [7]})");
  const Outcome outcome =
      run_idleheads(with_data({"eval", model_, "--task", "piqa", "--mask", output("heads.json")}));
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("ablate 7 heads, L0H0 to L3H7: 21.88% of the heads off on average\n"));
  EXPECT_THAT(outcome.out, HasSubstr("\nAgainst all heads on:\n"));
  EXPECT_THAT(outcome.out, Not(HasSubstr("L0H1")));
}

TEST_F(CliTasks, AblationOfAShareIsCalibratedForEachTask) {
  const Outcome outcome =
      run_idleheads(with_data({"eval", model_, "--task", "piqa,gsm8k", "--shots", "0", "--limit", "2",
                               "--ablate", "ahon_ln@20%", "--no-baseline", "--json"}));
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  const Json runs = parse_json(outcome.out, "eval").at("runs");
  ASSERT_EQ(runs.size(), 2u);
  EXPECT_EQ(runs[0].at("task"), "piqa");
  EXPECT_EQ(runs[1].at("task"), "gsm8k");
  EXPECT_NE(runs[0].at("ablate"), runs[1].at("ablate"));
  EXPECT_TRUE(runs[1].at("results")[0].contains("exact_match,strict-match"));
}

class CliTaskStudy : public CliTasks, public testing::WithParamInterface<const char*> {};

// Killed at different moments, it goes on each time and ends with the results of a run in one piece; how it
// is run does not matter.
TEST_P(CliTaskStudy, KilledStudiesGoOnToTheSameResults) {
  const auto arguments = [&](const std::string& file, const std::vector<std::string>& more) {
    std::vector<std::string> all =
        with_data({"study", model_, "--task", GetParam(), "--shots", "0", "-o", output(file), "--scores",
                   "ahon_ln,random", "--shares", "10,30", "--dtype", "f32"});
    all.insert(all.end(), more.begin(), more.end());
    return all;
  };
  const Outcome whole = run_idleheads(arguments("whole.db", {}));
  ASSERT_EQ(whole.code, 0) << whole.err;
  EXPECT_THAT(whole.out, HasSubstr("can be off"));
  ASSERT_EQ(run_idleheads(arguments("apart.db", {"--no-sharing", "--threads", "1"})).code, 0);
  expect_equal_exports("whole.db", "apart.db");
  for (unsigned delay = 15'000; delay < 4'000'000; delay = delay * 3 / 2) {
    const Outcome outcome = run_and_kill(arguments("killed.db", {"--cohort-rows", "1"}), delay);
    if (outcome.code == 0) break;
    ASSERT_EQ(outcome.code, 128 + 9) << outcome.err;
  }
  ASSERT_EQ(run_idleheads(arguments("killed.db", {})).code, 0);
  expect_equal_exports("whole.db", "killed.db");
  EXPECT_EQ(
      run_idleheads({"show", output("killed.db"), "--curves", "--subjects", "--heatmap", "ahon_ln@30%"}).code,
      0);
  EXPECT_EQ(run_idleheads({"export", output("killed.db"), "--npz"}).code, 0);
}

INSTANTIATE_TEST_SUITE_P(All, CliTaskStudy, testing::Values("gsm8k", "wikitext", "winogrande"));

TEST_F(CliTasks, SeveralTasksHaveAStudyEach) {
  const std::vector<std::string> arguments =
      with_data({"study", model_, "--task", "piqa,wikitext", "-o", output("studies"), "--scores", "random",
                 "--shares", "0,20", "--dtype", "f32"});
  const Outcome outcome = run_idleheads(arguments);
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_THAT(files_below("studies"), testing::IsSupersetOf({"model_piqa.db", "model_wikitext.db"}));
  const Outcome again = run_idleheads(arguments);
  EXPECT_THAT(again.err, HasSubstr("model_piqa.db is complete already"));
  EXPECT_THAT(again.err, HasSubstr("model_wikitext.db is complete already"));
  EXPECT_EQ(again.out, outcome.out);
  expect_failure(
      run_idleheads(with_data({"study", model_, "--task", "piqa,wikitext", "-o", output("one.db")})), 2,
      "several tasks have a file each; name a folder");
}

TEST_F(CliTasks, AStudyRefusesAnotherChat) {
  const std::vector<std::string> study = with_data(
      {"study", model_, "--task", "piqa", "-o", output("a.db"), "--scores", "random", "--shares", "0"});
  const auto with = [&](const std::vector<std::string>& more) {
    std::vector<std::string> all = study;
    all.insert(all.end(), more.begin(), more.end());
    return run_idleheads(all);
  };
  ASSERT_EQ(with({"--chat"}).code, 0);
  expect_failure(with({}), 1, "chat: stored '");
  expect_failure(with({"--chat", "--system", "Be brief."}), 1, "system: stored '', given 'Be brief.'");
  expect_failure(with({"--chat", "--no-fewshot-as-multiturn"}), 1,
                 "chat.multiturn: stored 'yes', given 'no'");
  expect_failure(with({"--chat", "--date", "2020-01-01"}), 1, "chat.date");
}

}  // namespace
}  // namespace idleheads
