# What `make install PREFIX=...` copies: the program, the module for CUDA devices beside it, the manual page, and what
# shells complete. Page and completions are printed by the program itself.

install(TARGETS idleheads RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
if(TARGET idleheads_cuda_module)
  # As it was linked: it finds the toolkit's libraries by where they are.
  install(PROGRAMS $<TARGET_FILE:idleheads_cuda_module> DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()

function(idleheads_install_printed destination file)
  set(printed ${PROJECT_BINARY_DIR}/printed/${file})
  list(JOIN ARGN " " arguments)
  install(CODE "file(MAKE_DIRECTORY ${PROJECT_BINARY_DIR}/printed)
execute_process(COMMAND $<TARGET_FILE:idleheads> ${arguments} OUTPUT_FILE ${printed} COMMAND_ERROR_IS_FATAL ANY)")
  install(FILES ${printed} DESTINATION ${destination})
endfunction()

idleheads_install_printed(${CMAKE_INSTALL_MANDIR}/man1 idleheads.1 man)
idleheads_install_printed(${CMAKE_INSTALL_DATADIR}/bash-completion/completions idleheads completion bash)
idleheads_install_printed(${CMAKE_INSTALL_DATADIR}/zsh/site-functions _idleheads completion zsh)
idleheads_install_printed(${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d idleheads.fish completion fish)
