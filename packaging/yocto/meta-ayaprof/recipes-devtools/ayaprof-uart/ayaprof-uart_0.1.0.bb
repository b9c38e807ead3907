# SPDX-License-Identifier: MIT OR Apache-2.0
SUMMARY = "eBPF profiler that streams over a UART"
DESCRIPTION = "A profiler for boards that have no network, one UART, little memory and an odd kernel. It loads eBPF \
programs, takes function calls, interrupts, the scheduler, stack samples, memory and network traffic, and streams them \
compressed over a serial line."

require ayaprof.inc

DEPENDS += "clang-native elfutils libbpf xz xz-native zlib"

inherit bash-completion systemd update-rc.d

# What it is tested on, and what its kernel programs know the registers of.
COMPATIBLE_HOST = "(x86_64|aarch64|arm).*-linux"

# The kernel programs: libbpf's headers, nothing of the target's C library; no path of this machine in their BTF.
EXTRA_OEMAKE += " \
    'CLANG=clang -nostdlibinc -isystem ${STAGING_INCDIR} -ffile-prefix-map=${B}=${TARGET_DBGSRC_DIR}' \
    LLVM_STRIP=llvm-strip \
"

do_compile() {
    oe_runmake ${B}/ayaprof-uart
}

do_install() {
    oe_runmake DESTDIR=${D} install-target
    # It goes where this distribution has it, if it has systemd.
    rm -rf ${D}${prefix}/lib/systemd
    if ${@bb.utils.contains('DISTRO_FEATURES', 'systemd', 'true', 'false', d)}; then
        install -D -m 0644 ${S}/packaging/systemd/ayaprof-uart@.service \
            ${D}${systemd_system_unitdir}/ayaprof-uart@.service
    fi
    if ${@bb.utils.contains('DISTRO_FEATURES', 'sysvinit', 'true', 'false', d)}; then
        install -D -m 0755 ${S}/packaging/busybox/S60ayaprof-uart ${D}${sysconfdir}/init.d/ayaprof-uart
    fi
    install -D -m 0644 ${S}/packaging/ayaprof-uart.default ${D}${sysconfdir}/default/ayaprof-uart
}

# Which line it is, only the board's owner knows: systemctl enable ayaprof-uart@ttyS1.
SYSTEMD_SERVICE:${PN} = "ayaprof-uart@.service"
SYSTEMD_AUTO_ENABLE = "disable"

# The init script runs at boot, on the line of /etc/default/ayaprof-uart: a package of its own, so that this is asked for.
PACKAGES =+ "${PN}-init"
FILES:${PN}-init = "${sysconfdir}/init.d"
RDEPENDS:${PN}-init = "${PN}"
INITSCRIPT_PACKAGES = "${PN}-init"
INITSCRIPT_NAME = "ayaprof-uart"
INITSCRIPT_PARAMS = "start 60 2 3 4 5 . stop 20 0 1 6 ."

CONFFILES:${PN} += "${sysconfdir}/default/ayaprof-uart"
FILES:${PN} += "${datadir}/zsh ${datadir}/fish"
