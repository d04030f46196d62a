// What tasks without subjects have in common: one split to be evaluated, one to choose examples from.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "task/dataset.h"
#include "task/formats.h"

namespace idleheads {

// All items of a split.
using ReadItems =
    std::function<std::vector<Item>(const DatasetSplit& split, const std::filesystem::path& data)>;

// Where every row is an item.
ReadItems each_row(Item (*to_item)(const Row& row));

// Gives the task, which has its name, these splits.
void use_splits(TaskFormat& format, const DatasetSplit& evaluated, const DatasetSplit& examples,
                const ReadItems& read);

}  // namespace idleheads
