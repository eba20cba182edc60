# Flags shared by every target, and the helpers with which the domains are declared.

add_library(ridge_flags INTERFACE)
target_compile_options(ridge_flags INTERFACE
  -Wall -Wextra -Wshadow -Wpointer-arith -Wstrict-prototypes -Wmissing-prototypes -Wwrite-strings -Wvla
  -Wno-missing-field-initializers -ffp-contract=off -fno-math-errno -fno-trapping-math)
if(RIDGE_WERROR)
  target_compile_options(ridge_flags INTERFACE -Werror)
endif()
if(RIDGE_SANITIZE)
  target_compile_options(ridge_flags INTERFACE -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(ridge_flags INTERFACE -fsanitize=address,undefined)
endif()
if(RIDGE_FUZZ)
  target_compile_options(ridge_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
target_compile_definitions(ridge_flags INTERFACE _GNU_SOURCE)

set(RIDGE_DOMAINS "" CACHE INTERNAL "")
file(WRITE ${PROJECT_BINARY_DIR}/empty.c "typedef int ridge_empty;\n")

# ridge_domain(name [USES domain...] [LIBS library...]): src/name/**.c as one static library.
function(ridge_domain name)
  cmake_parse_arguments(A "" "" "USES;LIBS" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/${name}/*.c)
  if(NOT sources)
    set(sources ${PROJECT_BINARY_DIR}/empty.c)
  endif()
  add_library(ridge_${name} STATIC ${sources})
  target_include_directories(ridge_${name} PUBLIC ${PROJECT_SOURCE_DIR}/include PRIVATE ${PROJECT_SOURCE_DIR}/src)
  target_link_libraries(ridge_${name} PRIVATE ridge_flags)
  foreach(u ${A_USES})
    target_link_libraries(ridge_${name} PUBLIC ridge_${u})
  endforeach()
  if(A_LIBS)
    target_link_libraries(ridge_${name} PUBLIC ${A_LIBS})
  endif()
  set(RIDGE_DOMAINS ${RIDGE_DOMAINS} ridge_${name} CACHE INTERNAL "")
  if(EXISTS ${PROJECT_SOURCE_DIR}/src/${name}/flags.cmake)
    include(${PROJECT_SOURCE_DIR}/src/${name}/flags.cmake)
  endif()
endfunction()

# libridge.so: all domains in one library, for users and bindings; cmake/ridge.map says what they see.
function(ridge_library)
  add_library(ridge SHARED ${PROJECT_BINARY_DIR}/empty.c)
  target_link_libraries(ridge PRIVATE ridge_flags -Wl,--whole-archive ${RIDGE_DOMAINS} -Wl,--no-whole-archive
    -Wl,--version-script=${PROJECT_SOURCE_DIR}/cmake/ridge.map)
  target_include_directories(ridge INTERFACE $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:include>)
  set_target_properties(ridge PROPERTIES VERSION ${PROJECT_VERSION} SOVERSION 0)
endfunction()

function(ridge_install)
  install(TARGETS ridge LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
  install(TARGETS ridge_cli RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
  install(DIRECTORY include/ridge DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
  install(DIRECTORY data/ DESTINATION ${CMAKE_INSTALL_DATADIR}/ridge)
  # Man page and completion are printed by the program from its own tables.
  add_custom_command(OUTPUT ${PROJECT_BINARY_DIR}/ridge.1 ${PROJECT_BINARY_DIR}/ridge.bash
    COMMAND ridge_cli --man > ridge.1 COMMAND ridge_cli --completion > ridge.bash
    DEPENDS ridge_cli WORKING_DIRECTORY ${PROJECT_BINARY_DIR} VERBATIM)
  add_custom_target(ridge_man ALL DEPENDS ${PROJECT_BINARY_DIR}/ridge.1 ${PROJECT_BINARY_DIR}/ridge.bash)
  install(FILES ${PROJECT_BINARY_DIR}/ridge.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
  install(FILES ${PROJECT_BINARY_DIR}/ridge.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME ridge)
  # What --prefix says when installing counts, so nothing here is absolute.
  file(RELATIVE_PATH prefix_from_pc ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
  configure_file(cmake/ridge.pc.in ridge.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/ridge.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endfunction()
