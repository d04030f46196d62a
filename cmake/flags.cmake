# Compiler flags of all our own code, in one interface target.
add_library(idleheads_flags INTERFACE)
# g++'s warnings are errors; clang, which builds for the sanitizers, has others with each version.
target_compile_options(idleheads_flags INTERFACE
  -Wall -Wextra $<$<AND:$<BOOL:${IDLEHEADS_DEVELOPER}>,$<CXX_COMPILER_ID:GNU>>:-Werror>)
# g++ 12 warns of string and vector code that it inlined itself (GCC bug 105651 and kin).
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  target_compile_options(idleheads_flags INTERFACE -Wconversion -Wshadow -Wno-stringop-overread -Wno-restrict)
endif()
# Results must not depend on which compiler contracts a*b+c: only the SIMD kernels fuse, and they say so.
target_compile_options(idleheads_flags INTERFACE -ffp-contract=off)
if(IDLEHEADS_SANITIZE)
  # GCC warns of uninitialised members where the sanitizers' own code stands between, so not here.
  target_compile_options(idleheads_flags INTERFACE -fsanitize=${IDLEHEADS_SANITIZE} -fno-omit-frame-pointer
                                                   -fno-sanitize-recover=all
                                                   $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
  target_link_options(idleheads_flags INTERFACE -fsanitize=${IDLEHEADS_SANITIZE})
endif()
