# SPDX-License-Identifier: MIT OR Apache-2.0
include $(sort $(wildcard $(BR2_EXTERNAL_AYAPROF_PATH)/package/*/*.mk))

# BPF programs take LLVM's BPF back end. Buildroot has a symbol for it, but below BR2_PACKAGE_LLVM, which puts libLLVM
# (more than 100 MB) on the board. The compiler is wanted on the build machine only.
ifeq ($(BR2_PACKAGE_AYAPROF_UART)$(BR2_PACKAGE_LLVM_BPF)$(AYAPROF_UART_LLVM),y)
LLVM_TARGETS_TO_BUILD += BPF
endif
