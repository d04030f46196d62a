# Builds a file into a library: its bytes lie between the symbols idleheads_NAME_begin and idleheads_NAME_end.
enable_language(ASM)
function(idleheads_embed target name file)
  set(source ${CMAKE_CURRENT_BINARY_DIR}/embedded/${name}.S)
  file(CONFIGURE OUTPUT ${source} @ONLY CONTENT [[
.section .rodata
.global idleheads_@name@_begin, idleheads_@name@_end
idleheads_@name@_begin:
.incbin "@file@"
idleheads_@name@_end:
.section .note.GNU-stack,"",%progbits
]])
  set_property(SOURCE ${source} PROPERTY OBJECT_DEPENDS ${file})
  target_sources(${target} PRIVATE ${source})
endfunction()
