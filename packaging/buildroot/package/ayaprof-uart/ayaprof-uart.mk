################################################################################
#
# ayaprof-uart
#
################################################################################

AYAPROF_UART_VERSION = 0.1.0
# This directory is part of what it builds.
AYAPROF_UART_SITE = $(realpath $(BR2_EXTERNAL_AYAPROF_PATH)/../..)
AYAPROF_UART_SITE_METHOD = local
AYAPROF_UART_OVERRIDE_SRCDIR_RSYNC_EXCLUSIONS = --exclude=/build
AYAPROF_UART_LICENSE = MIT or Apache-2.0, GPL-2.0 or MIT (kernel programs)
AYAPROF_UART_LICENSE_FILES = \
	LICENSE \
	LICENSES/Apache-2.0.txt \
	LICENSES/GPL-2.0.txt \
	LICENSES/MIT.txt
AYAPROF_UART_DEPENDENCIES = elfutils host-nanopb host-xz libbpf nanopb xz zlib

AYAPROF_UART_LLVM = $(call qstrip,$(BR2_PACKAGE_AYAPROF_UART_PREBUILT_LLVM))
ifeq ($(AYAPROF_UART_LLVM),)
AYAPROF_UART_DEPENDENCIES += host-clang host-llvm
# Past Buildroot's wrapper, which adds the target's flags: this is for BPF.
AYAPROF_UART_CLANG = $(HOST_DIR)/bin/clang.br_real
AYAPROF_UART_LLVM_STRIP = $(HOST_DIR)/bin/llvm-strip
else
AYAPROF_UART_CLANG = $(AYAPROF_UART_LLVM)/clang
AYAPROF_UART_LLVM_STRIP = $(AYAPROF_UART_LLVM)/llvm-strip
endif

# Flags by environment, because those of a command line would replace the
# Makefile's own. No vmlinux.h from the build machine's kernel, hence no bpftool.
# No libiberty: the desk shows names of C++ and Rust as they were written.
define AYAPROF_UART_MAKE
	$(TARGET_MAKE_ENV) $(TARGET_CONFIGURE_OPTS) \
		CPPFLAGS="$(TARGET_CPPFLAGS) -I$(STAGING_DIR)/usr/include/nanopb" \
		$(MAKE) -C $(@D) O=build V=1 VMLINUX_BTF=none ASSERT=no DEMANGLE=no PREFIX=/usr \
		PYTHON="$(HOST_DIR)/bin/python3" \
		NANOPB_GEN="$(HOST_DIR)/bin/nanopb_generator.py" \
		CLANG="$(AYAPROF_UART_CLANG) -nostdlibinc -isystem $(STAGING_DIR)/usr/include" \
		LLVM_STRIP="$(AYAPROF_UART_LLVM_STRIP)"
endef

define AYAPROF_UART_BUILD_CMDS
	$(AYAPROF_UART_MAKE) build/ayaprof-uart
endef

define AYAPROF_UART_INSTALL_TARGET_CMDS
	$(AYAPROF_UART_MAKE) DESTDIR=$(TARGET_DIR) install-target
endef

define AYAPROF_UART_INSTALL_SETTINGS
	$(INSTALL) -D -m 0644 $(@D)/packaging/ayaprof-uart.default \
		$(TARGET_DIR)/etc/default/ayaprof-uart
endef

# Its unit names no line, and so starts nothing before it is enabled.
define AYAPROF_UART_INSTALL_INIT_SYSTEMD
	$(INSTALL) -D -m 0644 $(@D)/packaging/systemd/ayaprof-uart@.service \
		$(TARGET_DIR)/usr/lib/systemd/system/ayaprof-uart@.service
	$(AYAPROF_UART_INSTALL_SETTINGS)
endef

ifeq ($(BR2_PACKAGE_AYAPROF_UART_AT_BOOT),y)
define AYAPROF_UART_INSTALL_INIT_SYSV
	rm -f $(TARGET_DIR)/usr/lib/systemd/system/ayaprof-uart@.service
	$(INSTALL) -D -m 0755 $(@D)/packaging/busybox/S60ayaprof-uart \
		$(TARGET_DIR)/etc/init.d/S60ayaprof-uart
	$(AYAPROF_UART_INSTALL_SETTINGS)
endef
endif

# One list: the fragment, whatever way it comes into a kernel.
ifeq ($(BR2_PACKAGE_AYAPROF_UART_KERNEL_OPTIONS),y)
AYAPROF_UART_KERNEL_OPTIONS = $(shell sed -n 's/^\(CONFIG_[A-Z0-9_]*\)=y$$/\1/p' \
	$(BR2_EXTERNAL_AYAPROF_PATH)/board/linux-ayaprof.fragment)
define AYAPROF_UART_LINUX_CONFIG_FIXUPS
	$(foreach option,$(AYAPROF_UART_KERNEL_OPTIONS), \
		$(call KCONFIG_ENABLE_OPT,$(option))$(sep))
endef
endif

$(eval $(generic-package))
