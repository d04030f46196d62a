// Items to prompts: system text, few-shot examples, chat or not, as lm-evaluation-harness 0.4.5 puts them
// together.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "task/formats.h"
#include "task/python_random.h"

namespace idleheads {

struct Framing {
  int shots = 0;
  std::string system;                 // instruction before the task's description
  const ChatOptions* chat = nullptr;  // nullptr: plain text
};

// One document an item, in order. `random` draws the examples: one draw a document (with chat and not
// multiturn two, of which the second counts), so that a document's examples depend on those before it. Throws
// Error: too few examples, a chat template that fails (which document).
std::vector<Document> frame(const TaskFormat& format, const ItemGroup& group, const Framing& framing,
                            PythonRandom& random);

}  // namespace idleheads
