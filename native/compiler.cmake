# Refuses compilers that cannot build the engine. Its kernels are written in the vector extensions that GCC and Clang share.
# Visual Studio's own compiler has none, but its Clang has. Without this, a build would stop at the first kernel, with
# errors that name no remedy.
set(compiler "${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION}")
if(MSVC AND NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  message(FATAL_ERROR "subpixel needs clang-cl on Windows, and CMake chose ${compiler}. Install 'C++ Clang tools for Windows' "
    "with Visual Studio and set CMAKE_GENERATOR_TOOLSET=ClangCL in the environment, or CXX=clang-cl with CMAKE_GENERATOR=Ninja.")
elseif(NOT CMAKE_CXX_COMPILER_ID MATCHES "^(GNU|Clang|AppleClang)$"
    OR (CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 12)
    OR (CMAKE_CXX_COMPILER_ID MATCHES "Clang" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 14))
  message(FATAL_ERROR "subpixel needs GCC 12, Clang 14 or newer, and CMake chose ${compiler}. Set CXX to another compiler.")
endif()
