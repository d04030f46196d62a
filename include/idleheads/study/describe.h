// What decides the results of a study, as settings for its file.
#pragma once

#include <optional>
#include <string>

#include "idleheads/engine/engine.h"
#include "idleheads/study/prepared_task.h"
#include "idleheads/studyfile/plan.h"
#include "idleheads/studyfile/shard.h"
#include "idleheads/studyfile/store.h"

namespace idleheads {

// How prompts were made a chat of.
struct ChatDescription {
  std::string source;  // of the model's template
  bool multiturn = true;
  std::string date;  // what templates that print one were given
};

// What decides the results of a study, for StudyStore::open.
struct StudyDescription {
  const Model* model = nullptr;
  const PreparedTask* task = nullptr;
  std::string limit;  // as given; "all"
  std::string bos;
  std::optional<ChatDescription> chat;
  std::string system;  // instruction before the prompts
  Precision precision = Precision::f32;
  uint64_t seed = 1234;
  DeviceChoice device = {};
  std::optional<Shard> shard = {};
  Targets targets = {};  // of a study in parts: what the joined file is to have
  bool mean = false;     // heads that are off give their means, not zeros
};
Settings describe(const StudyDescription& description);

}  // namespace idleheads
