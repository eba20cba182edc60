# One kernel text, compiled once per instruction set; which table runs is chosen at run time (select.c).
# All of them need fused multiply-add in hardware (x86: Haswell, 2013, and later), as SLEEF's finz_ functions do.
set(kernel_dir ${CMAKE_CURRENT_LIST_DIR})
set(kernel_scalar ${kernel_dir}/isa_scalar.c ${kernel_dir}/scalar_math.c)
set(scalar_level "-O3")
if(RIDGE_SANITIZE)
  set(scalar_level "-O1")  # with the checks -O3 takes minutes
endif()
set_source_files_properties(${kernel_scalar} PROPERTIES COMPILE_OPTIONS "${scalar_level}")
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  set_source_files_properties(${kernel_scalar} PROPERTIES COMPILE_OPTIONS
    "${scalar_level};-mfma;-fno-tree-vectorize;-fno-tree-slp-vectorize")
  set_source_files_properties(${kernel_dir}/isa_avx2.c PROPERTIES COMPILE_OPTIONS "-O3;-mavx2;-mfma")
  set_source_files_properties(${kernel_dir}/isa_avx512.c PROPERTIES COMPILE_OPTIONS
    "-O3;-mavx512f;-mavx2;-mfma;-mprefer-vector-width=512")
endif()

# The casts: written in vectors already, so the compiler's own unswitching and unrolling would only cost time.
set(cast_flags "-O2;-fno-tree-vectorize;-fno-unswitch-loops")
set_source_files_properties(${kernel_dir}/cast_scalar.c PROPERTIES COMPILE_OPTIONS "${cast_flags}")
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  set_source_files_properties(${kernel_dir}/pack_bmi2.c PROPERTIES COMPILE_OPTIONS "-O2;-mbmi2")
  set_source_files_properties(${kernel_dir}/cast_avx2.c PROPERTIES COMPILE_OPTIONS "${cast_flags};-mavx2;-ftree-vectorize")
  set_source_files_properties(${kernel_dir}/cast_avx512.c PROPERTIES COMPILE_OPTIONS
    "${cast_flags};-mavx512f;-mavx2;-mprefer-vector-width=512;-ftree-vectorize")
endif()

# Products of integers.
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  set_source_files_properties(${kernel_dir}/integer_scalar.c PROPERTIES COMPILE_OPTIONS "-O2;-mfma")
  set_source_files_properties(${kernel_dir}/integer_avx2.c PROPERTIES COMPILE_OPTIONS "-O3;-mavx2;-mfma")
  set_source_files_properties(${kernel_dir}/integer_vnni.c PROPERTIES COMPILE_OPTIONS
    "-O3;-mavx512f;-mavx512bw;-mavx512vnni;-mavx2;-mfma;-mprefer-vector-width=512")
endif()
