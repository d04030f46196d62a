// What the program asks of the system before anything else: descriptors, signals, and what it says when
// memory is short.
#pragma once

#include <span>
#include <string>

namespace idleheads::cli {

// To be called first in main(), by one thread, with its arguments, which must stay.
// - Descriptors 0, 1, 2 that are closed lead to /dev/null, so that no file of ours gets their number. Writing
// to
//   standard output then still fails, as results would be lost; what goes to stderr is dropped.
// - SIGINT, SIGTERM, SIGHUP ask to stop (interrupted()) instead of ending the process at once; a second one
// does
//   end it. One that was ignored at the start (nohup) stays ignored.
// - SIGXFSZ is ignored: writing then fails, and that is reported.
// - Memory that the Rust part does not get: one line, exit code 1.
// - SIGBUS in a mapped file, which was cut meanwhile: one line, exit code 1.
void prepare_process(std::span<char* const> arguments);
bool interrupted();

// What was typed, as it may be kept in files that others read: paths without the folders of this machine
// (base/portable_name.h), prompts as "...".
std::string command_line();

// The line for std::bad_alloc. `has_memory_flag`: the command has --memory.
std::string out_of_memory(bool has_memory_flag);

}  // namespace idleheads::cli
