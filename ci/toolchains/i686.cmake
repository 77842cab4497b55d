# 32 bits on Intel and AMD; 64-bit integers are aligned to 4 bytes inside structs.
set(PEERSYNC_DEBIAN i386)
set(PEERSYNC_COMPILER i686-linux-gnu)
set(PEERSYNC_MULTIARCH i386-linux-gnu)
set(PEERSYNC_LOADER ld-linux.so.2)
set(PEERSYNC_QEMU qemu-i386)
include(${CMAKE_CURRENT_LIST_DIR}/debian.cmake)
