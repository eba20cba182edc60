# One kernel text, compiled once per instruction set; which table runs is chosen at run time (select.c).
# All of them need fused multiply-add in hardware (x86: Haswell, 2013, and later), as SLEEF's finz_ functions do.
set(kernel_dir ${CMAKE_CURRENT_LIST_DIR})
set(kernel_scalar ${kernel_dir}/isa_scalar.c ${kernel_dir}/scalar_math.c)
set_source_files_properties(${kernel_scalar} PROPERTIES COMPILE_OPTIONS "-O3")
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  set_source_files_properties(${kernel_scalar} PROPERTIES COMPILE_OPTIONS
    "-O3;-mfma;-fno-tree-vectorize;-fno-tree-slp-vectorize")
  set_source_files_properties(${kernel_dir}/isa_avx2.c PROPERTIES COMPILE_OPTIONS "-O3;-mavx2;-mfma")
  set_source_files_properties(${kernel_dir}/isa_avx512.c PROPERTIES COMPILE_OPTIONS
    "-O3;-mavx512f;-mavx2;-mfma;-mprefer-vector-width=512")
endif()
