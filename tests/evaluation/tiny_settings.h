// The golden llama with the tiny tokenizer and a file of questions, by settings as users say them.
#pragma once

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "idleheads/idleheads.h"
#include "support/errors.h"
#include "support/temp_folder.h"
#include "support/tiny_model.h"

namespace idleheads {

class TinySettings : public testing::Test {
 protected:
  void SetUp() override {
    test::copy_tiny_model(folder_.path());
    std::ofstream questions(folder_ / "even.jsonl");
    for (int i = 0; i < 12; ++i) {
      questions << fmt::format(R"({{"question": "Is {} even?", "choices": ["yes", "no"], "answer": {}}})",
                               i * 7, i % 2)
                << "\n";
    }
    questions.close();
    engine_settings_.model = folder_.path().string();
    engine_settings_.dtype = "f32";
    engine_settings_.threads = 2;
    task_settings_.tasks = {(folder_ / "even.jsonl").string()};
    model_ = engine_settings_.open_model();
    engine_ = engine_settings_.make_engine(model_);
  }
  std::string file(const std::string& name) const { return (folder_ / name).string(); }

  test::TempFolder folder_;
  EngineSettings engine_settings_;
  TaskSettings task_settings_;
  std::shared_ptr<const Model> model_;
  std::unique_ptr<Engine> engine_;
};

}  // namespace idleheads
