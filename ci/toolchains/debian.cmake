# What the toolchains of this folder share: Debian's cross compiler, its libraries of that
# architecture unpacked in build/sysroot (ci/everywhere does that), and QEMU to run what was built.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR ${PEERSYNC_DEBIAN})
set(CMAKE_C_COMPILER ${PEERSYNC_COMPILER}-gcc)
set(CMAKE_LIBRARY_ARCHITECTURE ${PEERSYNC_MULTIARCH})

cmake_path(SET PEERSYNC_SYSROOT NORMALIZE
           ${CMAKE_CURRENT_LIST_DIR}/../../build/sysroot/${PEERSYNC_DEBIAN})
set(CMAKE_FIND_ROOT_PATH ${PEERSYNC_SYSROOT})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
set(ENV{PKG_CONFIG_SYSROOT_DIR} ${PEERSYNC_SYSROOT})
set(ENV{PKG_CONFIG_LIBDIR} ${PEERSYNC_SYSROOT}/usr/lib/${PEERSYNC_MULTIARCH}/pkgconfig)

# Headers of an architecture's own have a folder of its own; the compiler does not know it.
set(CMAKE_C_FLAGS_INIT "-isystem ${PEERSYNC_SYSROOT}/usr/include/${PEERSYNC_MULTIARCH}")
# Programs name their loader and libraries themselves, and QEMU shows them the system's files: told
# to look in another root first (-L PATH) it would show that root's "/" to what opens it.
set(CMAKE_EXE_LINKER_FLAGS_INIT "-Wl,--dynamic-linker=${PEERSYNC_SYSROOT}/lib/${PEERSYNC_LOADER}\
,--disable-new-dtags,-rpath,${PEERSYNC_SYSROOT}/lib/${PEERSYNC_MULTIARCH}\
,-rpath,${PEERSYNC_SYSROOT}/usr/lib/${PEERSYNC_MULTIARCH}")
set(CMAKE_CROSSCOMPILING_EMULATOR ${PEERSYNC_QEMU};-L;/)
