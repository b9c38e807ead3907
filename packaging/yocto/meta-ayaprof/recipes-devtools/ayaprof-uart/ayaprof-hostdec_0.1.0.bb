# SPDX-License-Identifier: MIT OR Apache-2.0
SUMMARY = "Receiver and viewer of ayaprof-uart's profiles"
DESCRIPTION = "hostdec records what ayaprof-uart streams over a serial line, rebuilds the trace, and draws, counts and \
exports it. Its place is the desk: build it native, or put nativesdk-ayaprof-hostdec into the SDK."

require ayaprof.inc

DEPENDS += "libserialport zlib"

inherit bash-completion

do_compile() {
    oe_runmake ${B}/hostdec
}

do_install() {
    oe_runmake DESTDIR=${D} install-host
}

FILES:${PN} += "${datadir}/zsh ${datadir}/fish"

# hostdec plot
RRECOMMENDS:${PN}:append:class-target = " python3-matplotlib python3-numpy"

BBCLASSEXTEND = "native nativesdk"
