// idleheads fetch as a user runs it, against a made-up Hub.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "cli/command.h"
#include "support/play_hub.h"

namespace idleheads {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;

const fs::path kData = IDLEHEADS_TEST_DATA;

class FetchCommand : public testing::Test {
 protected:
  void serve(const std::string& path, const fs::path& file) const {
    std::ifstream content(file, std::ios::binary);
    hub_.serve(path, std::string(std::istreambuf_iterator<char>(content), {}));
  }
  void serve_model() const {
    for (const char* name : {"config.json", "model.safetensors"})
      serve(std::string("models/org/tiny/main/") + name, kData / "golden/families/qwen3" / name);
  }

  test::PlayHub hub_;
};

TEST_F(FetchCommand, AModelThatWasMissingIsFetchedByTheCommandThatIsNamed) {
  serve_model();
  const Outcome missing = run_idleheads({"info", "org/tiny"});
  EXPECT_EQ(missing.code, 1);
  EXPECT_THAT(missing.err, EndsWith("get it with: idleheads fetch model org/tiny\n"));
  const Outcome fetched = run_idleheads({"fetch", "model", "org/tiny"});
  EXPECT_EQ(fetched.code, 0) << fetched.err;
  EXPECT_THAT(fetched.err, AllOf(testing::StartsWith("org/tiny at "), HasSubstr(" kB downloaded")));
  ASSERT_THAT(fetched.out, EndsWith("\n"));
  EXPECT_TRUE(fs::exists(fs::path(fetched.out.substr(0, fetched.out.size() - 1)) / "config.json"));
  EXPECT_EQ(run_idleheads({"info", "org/tiny"}).code, 0);
  EXPECT_THAT(run_idleheads({"fetch", "model", "org/tiny"}).err, HasSubstr("all there already"));
}

TEST_F(FetchCommand, ProgressForPrograms) {
  serve_model();
  const Outcome fetched = run_idleheads({"fetch", "model", "org/tiny", "--progress", "json"});
  EXPECT_EQ(fetched.code, 0) << fetched.err;
  EXPECT_THAT(fetched.err, HasSubstr("\"unit\":\"MB\""));
  EXPECT_THAT(fetched.err, HasSubstr("\"phase\":\"org/tiny\""));
  EXPECT_THAT(fetched.err, testing::ContainsRegex("\"known\":\"[0-9.]+ [kM]?B/s\""));
}

TEST_F(FetchCommand, SeveralTasks) {
  hub_.serve_folder("datasets/allenai/ai2_arc/main/ARC-Easy", kData / "task_samples/parquet/arc/ARC-Easy");
  hub_.serve_folder("datasets/openai/gsm8k/main/main", kData / "task_samples/parquet/gsm8k/main");
  const Outcome fetched = run_idleheads({"fetch", "task", "arc_easy", "gsm8k"});
  EXPECT_EQ(fetched.code, 0) << fetched.err;
  EXPECT_THAT(fetched.err, HasSubstr("gsm8k: openai/gsm8k at "));
  EXPECT_EQ(std::count(fetched.out.begin(), fetched.out.end(), '\n'), 2);
  EXPECT_THAT(fetched.out,
              AllOf(HasSubstr("datasets--allenai--ai2_arc"), HasSubstr("datasets--openai--gsm8k")));
}

TEST_F(FetchCommand, CtrlCStopsAndTheSameCommandGoesOn) {
  hub_.serve("models/org/tiny/main/tiny.gguf", std::string(100'000, 'x'));
  hub_.rules({{{"host", "cdn"}, {"path", "gguf"}, {"slow", 60}, {"times", 1}}});
  Surroundings surroundings;
  surroundings.meanwhile = [&](pid_t child) {
    const auto asked_cdn = [&] {
      for (const auto& request : hub_.requests()) {
        if (request["host"] == "cdn") return true;
      }
      return false;
    };
    for (int i = 0; i < 6000 && !asked_cdn(); ++i) usleep(10'000);
    kill(child, SIGINT);
  };
  const Outcome stopped = run_idleheads_in(surroundings, {"fetch", "model", "org/tiny"});
  EXPECT_EQ(stopped.code, 130);
  EXPECT_THAT(stopped.err, HasSubstr("the same command goes on"));
  EXPECT_EQ(run_idleheads({"fetch", "model", "org/tiny"}).code, 0);
}

TEST_F(FetchCommand, WrongUse) {
  const auto usage = [](const std::vector<std::string>& arguments) {
    const Outcome outcome = run_idleheads(arguments);
    EXPECT_EQ(outcome.code, 2) << outcome.err;
    return outcome.err;
  };
  EXPECT_THAT(usage({"fetch", "task", "piqqa"}), HasSubstr("did you mean 'piqa'?"));
  EXPECT_THAT(usage({"fetch", "task", "piqa", "--file", "x"}), HasSubstr("are for models"));
  EXPECT_THAT(usage({"fetch", "model", "a/b", "c/d", "--file", "x"}),
              HasSubstr("for one model, and 2 are given"));
  EXPECT_THAT(usage({"fetch", "model", "tiny"}), HasSubstr("as in org/name"));
  EXPECT_THAT(usage({"fetch", "data", "x"}),
              HasSubstr("idleheads: 'data' is neither 'model' nor 'task' (idleheads help fetch"));
  EXPECT_THAT(usage({"fetch", "piqa"}),
              HasSubstr("'piqa' is neither 'model' nor 'task'; did you mean: idleheads fetch task piqa ("));
  EXPECT_THAT(usage({"fetch", "a/b"}), HasSubstr("did you mean: idleheads fetch model a/b ("));
  usage({"fetch", "model"});
  setenv("HF_HUB_OFFLINE", "1", 1);
  const Outcome offline = run_idleheads({"fetch", "task", "piqa"});
  EXPECT_EQ(offline.code, 1);
  EXPECT_THAT(offline.err, HasSubstr("HF_HUB_OFFLINE is set"));
}

}  // namespace
}  // namespace idleheads
