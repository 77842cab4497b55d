# 32 bits on ARM; char is unsigned.
set(PEERSYNC_DEBIAN armhf)
set(PEERSYNC_COMPILER arm-linux-gnueabihf)
set(PEERSYNC_MULTIARCH arm-linux-gnueabihf)
set(PEERSYNC_LOADER ld-linux-armhf.so.3)
set(PEERSYNC_QEMU qemu-arm)
include(${CMAKE_CURRENT_LIST_DIR}/debian.cmake)
