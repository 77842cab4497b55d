# 64 bits on ARM; char is unsigned.
set(PEERSYNC_DEBIAN arm64)
set(PEERSYNC_COMPILER aarch64-linux-gnu)
set(PEERSYNC_MULTIARCH aarch64-linux-gnu)
set(PEERSYNC_LOADER ld-linux-aarch64.so.1)
set(PEERSYNC_QEMU qemu-aarch64)
include(${CMAKE_CURRENT_LIST_DIR}/debian.cmake)
