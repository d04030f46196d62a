// What a reader does with a study whose writer was killed.
#pragma once

#include <filesystem>

namespace idleheads {

// Lets SQLite finish or undo what a killed run had begun, which takes writing: with the writer's lock, and
// only if file and folder can be written. Throws Error that says what to do otherwise.
void finish_stopped_run(const std::filesystem::path& study);

}  // namespace idleheads
