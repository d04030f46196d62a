# Run at each build (cmake -P): writes the version, the commit and the build type into OUTPUT. The file is touched only if that changes,
# so a build without a new commit compiles nothing.
# Needs SOURCE (the project's folder), VERSION, BUILD_TYPE, OUTPUT.
set(commit "unknown")
find_program(git git)
if(git)
  # A tarball unpacked inside another repository must not get that one's commit.
  execute_process(COMMAND ${git} -C ${SOURCE} rev-parse --show-toplevel OUTPUT_VARIABLE top ERROR_QUIET
                  OUTPUT_STRIP_TRAILING_WHITESPACE)
  file(REAL_PATH ${SOURCE} source)
  if(top STREQUAL source)
    execute_process(COMMAND ${git} -C ${SOURCE} describe --always --dirty --abbrev=12 --exclude=* OUTPUT_VARIABLE described
                    ERROR_QUIET OUTPUT_STRIP_TRAILING_WHITESPACE RESULT_VARIABLE failed)
    if(NOT failed AND described MATCHES "^[0-9a-f]+(-dirty)?$")
      set(commit ${described})
    endif()
  endif()
endif()
string(CONCAT text "#pragma once\n#define IDLEHEADS_VERSION \"${VERSION}\"\n#define IDLEHEADS_COMMIT \"${commit}\"\n"
         "#define IDLEHEADS_BUILD_TYPE \"${BUILD_TYPE}\"\n")
set(before "")
if(EXISTS ${OUTPUT})
  file(READ ${OUTPUT} before)
endif()
if(NOT text STREQUAL before)
  file(WRITE ${OUTPUT} "${text}")
endif()
