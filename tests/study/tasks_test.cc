// Studies of tasks whose answers are written and of texts, run by a tiny model: what is stored, stopping and
// going on.
#include <fstream>
#include <set>

#include "study/tiny_study.h"
#include "studyfile/merge.h"

namespace idleheads {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class Tasks : public TinyStudy {
 protected:
  PreparedTask written(int count = 5, int max_new_tokens = 24) {
    Task task;
    task.name = "gsm8k";
    task.version = "3.0";
    task.output = OutputType::generate_until;
    task.metrics = {Metric::exact_match_strict, Metric::exact_match_flexible};
    task.groups = {{"gsm8k", "", count}};
    task.generation = {{"Question:"}, max_new_tokens};
    for (int i = 0; i < count; ++i) {
      Document document;
      document.group = "gsm8k";
      document.index = i;
      document.contexts = {fmt::format("Question: how many are {} and 2?\nAnswer:", i)};
      document.target = fmt::format("#### {}", i + 2);
      task.documents.push_back(document);
    }
    return prepare_task(task, *model_, encode_options());
  }

  PreparedTask texts(int64_t context = 1024) {
    Task task;
    task.name = "wikitext";
    task.version = "2.0";
    task.output = OutputType::loglikelihood_rolling;
    task.metrics = {Metric::word_perplexity, Metric::byte_perplexity, Metric::bits_per_byte};
    task.groups = {{"wikitext", "", 3}};
    for (int i = 0; i < 3; ++i) {
      Document document;
      document.group = "wikitext";
      document.index = i;
      document.contexts = {
          fmt::format("= Page {} =\n\nA rose is red and the sea is wet, {} times.\n", i, i * i)};
      document.target = document.contexts[0];
      document.words = 12;
      document.bytes = static_cast<int64_t>(document.contexts[0].size());
      task.documents.push_back(document);
    }
    EncodeOptions options = encode_options();
    options.max_length = context;
    return prepare_task(task, *model_, options);
  }
};

TEST_F(Tasks, WrittenAnswersKeepTheirResponsesAndPasses) {
  const PreparedTask task = written();
  EXPECT_EQ(task.stored[1].reference, "#### 3");
  EXPECT_EQ(task.stored[1].log_likelihoods(), 0u);
  EXPECT_EQ(task.rows(0), task.stored[0].tokens + 24);
  StudyStore file = store("a.db", task);
  run_study(*engine_, task, file, options_);
  EXPECT_TRUE(is_complete(file, options_));
  std::set<std::string> responses;
  bool masks_changed = false;
  for (int64_t i = 0; i < 5; ++i) {
    for (const StoredResult& result : file.results(i, true)) {
      int64_t passes = 0;
      for (const int64_t n : result.passes) passes += n;
      EXPECT_GE(passes, 1);
      EXPECT_LE(passes, 24);
      EXPECT_EQ(result.stats.size(), i == 0 ? 1u : 0u);
      if (i == 0) {
        EXPECT_EQ(result.masks.size(), 1u);
        EXPECT_EQ(result.masks[0].count(), 0);
      }
      masks_changed = masks_changed || result.masks.size() > 1;
      responses.insert(result.response);
    }
  }
  EXPECT_GT(responses.size(), 5u) << "prompts and interventions make a difference";
  EXPECT_TRUE(masks_changed);
}

// What is stored is what the engine wrote, up to the first stop string.
TEST_F(Tasks, ResponsesAreTheEnginesUpToTheStopString) {
  PreparedTask task = written(1);
  const Sample& sample = task.documents[0].samples[0];
  GenerateOptions options;
  options.max_new_tokens = 24;
  options.end_tokens = task.generation->end_tokens;
  const std::vector<Intervention> none = {std::monostate{}};
  const Prompt prompt = {sample.id, sample.tokens};
  const std::vector<int32_t> tokens = engine_->generate(std::span(&prompt, 1), none, options)[0].tokens;
  std::vector<TokenId> known(tokens.begin(), tokens.end());
  std::erase_if(known, [&](TokenId id) { return !model_->tokenizer().token(id); });
  const std::string text = model_->tokenizer().decode(known, true);
  const auto response = [&] {
    StoredResult found;
    const std::vector<int64_t> documents = {0};
    evaluate(*engine_, task, documents, none, {},
             [&](auto results) { found = std::move(results[0].second); });
    return found;
  };
  EXPECT_EQ(response().response, text);
  ASSERT_GT(text.size(), 8u);
  const std::string stop = model_->tokenizer().decode(std::span(known).subspan(3, 1));
  task.task.generation.until = {stop};
  const StoredResult cut = response();
  EXPECT_EQ(cut.response, text.substr(0, text.find(stop)));
  EXPECT_LT(cut.passes.at(0), std::ssize(tokens)) << "it went on behind the stop string";
}

TEST_F(Tasks, EndTokensOfTheModelCount) {
  const PreparedTask before = written(1);
  const Sample& sample = before.documents[0].samples[0];
  const std::vector<Intervention> none = {std::monostate{}};
  const Prompt prompt = {sample.id, sample.tokens};
  GenerateOptions one_token;
  one_token.max_new_tokens = 1;
  const int32_t first = engine_->generate(std::span(&prompt, 1), none, one_token)[0].tokens[0];
  if (first >= 300) GTEST_SKIP() << "no token of the tokenizer";
  std::ofstream(folder_ / "generation_config.json") << fmt::format(R"({{"eos_token_id": [{}, 1]}})", first);
  open_model();
  const PreparedTask task = written(1);
  const std::vector<int64_t> documents = {0};
  evaluate(*engine_, task, documents, none, {},
           [&](auto results) { EXPECT_EQ(results[0].second.passes, std::vector<int64_t>{1}); });
}

TEST_F(Tasks, StoppedStudiesOfAnswersGoOn) {
  const PreparedTask task = written();
  StudyStore whole = store("whole.db", task);
  run_study(*engine_, task, whole, options_);
  EXPECT_GT(run_with_stops("stopped.db", task), 5);
  expect_equal("whole.db", "stopped.db", 5);
}

TEST_F(Tasks, StoppedStudiesOfTextsGoOn) {
  const PreparedTask task = texts(16);
  EXPECT_GT(task.stored[0].samples, 2) << "several windows";
  EXPECT_EQ(task.stored[0].log_likelihoods(), 1u);
  StudyStore whole = store("whole.db", task);
  run_study(*engine_, task, whole, options_);
  EXPECT_GT(run_with_stops("stopped.db", task), 5);
  expect_equal("whole.db", "stopped.db", 5);
}

// No time at all: document by document, and each in parts. What has left the last layer is stored wherever
// the run stops.
TEST_F(Tasks, WhatLeavesTheLastLayerIsStored) {
  const PreparedTask task = texts(16);
  StudyStore whole = store("whole.db", task);
  run_study(*engine_, task, whole, options_);
  options_.cohort_seconds = 1e-9;
  const int64_t results = 4 * std::ssize(task.documents);
  std::set<int64_t> stored;
  for (int stops = 0; stops < 200; ++stops) {
    StudyStore file = store("parts.db", task);
    StudyOptions options = options_;
    double at_stake = -1, least = 0;
    options.progress = [&, layers = 0](const Progress& progress) mutable {
      EXPECT_LE(progress.stored, progress.done);
      EXPECT_LE(progress.done, progress.total);
      if (progress.phase == "interventions") {
        EXPECT_GE(progress.stored, least);
        EXPECT_EQ(progress.total, results) << "of the whole study, also in later runs";
        least = progress.stored;
      }
      at_stake = progress.at_stake;
      return progress.phase != "interventions" || ++layers < 16;
    };
    try {
      run_study(*engine_, task, file, options);
      break;
    } catch (const Interrupted& error) {
      EXPECT_THAT(error.what(), HasSubstr("results of the interventions are stored"));
      EXPECT_THAT(error.what(), HasSubstr(" of work are lost"));
      EXPECT_GT(at_stake, 0);
    }
    stored.insert(passes_of(task, file, options).stored);
  }
  EXPECT_GT(std::ssize(stored), results / 2) << "a part at a time";
  expect_equal("whole.db", "parts.db", 5);
}

TEST_F(Tasks, TheFirstCohortTellsWhatTheRestTakes) {
  const PreparedTask task = written(40);
  StudyStore file = store("a.db", task);
  EXPECT_EQ(passes_of(task, file, options_).total, 5 * 40);
  EXPECT_EQ(passes_of(task, file, options_).stored, 0);
  std::vector<StudyEstimate> estimates;
  int64_t stored = 0;
  options_.on_estimate = [&](const StudyEstimate& estimate) {
    estimates.push_back(estimate);
    stored = passes_of(task, file, options_).stored;
  };
  run_study(*engine_, task, file, options_);
  ASSERT_EQ(estimates.size(), 1u);
  EXPECT_GT(stored, 0);
  EXPECT_LT(stored, 40) << "before the baseline is complete";
  EXPECT_GT(estimates[0].seconds, estimates[0].longest_document);
  EXPECT_GT(estimates[0].longest_document, 0);
  EXPECT_GT(estimates[0].memory, 0);
  EXPECT_EQ(passes_of(task, file, options_).stored, 5 * 40);
}

// With a context that holds the text there is one window; the sum over its tokens is the document's.
TEST_F(Tasks, TextsSumOverTheirTokens) {
  const PreparedTask task = texts();
  ASSERT_EQ(task.stored[0].samples, 1);
  const std::vector<Intervention> none = {std::monostate{}};
  const std::vector<PathResult> direct = engine_->run(task.documents[0].samples, none);
  double sum = 0;
  for (const float value : direct[0].log_probs) sum += value;
  const std::vector<int64_t> documents = {0};
  evaluate(*engine_, task, documents, none, {}, [&](auto results) {
    ASSERT_EQ(results[0].second.log_likelihoods.size(), 1u);
    EXPECT_EQ(results[0].second.log_likelihoods[0], static_cast<float>(sum));
  });
}

// Whatever the cohorts; of written answers those of the prompts. Results come when what they are of has been
// added.
TEST_F(Tasks, OutputsAreSummedCohortByCohort) {
  const std::vector<Intervention> none = {std::monostate{}};
  for (const PreparedTask& task : {written(), texts(16)}) {
    std::vector<Sample> samples;
    for (const EncodedDocument& document : task.documents)
      samples.insert(samples.end(), document.samples.begin(), document.samples.end());
    OutputSums want;
    engine_->run(samples, none, {.outputs = &want});
    EXPECT_GT(want.rows, 0);
    for (const int64_t rows : {int64_t{1}, int64_t{1} << 19}) {
      OutputSums sums;
      CohortSize size = CohortSize::of_any_time(rows);
      EvaluateOptions options;
      options.size = &size;
      options.outputs = &sums;
      int64_t before = 0;
      evaluate(*engine_, task, all_documents(task), none, options, [&](const Results& results) {
        int64_t tokens = 0;
        for (const auto& [number, result] : results) {
          for (const Sample& sample : task.documents[static_cast<size_t>(result.document)].samples)
            tokens += std::ssize(sample.tokens) - 1;
        }
        EXPECT_EQ(sums.rows, before + tokens);
        before = sums.rows;
      });
      EXPECT_EQ(sums, want) << task.task.name << " " << rows;
    }
  }
}

// Both rounds of a study in parts.
TEST_F(Tasks, PartsThatAreJoinedAreTheStudyOfOneProcess) {
  const PreparedTask task = written(7, 4);
  StudyStore whole = store("whole.db", task);
  run_study(*engine_, task, whole, options_);
  for (const int count : {1, 2, 3, 7}) {
    const fs::path joined = folder_ / fmt::format("joined{}.db", count);
    std::vector<fs::path> parts;
    for (const Round round : {Round::baseline, Round::interventions}) {
      for (int k = 1; k <= count; ++k) {
        const Shard shard = {k, count};
        StudyOptions options = options_;
        options.round = round;
        options.documents = shard_ranges(task.stored, count)[static_cast<size_t>(k - 1)];
        StudyStore part = store(file_name(shard), task, shard);
        if (round == Round::interventions) part.set_plan(StudyStore::open_read_only(joined).plan());
        EXPECT_EQ(is_complete(part, options), options.documents->size() == 0);
        run_study(*engine_, task, part, options);
        EXPECT_TRUE(is_complete(part, options));
        const Passes passes = passes_of(task, part, options);
        EXPECT_EQ(passes.total, passes.stored);
        if (round == Round::baseline) parts.push_back(folder_ / file_name(shard));
      }
      EXPECT_EQ(merge_studies(parts, joined).planned, round == Round::baseline);
    }
    expect_equal("whole.db", joined.filename().string(), 5);
    for (const fs::path& part : parts) fs::remove(part);
  }
}

TEST_F(Tasks, SettingsNameWhatDecidesAnswers) {
  PreparedTask task = written();
  StudyDescription description;
  description.model = model_.get();
  description.task = &task;
  description.chat = ChatDescription{"{{ messages }}", false, "2024-07-26"};
  description.system = "Be brief.";
  const Settings settings = describe(description);
  EXPECT_EQ(settings.at("task.output"), "generate_until");
  EXPECT_EQ(settings.at("task.metrics"), "exact_match,strict-match;exact_match,flexible-extract");
  EXPECT_EQ(settings.at("info.metric"), "exact_match,strict-match");
  EXPECT_EQ(settings.at("chat").size(), 32u);
  EXPECT_EQ(settings.at("chat.multiturn"), "no");
  EXPECT_EQ(settings.at("chat.date"), "2024-07-26");
  EXPECT_EQ(settings.at("system"), "Be brief.");
  EXPECT_EQ(settings.at("generation.max_new_tokens"), "24");
  EXPECT_EQ(settings.at("generation.until"), R"(["Question:"])");
  EXPECT_EQ(settings.at("generation.repetition_penalty"), "1");
  EXPECT_FALSE(settings.at("generation.end_tokens").empty());
  description.chat.reset();
  const Settings plain = describe(description);
  EXPECT_EQ(plain.at("chat"), "none");
  EXPECT_FALSE(plain.contains("chat.date"));
}

TEST_F(Tasks, GenerationSettingsThatCannotBeHonouredAreRefusedOnlyWhereTextIsWritten) {
  std::ofstream(folder_ / "generation_config.json") << R"({"no_repeat_ngram_size": 3})";
  EXPECT_THAT(error_of([&] { written(); }), HasSubstr("no_repeat_ngram_size is 3"));
  texts();
}

TEST_F(Tasks, PromptsLeaveRoomForTheAnswer) {
  EXPECT_THAT(error_of([&] { written(1, 2000); }), HasSubstr("2000 new tokens do not fit"));
}

}  // namespace
}  // namespace idleheads
