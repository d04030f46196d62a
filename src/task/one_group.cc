#include "task/one_group.h"

namespace idleheads {

ReadItems each_row(Item (*to_item)(const Row& row)) {
  return [to_item](const DatasetSplit& split, const std::filesystem::path& data) {
    std::vector<Item> items;
    for (const Row& row : read_split(split, data)) items.push_back(to_item(row));
    return items;
  };
}

namespace {

std::vector<Item> read_examples(const ReadItems& read, const DatasetSplit& split,
                                const std::filesystem::path& data) try {
  return read(split, data);
} catch (const Error& error) {
  fail("{} (few-shot examples are of this split; --shots 0 needs none)", error.what());
}

}  // namespace

void use_splits(TaskFormat& format, const DatasetSplit& evaluated, const DatasetSplit& examples,
                const ReadItems& read) {
  format.splits = {evaluated, examples};
  for (DatasetSplit& split : format.splits) split.task = format.name;
  format.load = [task = format.name, splits = format.splits,
                 read](const LoadRequest& request) -> LoadedItems {
    refuse_subjects(request.only, task);
    ItemGroup group;
    group.group.name = task;
    group.items = read(splits[0], request.data);
    if (request.examples) group.examples = read_examples(read, splits[1], request.data);
    group.examples_file = task + "'s training split";
    return {{std::move(group)}, ""};
  };
}

}  // namespace idleheads
