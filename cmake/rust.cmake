if(NOT EXISTS ${PROJECT_SOURCE_DIR}/text/Cargo.toml)
  return()
endif()
# The text library (Hugging Face tokenizers, minijinja): a Rust static library behind text/idleheads_text.h. It is the
# same in every build type, so all build folders share text/target. With Cargo.lock and the crates fetched once, Cargo
# needs no network.
find_program(CARGO NAMES cargo HINTS $ENV{HOME}/.cargo/bin REQUIRED)
set(text_dir ${PROJECT_SOURCE_DIR}/text)
set(text_library ${text_dir}/target/release/libidleheads_text.a)
file(GLOB_RECURSE text_sources CONFIGURE_DEPENDS ${text_dir}/src/*.rs)
add_custom_command(
  OUTPUT ${text_library}
  COMMAND ${CARGO} build --release --locked --quiet --manifest-path ${text_dir}/Cargo.toml --target-dir ${text_dir}/target
  COMMAND ${CMAKE_COMMAND} -E touch ${text_library} # Cargo leaves it alone if only time stamps changed
  DEPENDS ${text_sources} ${text_dir}/Cargo.toml ${text_dir}/Cargo.lock
  COMMENT "Building the text library (Rust)"
  VERBATIM)
add_custom_target(idleheads_rust_build DEPENDS ${text_library})
add_library(idleheads_rust INTERFACE)
add_dependencies(idleheads_rust idleheads_rust_build)
target_include_directories(idleheads_rust INTERFACE $<BUILD_INTERFACE:${text_dir}>)
target_link_libraries(idleheads_rust INTERFACE $<BUILD_INTERFACE:${text_library}>
                      $<INSTALL_INTERFACE:$<INSTALL_PREFIX>/${CMAKE_INSTALL_LIBDIR}/libidleheads_rust.a> dl m)
