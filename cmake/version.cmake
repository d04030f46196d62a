# src/base/version.cc, the only file that depends on the commit.
set(commit_folder ${CMAKE_CURRENT_BINARY_DIR}/version)
add_custom_target(idleheads_commit
  COMMAND ${CMAKE_COMMAND} -DSOURCE=${PROJECT_SOURCE_DIR} -DVERSION=${PROJECT_VERSION} -DBUILD_TYPE=$<CONFIG>
          -DOUTPUT=${commit_folder}/idleheads_commit.h -P ${PROJECT_SOURCE_DIR}/cmake/commit.cmake
  BYPRODUCTS ${commit_folder}/idleheads_commit.h)
add_dependencies(idleheads_base idleheads_commit)
set_property(SOURCE ${PROJECT_SOURCE_DIR}/src/base/version.cc APPEND PROPERTY INCLUDE_DIRECTORIES ${commit_folder})
