// A study in parts, each for a process of its own: which documents a part has. Parts are joined by merge.h.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "idleheads/studyfile/store.h"

namespace idleheads {

// The setting that names a part, "info.shard" = "3/16"; and what its study wants of the plan, as the user
// gave it: slugs and shares with commas between.
inline constexpr const char* kShardSetting = "info.shard";
inline constexpr const char* kScoresSetting = "info.scores";
inline constexpr const char* kSharesSetting = "info.shares";

// Part `number` of `count`, counted from 1.
struct Shard {
  int number = 1, count = 1;
  bool operator==(const Shard&) const = default;
};

// "3/16". Throws UsageError: anything else, a number above the count, more than 9999 parts.
Shard parse_shard(std::string_view text);
std::string to_string(Shard shard);
// "003.of016.db"
std::string file_name(Shard shard);

// Consecutive documents [first, end).
struct DocumentRange {
  int64_t first = 0, end = 0;

  int64_t size() const { return end - first; }
  bool contains(int64_t document) const { return document >= first && document < end; }
  bool operator==(const DocumentRange&) const = default;
};

// The documents of each of `count` parts: about the same number of tokens, and cut between groups where one
// ends nearby, since the prompts of a group begin alike and rows are shared within a part alone. The same for
// every part of a study. Some are empty where there are more parts than documents.
std::vector<DocumentRange> shard_ranges(std::span<const StoredDocument> documents, int count);

}  // namespace idleheads
