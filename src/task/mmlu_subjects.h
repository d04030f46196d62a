// The 57 subjects of MMLU with lm-evaluation-harness' four categories, in the order of its result table.
#pragma once

#include <vector>

#include "idleheads/task/task.h"

namespace idleheads {

const std::vector<Group>& mmlu_subjects();

}  // namespace idleheads
