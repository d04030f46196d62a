# Compiler flags of all our own code, in one interface target.
add_library(idleheads_flags INTERFACE)
target_compile_options(idleheads_flags INTERFACE -Wall -Wextra $<$<BOOL:${IDLEHEADS_DEVELOPER}>:-Werror>)
# Results must not depend on which compiler contracts a*b+c: only the SIMD kernels fuse, and they say so.
target_compile_options(idleheads_flags INTERFACE -ffp-contract=off)
if(IDLEHEADS_SANITIZE)
  target_compile_options(idleheads_flags INTERFACE -fsanitize=${IDLEHEADS_SANITIZE} -fno-omit-frame-pointer
                                                   -fno-sanitize-recover=all)
  target_link_options(idleheads_flags INTERFACE -fsanitize=${IDLEHEADS_SANITIZE})
endif()
