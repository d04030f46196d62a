// What the text library does when it gets no memory.
#ifndef IDLEHEADS_MEMORY_H_
#define IDLEHEADS_MEMORY_H_

#ifdef __cplusplus
extern "C" {
#endif

// From here on `handler` is called, on whatever thread, when memory cannot be had; it may allocate nothing, and should
// end the process: when it returns, the library aborts it with a message of its own. The first call counts.
void idleheads_on_out_of_memory(void (*handler)(void));

#ifdef __cplusplus
}
#endif

#endif  // IDLEHEADS_MEMORY_H_
