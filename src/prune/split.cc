#include "prune/split.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "base/hash.h"

namespace idleheads {

DocumentSplit split_documents(const std::vector<StoredDocument>& documents, uint64_t seed) {
  std::map<std::string, std::vector<std::pair<uint64_t, int64_t>>> groups;  // hash, index
  for (size_t i = 0; i < documents.size(); ++i) {
    const StoredDocument& document = documents[i];
    const uint64_t hash = hash64(fmt::format("{}/{}/{}", seed, document.group, document.index));
    groups[document.group].emplace_back(hash, static_cast<int64_t>(i));
  }
  DocumentSplit split;
  for (auto& [group, members] : groups) {
    std::ranges::sort(members);
    for (size_t k = 0; k < members.size(); ++k)
      (2 * k < members.size() ? split.calibration : split.test).push_back(members[k].second);
  }
  std::ranges::sort(split.calibration);
  std::ranges::sort(split.test);
  return split;
}

std::vector<bool> same_documents(const std::vector<StoredDocument>& from,
                                 const std::vector<StoredDocument>& documents,
                                 const std::vector<int64_t>& chosen) {
  std::set<std::pair<std::string, int64_t>> names;
  for (const int64_t d : chosen) {
    const StoredDocument& document = documents[static_cast<size_t>(d)];
    names.emplace(document.group, document.index);
  }
  std::vector<bool> out;
  for (const StoredDocument& document : from) out.push_back(names.contains({document.group, document.index}));
  return out;
}

}  // namespace idleheads
