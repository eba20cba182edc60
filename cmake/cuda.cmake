# libridge_cuda.a: the kernels of src/kernels/cuda, apart from libridge.
include(CheckLanguage)
check_language(CUDA)
if(NOT CMAKE_CUDA_COMPILER)
  message(FATAL_ERROR "RIDGE_CUDA=ON needs nvcc on PATH (or CMAKE_CUDA_COMPILER)")
endif()
if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES)
  set(CMAKE_CUDA_ARCHITECTURES "80-virtual;90-real" CACHE STRING "others compile the first from its text when they load it")
endif()
enable_language(CUDA)

file(GLOB cuda_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/kernels/cuda/*.cu)
add_library(ridge_cuda STATIC ${cuda_sources})
target_include_directories(ridge_cuda PUBLIC ${PROJECT_SOURCE_DIR}/include PRIVATE ${PROJECT_SOURCE_DIR}/src)
# The comments that -Wimplicit-fallthrough reads are gone before the host compiler runs. CMake 3.25 does not know nvcc's C++20. Products and sums are rounded apart, as on the CPU; division and subnormals are exact by default.
target_compile_options(ridge_cuda PRIVATE -std=c++20 -fmad=false --Werror=all-warnings
  "SHELL:-Xcompiler -Wall,-Wextra,-Wno-missing-field-initializers,-Wno-implicit-fallthrough,-ffp-contract=off")
if(RIDGE_SANITIZE)
  target_compile_options(ridge_cuda PRIVATE "SHELL:-Xcompiler -fsanitize=address,-fsanitize=undefined,-fno-sanitize-recover=all")
endif()
target_link_libraries(ridge_cuda PUBLIC ridge_kernels)
