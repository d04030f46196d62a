# The library for other projects: headers, archives (or with IDLEHEADS_SHARED shared libraries), and what find_package and
# pkg-config read. idleheads::studyfile reads studies, and links neither the engine nor oneDNN; idleheads::idleheads is all
# that needs no network; idleheads::hub fetches models and data, and links libcurl.
include(CMakePackageConfigHelpers)

set(studyfile_layers base strings format heads analysis studyfile report)
set(engine_layers model engine task study prune evaluation)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/idleheads)

install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/idleheads DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")

# What users link. `last`: the layer that links all others of it.
function(idleheads_package name last)
  add_library(idleheads_for_${name} INTERFACE)
  set_target_properties(idleheads_for_${name} PROPERTIES EXPORT_NAME ${name})
  add_library(idleheads::${name} ALIAS idleheads_for_${name})
  target_include_directories(idleheads_for_${name} INTERFACE $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  target_compile_features(idleheads_for_${name} INTERFACE cxx_std_20)
  target_link_libraries(idleheads_for_${name} INTERFACE ${last})
endfunction()

if(IDLEHEADS_SHARED)
  # libNAME.so of the layers behind it.
  function(idleheads_shared target name)
    list(TRANSFORM ARGN REPLACE "(.+)" "$<TARGET_OBJECTS:idleheads_\\1>" OUTPUT_VARIABLE objects)
    list(TRANSFORM ARGN PREPEND idleheads_ OUTPUT_VARIABLE layers)
    add_library(${target} SHARED ${objects})
    add_dependencies(${target} ${layers})
    set_target_properties(${target} PROPERTIES OUTPUT_NAME ${name} VERSION ${PROJECT_VERSION}
                          SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR} LINKER_LANGUAGE CXX
                          INSTALL_RPATH "$ORIGIN")
    # The Rust library is in both, and shows in neither.
    target_link_options(${target} PRIVATE -Wl,--exclude-libs,libidleheads_text.a -Wl,--no-undefined)
    target_link_libraries(${target} PRIVATE $<BUILD_INTERFACE:idleheads_rust> fmt::fmt Threads::Threads SQLite::SQLite3)
  endfunction()
  idleheads_shared(idleheads_studyfile_so idleheads_studyfile ${studyfile_layers})
  idleheads_shared(idleheads_so idleheads ${engine_layers})
  target_link_libraries(idleheads_so PUBLIC idleheads_studyfile_so PRIVATE DNNL::dnnl PkgConfig::HWY OpenMP::OpenMP_CXX)
  idleheads_shared(idleheads_hub_so idleheads_hub hub)
  target_link_libraries(idleheads_hub_so PUBLIC idleheads_so PRIVATE CURL::libcurl)
  idleheads_package(studyfile idleheads_studyfile_so)
  idleheads_package(idleheads idleheads_so)
  idleheads_package(hub idleheads_hub_so)
  install(TARGETS idleheads_studyfile_so idleheads_for_studyfile EXPORT idleheads_studyfile
          LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
  install(TARGETS idleheads_so idleheads_for_idleheads EXPORT idleheads_engine LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
  install(TARGETS idleheads_hub_so idleheads_for_hub EXPORT idleheads_hub LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
  set(studyfile_libs "-lidleheads_studyfile")
  set(engine_libs "-lidleheads -lidleheads_studyfile")
  set(hub_libs "-lidleheads_hub -lidleheads -lidleheads_studyfile")
else()
  idleheads_package(studyfile idleheads_report)
  idleheads_package(idleheads idleheads_evaluation)
  idleheads_package(hub idleheads_hub)
  target_link_libraries(idleheads_for_hub INTERFACE idleheads_evaluation) # as the shared library does
  list(TRANSFORM studyfile_layers PREPEND idleheads_ OUTPUT_VARIABLE studyfile_targets)
  list(TRANSFORM engine_layers PREPEND idleheads_ OUTPUT_VARIABLE engine_targets)
  install(TARGETS ${studyfile_targets} idleheads_rust idleheads_for_studyfile EXPORT idleheads_studyfile
          ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
  install(TARGETS ${engine_targets} idleheads_for_idleheads EXPORT idleheads_engine
          ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
  install(TARGETS idleheads_hub idleheads_for_hub EXPORT idleheads_hub ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
  install(FILES ${text_library} DESTINATION ${CMAKE_INSTALL_LIBDIR} RENAME libidleheads_rust.a)
  # A linker takes from an archive what was asked for before it: the layers from above.
  function(idleheads_link_line variable system)
    list(REVERSE ARGN)
    list(TRANSFORM ARGN PREPEND -lidleheads_)
    list(JOIN ARGN " " line)
    set(${variable} "${line} -lidleheads_rust ${system} -lfmt -ldl -lm -pthread" PARENT_SCOPE)
  endfunction()
  idleheads_link_line(studyfile_libs "-lsqlite3" ${studyfile_layers})
  idleheads_link_line(engine_libs "-lsqlite3 -ldnnl -lhwy -fopenmp" ${studyfile_layers} ${engine_layers})
  idleheads_link_line(hub_libs "-lsqlite3 -ldnnl -lhwy -fopenmp -lcurl" ${studyfile_layers} ${engine_layers} hub)
endif()

install(EXPORT idleheads_studyfile NAMESPACE idleheads:: DESTINATION ${package_dir} FILE studyfile_targets.cmake)
install(EXPORT idleheads_engine NAMESPACE idleheads:: DESTINATION ${package_dir} FILE engine_targets.cmake)
install(EXPORT idleheads_hub NAMESPACE idleheads:: DESTINATION ${package_dir} FILE hub_targets.cmake)
configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/idleheads-config.cmake.in ${PROJECT_BINARY_DIR}/idleheads-config.cmake
                              INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/idleheads-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/idleheads-config.cmake ${PROJECT_BINARY_DIR}/idleheads-config-version.cmake
        DESTINATION ${package_dir})

file(RELATIVE_PATH up_to_prefix /prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig /prefix)
function(idleheads_pkg_config file name description libs)
  configure_file(${PROJECT_SOURCE_DIR}/cmake/idleheads.pc.in ${PROJECT_BINARY_DIR}/${file} @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/${file} DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endfunction()
idleheads_pkg_config(idleheads.pc idleheads "Scores and ablates attention heads of language models" "${engine_libs}")
idleheads_pkg_config(idleheads-hub.pc idleheads-hub "Fetches models and data sets from the Hugging Face Hub" "${hub_libs}")
idleheads_pkg_config(idleheads-studyfile.pc idleheads-studyfile "Reads study files of idleheads" "${studyfile_libs}")
