# A kernel is changed by request only: DISTRO_FEATURES:append = " ayaprof"
FILESEXTRAPATHS:prepend := "${THISDIR}/files:"
SRC_URI:append = "${@bb.utils.contains('DISTRO_FEATURES', 'ayaprof', ' file://ayaprof.cfg', '', d)}"
# Type information takes pahole before the options are resolved, as linux-yocto itself has it with KERNEL_DEBUG.
do_kernel_configme[depends] += "${@bb.utils.contains('DISTRO_FEATURES', 'ayaprof', 'pahole-native:do_populate_sysroot', '', d)}"
