# IBM Z: 64 bits, most significant byte first.
set(PEERSYNC_DEBIAN s390x)
set(PEERSYNC_COMPILER s390x-linux-gnu)
set(PEERSYNC_MULTIARCH s390x-linux-gnu)
set(PEERSYNC_LOADER ld64.so.1)
set(PEERSYNC_QEMU qemu-s390x)
include(${CMAKE_CURRENT_LIST_DIR}/debian.cmake)
