# ayaprof-uart: build, test, demonstrate. `make help` lists the targets.
#
#   O=DIR              put everything that is built there (default build)
#   V=1                show the commands
#   CROSS_COMPILE=aarch64-linux-gnu-   compiler prefix for the board's program
#   SYSROOT=DIR        where the libraries of another architecture are, unpacked
#   ARCH=arm64         architecture of static programs and emulated boards: amd64, arm64, armhf, or as uname -m has them
#   SAN=address,undefined              sanitizers for both programs and the tests
#   VMLINUX_BTF=FILE   kernel type information to make vmlinux.h from; "none": the fallback in bpf/
#   ASSERT=no          without asserts of what headers say that callers must do; packages and static programs are built so
#   DEMANGLE=no        build without libiberty: names of C++ and Rust stay as compilers made them
#   PYTHON=...         a python3 that sees Debian's packages
#   CFLAGS= CPPFLAGS= LDFLAGS=         added behind the project's own flags, so they win where both say something

O            ?= build
V            ?= 0
CROSS_COMPILE ?=
SYSROOT      ?=
SAN          ?=
PREFIX       ?= /usr/local
DESTDIR      ?=
PYTHON       ?= /usr/bin/python3
CLANG        ?= clang
LLVM_STRIP   ?= llvm-strip
LLVM_OBJCOPY ?= $(subst llvm-strip,llvm-objcopy,$(LLVM_STRIP))
BPFTOOL      ?= $(firstword $(shell command -v bpftool 2>/dev/null) /usr/sbin/bpftool)
NANOPB_GEN   ?= $(PYTHON) /usr/bin/nanopb_generator.py
ARCH         ?= $(shell uname -m)
VMLINUX_BTF  ?= $(firstword $(wildcard /sys/kernel/btf/vmlinux) none)

ifeq ($(origin CC),default)
CC := $(CROSS_COMPILE)gcc
endif
ifeq ($(origin AR),default)
AR := $(CROSS_COMPILE)ar
endif

VERSION := $(shell cat VERSION)
# The machine the board's program is for decides the BPF programs' register layout.
MACHINE  := $(firstword $(subst -, ,$(shell $(CC) -dumpmachine 2>/dev/null)))
BPF_ARCH := $(patsubst x86_64,x86,$(patsubst i686,x86,$(patsubst aarch64,arm64,$(MACHINE))))

WARN     := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith \
            -Wwrite-strings -Wvla -Wno-unused-parameter
# Of what is delivered; tests may convert as they like.
WARN_CONVERSION := -Wconversion
# The same bytes from any directory.
SAME_PATHS := -ffile-prefix-map=$(CURDIR)/= -ffile-prefix-map=$(CURDIR)=. -ffile-prefix-map=$(abspath $(O))=build \
              -ffile-prefix-map=$(O)=build
# The board's program is root and reads what others write. Sanitizers bring their own checks, and
# FORTIFY needs optimisation. -fstack-clash-protection is not for 32-bit ARM.
HARDEN_C := -fPIE -fstack-protector-strong $(if $(filter arm,$(MACHINE)),,-fstack-clash-protection) \
            $(if $(filter x86_64 i686,$(MACHINE)),-fcf-protection) \
            $(if $(SAN)$(filter -O0,$(CFLAGS)),,-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
HARDEN_LD := -Wl,-z,relro,-z,now,-z,noexecstack
SYSROOT_CPP := $(if $(SYSROOT),-isystem $(SYSROOT)/usr/include)
SAN_C  := $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer -fno-sanitize-recover=undefined)
SAN_LD := $(if $(SAN),-fsanitize=$(SAN))

# One place for each kind of flag; what the user gives comes last.
# A release bounds what a caller does wrong, and goes on.
ASSERT ?= yes
ALL_CPPFLAGS = -D_GNU_SOURCE $(if $(filter no,$(ASSERT)),-DNDEBUG) -DAYAPROF_VERSION='"$(VERSION)"' -I. -I$(O)/gen $(DEMANGLER_CPP) $(SYSROOT_CPP) $(CPPFLAGS)
ALL_CFLAGS   = -O2 -g -std=gnu11 $(WARN) -fno-strict-aliasing $(SAME_PATHS) $(HARDEN_C) $(SAN_C) $(CFLAGS)
ALL_LDFLAGS  = $(HARDEN_LD) $(if $(SYSROOT),-L$(SYSROOT)/usr/lib/$(shell $(CC) -dumpmachine)) $(SAN_LD) $(LDFLAGS)

ifeq ($(V),1)
Q :=
say = @:
else
Q := @
say = @printf '  %-8s %s\n'
endif

# ---- what there is -----------------------------------------------------------------------------
FRAMING_SRC := $(wildcard framing/*.c)
PROTO_SRC   := $(wildcard proto/*.c)
# What the desk has of the board's program, too.
SHARED_SRC  := target/base/output_file.c target/base/nearest.c
TARGET_SRC  := $(filter-out target/main.c $(SHARED_SRC),$(wildcard target/*.c target/*/*.c))
# What only a page runs.
WEB_SRC     := $(wildcard host/web/*.c)
HOST_SRC    := $(filter-out host/main.c $(WEB_SRC),$(wildcard host/*.c host/*/*.c))
TOOL_SRC    := $(filter-out tests/tools/linesim_%,$(wildcard tests/tools/*.c))
LINESIM_SRC := $(wildcard tests/tools/linesim*.c)
UNIT_SRC    := $(wildcard tests/unit/test_*.c)
FUZZ_SRC    := $(wildcard tests/fuzz/fuzz_*.c)
BPF_SRC     := $(wildcard bpf/*.bpf.c)

obj = $(patsubst %.c,$(O)/obj/%.o,$(1))
BPF_PACKED := $(patsubst bpf/%.bpf.c,$(O)/gen/bpf/%.inc,$(BPF_SRC))
# What a module brings is found here: its kernel programs, and itself.
BPF_NAMES  := $(sort $(patsubst bpf/%.bpf.c,%,$(BPF_SRC)))
MODULES    := $(sort $(patsubst target/probes/module_%.c,%,$(wildcard target/probes/module_*.c)))
IMAGES     := $(O)/gen/bpf/images.inc $(O)/gen/bpf/images.h
MODULES_INC := $(O)/gen/target/modules.inc
PB_C      := $(O)/gen/proto/ayaprof.pb.c
PB_H      := $(O)/gen/proto/ayaprof.pb.h
# Tables of system calls: a kernel takes those of its 32-bit programs, too, and a 32-bit program may be on a 64-bit kernel.
SYSCALL_ABIS := $(if $(filter x86_64 i386 i486 i586 i686,$(MACHINE)),x86_64 i386 x32,$(if $(filter aarch64,$(MACHINE)),arm64,$(if $(filter arm,$(MACHINE)),arm,native)))
SYSCALLS  := $(SYSCALL_ABIS:%=$(O)/gen/target/syscalls_%.inc)
TARGET_GEN := $(BPF_PACKED) $(IMAGES) $(MODULES_INC) $(SYSCALLS)
PLOT_PY   := $(O)/gen/host/flameline_py.inc

LIB_FRAMING := $(O)/lib/libframing.a
LIB_PROTO   := $(O)/lib/libproto.a
LIB_TARGET  := $(O)/lib/libtarget.a
LIB_HOST    := $(O)/lib/libhost.a

UNIT_BIN := $(patsubst tests/unit/%.c,$(O)/tests/%,$(UNIT_SRC))
TOOL_BIN := $(patsubst tests/tools/%.c,$(O)/tests/%,$(TOOL_SRC))
REPLAY_BIN := $(patsubst tests/fuzz/fuzz_%.c,$(O)/tests/replay_%,$(FUZZ_SRC))

# Reads the code of x86 boards' programs; arm's take no library. Without it their functions have no ends.
ZYDIS       := $(if $(filter x86 i386,$(BPF_ARCH)),$(shell echo '\#include <Zydis/Decoder.h>' | \
               $(CC) $(CPPFLAGS) -E - >/dev/null 2>&1 && echo -lZydis))
# libiberty is not to be had everywhere (Buildroot, Yocto). Without it names of C++ and Rust stay as compilers made them.
DEMANGLE ?= yes
ifeq ($(DEMANGLE),yes)
DEMANGLER     := -liberty
DEMANGLER_CPP := -DAYAPROF_DEMANGLE
endif
TARGET_LIBS := -lbpf -lelf -llzma -lz -lprotobuf-nanopb $(DEMANGLER)
HOST_LIBS   := -lserialport -lz -lprotobuf-nanopb $(DEMANGLER) -lm -lpthread

.PHONY: FORCE all help btf wasm static static-here static-second demo demo-board check check-run dist test test-run test-line test-boards bench bench-boards fuzz fuzz-run asan format lint pages pages-ayaprof-uart pages-hostdec install install-target install-host uninstall deb clean deps tests
.DELETE_ON_ERROR:
.SECONDARY:

all: $(O)/ayaprof-uart $(O)/hostdec

help:
	@echo 'make [all]        build $(O)/ayaprof-uart (board) and $(O)/hostdec (desk)'
	@echo 'make demo         install what is missing, build, profile this kernel over a simulated line, draw'
	@echo 'make check        unit tests, vectors and kept fuzz inputs: under a minute, for the work at hand'
	@echo 'make test         install what is missing, build, run every test this machine can run'
	@echo 'make test-line    every rate with every line fault, one-way and reliable'
	@echo 'make test-boards  the whole matrix on emulated boards: x86-64, arm64, armhf, a Raspberry Pi, two boards on one line'
	@echo 'make demo-board   the demonstration on an emulated board (ARCH=amd64, arm64 or armhf; KERNEL=6.1 or 6.12)'
	@echo 'make static       one small file for boards, $(O)/MACHINE/static/ayaprof-uart (ARCH=amd64, arm64 or armhf)'
	@echo 'make wasm         what a page reads recordings with, $(O)/wasm/trace.wasm'
	@echo 'make btf          type information for boards whose kernels have none, $(O)/btf/MACHINE/RELEASE.btf'
	@echo 'make bench        ratios against alternatives, measured in one run'
	@echo 'make bench-boards what a traced call costs on emulated boards, beside ftrace and bpftrace'
	@echo 'make fuzz         fuzz every parser (FUZZ_SECONDS=60 each)'
	@echo 'make asan         the tests under AddressSanitizer and UBSan'
	@echo 'make format lint  clang-format; static checks'
	@echo 'make lint-packaging  what Buildroot and BitBake say of packaging/ (docs/packaging.md)'
	@echo 'make install      both programs, man pages, completion, services; honours DESTDIR and PREFIX'
	@echo '                  install-target, install-host: one half; uninstall; pages: only make them'
	@echo 'make deb          Debian packages in $(O)/deb, looked over by lintian'
	@echo 'make dist         a release archive in $(O)/dist'
	@echo 'make clean        remove $(O)'
	@echo 'variables: O= V=1 CROSS_COMPILE= SYSROOT= SAN= VMLINUX_BTF= ASSERT= DEMANGLE= PYTHON= CFLAGS= CPPFLAGS= LDFLAGS='

# ---- programs ----------------------------------------------------------------------------------
$(O)/ayaprof-uart: $(O)/obj/target/main.o $(LIB_TARGET) $(LIB_PROTO) $(LIB_FRAMING)
	$(say) LINK $@
	$(Q)$(CC) $(ALL_CFLAGS) -pie $(ALL_LDFLAGS) -o $@ $^ $(TARGET_LIBS) $(ZYDIS)

# For boards without our libraries: one file that runs on any kernel, in $(O)/MACHINE/static/; what is built for this
# machine's architecture is found in $(O)/static/, too.
static:
	@scripts/install-deps.sh build static static-$$(scripts/arch.sh '$(ARCH)' debian)
	+@O='$(O)' scripts/build-static.sh '$(ARCH)'
# scripts/build-static.sh makes these two with the board's compiler and an O= of its own.
# GCC 12 for ARM asks for an interpreter in a static PIE: there it is denied.
$(O)/static/ayaprof-uart: $(O)/obj/target/main.o $(LIB_TARGET) $(LIB_PROTO) $(LIB_FRAMING)
	$(say) STATIC $@
	$(Q)mkdir -p $(@D) && $(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -static-pie -Wl,-Bstatic,--no-dynamic-linker,--gc-sections -s -o $@ $^ $(TARGET_LIBS) $(ZYDIS)
# For emulated desks, which have no network: glibc's warning about getaddrinfo is not for them.
$(O)/desk/hostdec: $(O)/obj/host/main.o $(LIB_HOST) $(LIB_PROTO) $(LIB_FRAMING)
	$(say) STATIC $@
	$(Q)mkdir -p $(@D) && $(CC) $(ALL_CFLAGS) -no-pie $(ALL_LDFLAGS) -static -s -Wl,--no-warnings -o $@ $^ \
		-l:libserialport.a -l:libz.a -l:libprotobuf-nanopb.a $(DEMANGLER) -lm -lpthread
# Not stripped: user functions are found by their symbols.
$(O)/static/%: $(O)/obj/tests/tools/%.o
	$(say) STATIC $@
	$(Q)mkdir -p $(@D) && $(CC) $(ALL_CFLAGS) -no-pie $(ALL_LDFLAGS) -static -o $@ $^ -lpthread -lm

$(O)/hostdec: $(O)/obj/host/main.o $(LIB_HOST) $(LIB_PROTO) $(LIB_FRAMING)
	$(say) LINK $@
	$(Q)$(CC) $(ALL_CFLAGS) -pie $(ALL_LDFLAGS) -o $@ $^ $(HOST_LIBS)

$(LIB_FRAMING): $(call obj,$(FRAMING_SRC))
$(LIB_PROTO):   $(call obj,$(PROTO_SRC)) $(O)/obj/gen/ayaprof.pb.o
$(LIB_TARGET):  $(call obj,$(TARGET_SRC) $(SHARED_SRC))
$(LIB_HOST):    $(call obj,$(HOST_SRC) $(SHARED_SRC))
$(O)/lib/%.a:
	$(say) AR $@
	$(Q)mkdir -p $(@D) && rm -f $@ && $(AR) rcs $@ $^

# Generated headers must exist before the first compilation; afterwards the .d files know better.
$(call obj,$(PROTO_SRC) $(TARGET_SRC) $(HOST_SRC) $(UNIT_SRC) $(TOOL_SRC) $(LINESIM_SRC) $(FUZZ_SRC)) \
$(O)/obj/target/main.o $(O)/obj/host/main.o: | $(PB_H)
$(call obj,$(TARGET_SRC)) $(O)/obj/target/main.o: | $(TARGET_GEN)
$(call obj,$(HOST_SRC)): | $(PLOT_PY)
$(call obj,$(UNIT_SRC)): | $(IMAGES)

# Rebuild when a flag changes (SAN=, CC=, ...), not only when a file does.
# The same for what is generated: each depends on a file that holds what it is made with, and that
# is written only when this changes.
$(O)/flags: HOLDS = $(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) $(ALL_LDFLAGS)
$(O)/gen/syscalls.from: HOLDS = $(CC) $(SYSROOT_CPP) $(CPPFLAGS)
$(O)/gen/vmlinux.from: HOLDS = $(VMLINUX_BTF) $(BPFTOOL)
$(O)/gen/bpf.from: HOLDS = $(CLANG) $(BPF_FLAGS)
$(O)/gen/images.from: HOLDS = $(BPF_NAMES)
$(O)/gen/modules.from: HOLDS = $(MODULES)
$(O)/flags $(O)/wasm/flags $(O)/gen/syscalls.from $(O)/gen/vmlinux.from $(O)/gen/bpf.from $(O)/gen/images.from $(O)/gen/modules.from: FORCE
	$(Q)mkdir -p $(@D); printf '%s\n' '$(subst ','\'',$(HOLDS))' | cmp -s - $@ || printf '%s\n' '$(subst ','\'',$(HOLDS))' > $@
# Phony, or .SECONDARY would let it be missing and the rule above never run.
FORCE:

# Uprobes of 32-bit ARM know ARM code only: what is to be probed, and what --check tries them on, is that.
ifeq ($(MACHINE),arm)
$(O)/obj/tests/tools/workload.o $(O)/obj/target/probes/module_latency.o: EXTRA += -marm
endif
# framing/ and host/salvage/ have no operating system under them: prove it with every build.
$(O)/obj/framing/%.o $(O)/obj/host/salvage/%.o: EXTRA += -ffreestanding
$(O)/obj/framing/%.o $(O)/obj/proto/%.o $(O)/obj/target/%.o $(O)/obj/host/%.o: EXTRA += $(WARN_CONVERSION)
$(O)/obj/%.o: %.c $(O)/flags
	$(say) CC $<
	$(Q)mkdir -p $(@D) && $(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) $(EXTRA) -MMD -MP -c -o $@ $<

# ---- messages ----------------------------------------------------------------------------------
$(PB_C) $(PB_H) &: proto/ayaprof.proto proto/ayaprof.options
	$(say) NANOPB $<
	$(Q)mkdir -p $(O)/gen/proto && $(NANOPB_GEN) -q -I proto -D $(O)/gen/proto ayaprof.proto
$(O)/obj/gen/ayaprof.pb.o: $(PB_C) $(O)/flags
	$(say) CC $<
	$(Q)mkdir -p $(@D) && $(CC) $(ALL_CPPFLAGS) -I$(O)/gen/proto $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# ---- kernel programs ---------------------------------------------------------------------------
$(O)/gen/bpf/vmlinux.h: bpf/vmlinux_min.h $(O)/gen/vmlinux.from $(filter-out none,$(VMLINUX_BTF))
	$(say) VMLINUX $(VMLINUX_BTF)
	$(Q)mkdir -p $(@D)
	$(Q)if [ '$(VMLINUX_BTF)' = none ]; then cp bpf/vmlinux_min.h $@; \
	else $(BPFTOOL) btf dump file '$(VMLINUX_BTF)' format c > $@; fi

# -g is for BTF, whose lines name the source: by the same path everywhere.
BPF_FLAGS = -target bpf -mcpu=v3 -O2 -g -Wall -Wno-missing-declarations -D__TARGET_ARCH_$(BPF_ARCH) -I. -I$(O)/gen/bpf \
            $(SAME_PATHS) -fdebug-compilation-dir=.
$(O)/obj/bpf/%.bpf.o: bpf/%.bpf.c $(O)/gen/bpf/vmlinux.h $(O)/gen/bpf.from scripts/slim-bpf.py
	$(say) BPF $<
	$(Q)mkdir -p $(@D) && $(CLANG) $(BPF_FLAGS) -MMD -MP -c -o $@ $<
	$(Q)$(LLVM_STRIP) -g $@ && $(PYTHON) scripts/slim-bpf.py '$(LLVM_OBJCOPY)' $@

# Every object is image_NAME, every target/probes/module_NAME.c is module_NAME.
$(O)/gen/bpf/images.inc: $(O)/gen/images.from
	$(Q)mkdir -p $(@D) && for n in $(BPF_NAMES); do printf 'static const unsigned char packed_%s[] = {\n#include "bpf/%s.inc"\n};\n' $$n $$n; \
		printf 'const struct bpf_image image_%s = {"%s", packed_%s, sizeof(packed_%s)};\n' $$n $$n $$n $$n; done > $@
$(O)/gen/bpf/images.h: $(O)/gen/images.from
	$(Q)mkdir -p $(@D) && printf 'extern const struct bpf_image image_%s;\n' $(BPF_NAMES) > $@
$(MODULES_INC): $(O)/gen/modules.from
	$(Q)mkdir -p $(@D) && printf 'MODULE(%s)\n' $(MODULES) > $@

# What the daemon asks of a kernel's type information, and that of the tests' boards cut down to it (tests/boards/btf.py).
$(O)/btf/wanted_types.o: bpf/wanted_types.c bpf/vmlinux_min.h
	$(say) BPF $<
	$(Q)mkdir -p $(@D) && cp bpf/vmlinux_min.h $(@D)/vmlinux.h && $(CLANG) -target bpf -mcpu=v3 -O2 -g -Wall -I$(@D) -c -o $@ $<
btf: $(O)/btf/wanted_types.o
	@scripts/install-deps.sh btf boards
	@$(PYTHON) tests/boards/btf.py $(O)/btf/wanted_types.o $(O)/btf

# The objects are six times as large as what they carry: compressed, as bytes for target/probes/images.c.
# The size first, in 4 bytes. The dictionary is what unpacking takes of a board's memory.
$(O)/gen/bpf/%.inc: $(O)/obj/bpf/%.bpf.o
	$(say) PACK $@
	$(Q)mkdir -p $(@D) && { s=$$(wc -c <$<); printf '%d,%d,%d,%d,\n' $$((s & 255)) $$((s >> 8 & 255)) $$((s >> 16 & 255)) $$((s >> 24)); \
		xz --check=crc32 --lzma2=preset=9e,dict=256KiB -c $< | od -An -v -tu1 | sed 's/\([0-9]\) /\1,/g; s/$$/,/'; } > $@

# ---- WebAssembly -------------------------------------------------------------------------------
# What a page reads recordings with: no operating system, so nothing of it is imported. Sources of zlib and nanopb:
# scripts/build-wasm.sh, which makes these two. The default stack lies above the data, 64 KiB of it, unguarded.
wasm:
	@scripts/install-deps.sh build wasm
	+@O='$(O)' scripts/build-wasm.sh
WASM_FLAGS = --target=wasm32-wasi -O3 -g0 -std=gnu11 $(WARN) -Wno-unused-command-line-argument -fno-strict-aliasing $(SAME_PATHS) \
             -mbulk-memory -ffunction-sections -fdata-sections
WASM_CPP   = -D_GNU_SOURCE $(if $(filter no,$(ASSERT)),-DNDEBUG) -DAYAPROF_VERSION='"$(VERSION)"' -I. -I$(O)/gen \
             -isystem $(WASM_SOURCES)/nanopb -isystem $(WASM_SOURCES)/zlib
WASM_LD    = -mexec-model=reactor -Wl,--gc-sections -Wl,--strip-all -Wl,--stack-first -Wl,-z,stack-size=1048576
WASM_ZLIB  = adler32 crc32 deflate inffast inflate inftrees trees zutil
WASM_PB    = pb_common pb_decode pb_encode
wasm_obj   = $(patsubst %.c,$(O)/wasm/obj/%.o,$(1))
WASM_OBJ   = $(call wasm_obj,$(FRAMING_SRC) $(PROTO_SRC) $(wildcard host/trace/*.c)) $(O)/wasm/obj/gen/ayaprof.pb.o \
             $(WASM_ZLIB:%=$(O)/wasm/obj/zlib/%.o) $(WASM_PB:%=$(O)/wasm/obj/nanopb/%.o)
$(O)/wasm/flags: HOLDS = $(CLANG) $(WASM_CPP) $(WASM_FLAGS) $(WASM_LD)
$(O)/wasm/trace.wasm: $(O)/wasm/obj/host/web/trace_wasm.o $(WASM_OBJ)
$(O)/wasm/vectors.wasm: $(O)/wasm/obj/tests/wasm/vectors.o $(WASM_OBJ)
$(O)/wasm/%.wasm:
	$(say) WASM $@
	$(Q)$(CLANG) $(WASM_FLAGS) $(WASM_LD) -o $@ $^
$(O)/wasm/obj/zlib/%.o: $(WASM_SOURCES)/zlib/%.c $(O)/wasm/flags
	$(say) CLANG $<
	$(Q)mkdir -p $(@D) && $(CLANG) $(filter-out -W%,$(WASM_FLAGS)) -w -DHAVE_UNISTD_H -c -o $@ $<
$(O)/wasm/obj/nanopb/%.o: $(WASM_SOURCES)/nanopb/%.c $(O)/wasm/flags
	$(say) CLANG $<
	$(Q)mkdir -p $(@D) && $(CLANG) $(filter-out -W%,$(WASM_FLAGS)) -w -c -o $@ $<
$(O)/wasm/obj/gen/ayaprof.pb.o: $(PB_C) $(O)/wasm/flags
	$(say) CLANG $<
	$(Q)mkdir -p $(@D) && $(CLANG) $(WASM_CPP) -I$(O)/gen/proto $(WASM_FLAGS) -MMD -MP -c -o $@ $<
$(O)/wasm/obj/tests/%.o: EXTRA := -Wno-missing-prototypes
$(O)/wasm/obj/%.o: %.c $(O)/wasm/flags | $(PB_H)
	$(say) CLANG $<
	$(Q)mkdir -p $(@D) && $(CLANG) $(WASM_CPP) $(WASM_FLAGS) $(EXTRA) -MMD -MP -c -o $@ $<

# ---- other generated files ---------------------------------------------------------------------
# This machine's only: what another one has left in $(O) is not for this compiler to make.
$(SYSCALLS): $(O)/gen/target/syscalls_%.inc: scripts/gen-syscalls.sh $(O)/gen/syscalls.from
	$(say) GEN $@
	$(Q)mkdir -p $(@D) && CC='$(CC)' CPPFLAGS='$(SYSROOT_CPP) $(filter-out -D%,$(CPPFLAGS))' scripts/gen-syscalls.sh $* $@.d > $@
-include $(SYSCALLS:=.d)
$(PLOT_PY): host/plot/flameline.py scripts/embed-text.sh
	$(say) GEN $@
	$(Q)mkdir -p $(@D) && scripts/embed-text.sh < $< > $@

# ---- tests -------------------------------------------------------------------------------------
$(O)/tests/test_%: $(O)/obj/tests/unit/test_%.o $(LIB_TARGET) $(LIB_HOST) $(LIB_PROTO) $(LIB_FRAMING)
	$(say) LINK $@
	$(Q)mkdir -p $(@D) && $(CC) $(ALL_CFLAGS) -pie $(ALL_LDFLAGS) -o $@ $^ -lcmocka -lbpf -lelf -llzma $(ZYDIS) $(HOST_LIBS)
$(O)/tests/replay_%: $(O)/obj/tests/fuzz/fuzz_%.o $(O)/obj/tests/fuzz/replay_main.o $(LIB_TARGET) $(LIB_HOST) $(LIB_PROTO) $(LIB_FRAMING)
	$(say) LINK $@
	$(Q)mkdir -p $(@D) && $(CC) $(ALL_CFLAGS) -pie $(ALL_LDFLAGS) -o $@ $^ -lbpf -lelf -llzma $(ZYDIS) $(HOST_LIBS)
# Writes golden vectors (tests/tools/make_vectors.py), so it needs what it describes.
$(O)/tests/make_vectors: $(O)/obj/tests/tools/make_vectors.o $(LIB_PROTO) $(LIB_FRAMING)
	$(say) LINK $@
	$(Q)mkdir -p $(@D) && $(CC) $(ALL_CFLAGS) -pie $(ALL_LDFLAGS) -o $@ $^ -lz -lprotobuf-nanopb
$(O)/tests/linesim: $(call obj,$(LINESIM_SRC))
$(O)/tests/%: $(O)/obj/tests/tools/%.o
	$(say) LINK $@
	$(Q)mkdir -p $(@D) && $(CC) $(ALL_CFLAGS) -pie $(ALL_LDFLAGS) -o $@ $^ -lpthread -lm

# Emulated boards run static programs; a static one with sanitizers does not link.
tests: all $(O)/btf/wanted_types.o $(UNIT_BIN) $(TOOL_BIN) $(REPLAY_BIN) $(if $(SAN),,static-here)
static-here:
	+@O='$(O)' scripts/build-static.sh '$(shell uname -m)'

$(O)/tests/bench_codec: $(O)/obj/tests/bench/bench_codec.o $(LIB_PROTO)
	$(say) LINK $@
	$(Q)mkdir -p $(@D) && $(CC) $(ALL_CFLAGS) -pie $(ALL_LDFLAGS) -o $@ $^ -lz -lprotobuf-nanopb

# What a traced call costs on emulated boards, beside ftrace and bpftrace. BOARDS="aarch64/6.12 ...": those only.
bench-boards:
	@scripts/install-deps.sh build static boards boards-arm64 static-arm64
	+@O='$(O)' scripts/build-static.sh aarch64
	+@O='$(O)' scripts/build-static.sh x86_64
	@O='$(O)' $(PYTHON) tests/boards/overhead.py $(BOARDS)

bench:
	@scripts/install-deps.sh build bench
	@$(MAKE) --no-print-directory O='$(O)' all $(O)/tests/bench_codec
	@O='$(O)' $(PYTHON) tests/bench/run.py
	@O='$(O)' $(PYTHON) tests/bench/user_calls.py
	@O='$(O)' $(PYTHON) tests/bench/reading.py

# The work at hand: what needs no kernel, no line and no board.
check:
	@scripts/install-deps.sh build test
	@$(MAKE) --no-print-directory O='$(O)' check-run
check-run: all $(UNIT_BIN) $(REPLAY_BIN) $(O)/tests/make_vectors
	@O='$(O)' PYTHON='$(PYTHON)' $(PYTHON) tests/run.py --check

deps:
	@scripts/install-deps.sh build plot test packaging static wasm btf boards boards-arm64 static-arm64

# As many jobs as there are processors, where the user has not said how many.
PARALLEL = $(if $(filter -j%,$(MAKEFLAGS)),,-j$(shell nproc))

# A second make, because the first one may have been read before the tools it asks for were there. And a third: tests run make,
# too, which is not to take part in ours.
test: deps
	@$(MAKE) --no-print-directory $(PARALLEL) O='$(O)' tests static-second
	@$(MAKE) --no-print-directory O='$(O)' test-run
test-run: tests static-second
	@O='$(O)' PYTHON='$(PYTHON)' $(PYTHON) tests/run.py
# The boards' second architecture needs a mirror: without one its tests say that it is not built.
static-second: | tests
	+@$(if $(SAN),:,O='$(O)' scripts/build-static.sh aarch64) || :

test-line: deps
	@$(MAKE) --no-print-directory $(PARALLEL) O='$(O)' tests
	@O='$(O)' PYTHON='$(PYTHON)' $(PYTHON) tests/run.py --line

test-boards: deps
	@scripts/install-deps.sh boards-armhf static-armhf boards-more
	@$(MAKE) --no-print-directory $(PARALLEL) O='$(O)' tests $(O)/desk/hostdec
	+@O='$(O)' scripts/build-static.sh aarch64
	+@O='$(O)' scripts/build-static.sh armv7l
	@O='$(O)' PYTHON='$(PYTHON)' $(PYTHON) tests/run.py --boards

demo:
	@scripts/install-deps.sh build plot
	@$(MAKE) --no-print-directory O='$(O)' all $(O)/tests/linesim $(O)/tests/workload
	@O='$(O)' PYTHON='$(PYTHON)' scripts/demo.sh

KERNEL ?= 6.1
demo-board:
	@debian=$$(scripts/arch.sh '$(ARCH)' debian) && scripts/install-deps.sh build plot static boards static-$$debian boards-$$debian
	@$(MAKE) --no-print-directory O='$(O)' all
	+@O='$(O)' scripts/build-static.sh '$(ARCH)'
	@O='$(O)' $(PYTHON) tests/boards/demo.py "$$(scripts/arch.sh '$(ARCH)')" '$(KERNEL)'

# ---- fuzzing: every tests/fuzz/fuzz_NAME.c for FUZZ_SECONDS, new inputs stay in $(O)/fuzz/corpus ----
FUZZ_SECONDS ?= 60
FUZZ_BIN     := $(patsubst tests/fuzz/fuzz_%.c,$(O)/fuzz/fuzz_%,$(FUZZ_SRC))
FUZZ_CFLAGS  := -O1 -g -std=gnu11 -fno-strict-aliasing -fsanitize=fuzzer-no-link,address,undefined \
                -fno-sanitize-recover=undefined -fsanitize-coverage-ignorelist=tests/fuzz/uncounted.txt
fuzz_obj = $(patsubst %.c,$(O)/fuzz/obj/%.o,$(1))

$(call fuzz_obj,$(FRAMING_SRC) $(PROTO_SRC) $(HOST_SRC) $(TARGET_SRC) $(SHARED_SRC) $(FUZZ_SRC)): | $(PB_H) $(PLOT_PY) $(TARGET_GEN)
$(O)/fuzz/obj/%.o: %.c tests/fuzz/uncounted.txt
	$(say) CLANG $<
	$(Q)mkdir -p $(@D) && $(CLANG) $(ALL_CPPFLAGS) $(FUZZ_CFLAGS) -MMD -MP -c -o $@ $<
# Only fills tables, the same for every input; with a check of each store it is half of a target's time.
$(O)/fuzz/obj/proto/adaptive_bit.o: FUZZ_CFLAGS := -O2 -g -std=gnu11
$(O)/fuzz/obj/gen/ayaprof.pb.o: $(PB_C)
	$(say) CLANG $<
	$(Q)mkdir -p $(@D) && $(CLANG) $(ALL_CPPFLAGS) -I$(O)/gen/proto $(FUZZ_CFLAGS) -MMD -MP -c -o $@ $<
# An archive, so that a fuzzer links only what it calls.
$(O)/fuzz/libfuzzed.a: $(call fuzz_obj,$(FRAMING_SRC) $(PROTO_SRC) $(HOST_SRC) $(TARGET_SRC) $(SHARED_SRC)) $(O)/fuzz/obj/gen/ayaprof.pb.o
	$(say) AR $@
	$(Q)rm -f $@ && $(AR) rcs $@ $^
$(O)/fuzz/fuzz_%: $(O)/fuzz/obj/tests/fuzz/fuzz_%.o $(O)/fuzz/libfuzzed.a
	$(say) LINK $@
	$(Q)$(CLANG) -fsanitize=fuzzer,address,undefined -o $@ $^ $(TARGET_LIBS) $(ZYDIS) $(HOST_LIBS)

fuzz:
	@scripts/install-deps.sh build fuzz
	@$(MAKE) --no-print-directory O='$(O)' fuzz-run
fuzz-run: $(FUZZ_BIN)
	$(Q)set -e; for f in $(FUZZ_BIN); do name=$${f##*/fuzz_}; mkdir -p $(O)/fuzz/corpus/$$name; \
		echo "fuzz $$name: $(FUZZ_SECONDS) s"; \
		ASAN_OPTIONS=quarantine_size_mb=16:malloc_context_size=6 $$f -max_total_time=$(FUZZ_SECONDS) -timeout=10 -rss_limit_mb=1024 \
			-entropic_scale_per_exec_time=1 -print_final_stats=1 \
			-artifact_prefix=$(O)/fuzz/$$name- $(O)/fuzz/corpus/$$name tests/fuzz/corpus/$$name; done

asan:
	@scripts/install-deps.sh build plot test
	@$(MAKE) --no-print-directory O='$(O)/asan' SAN=address,undefined test-run

# ---- care --------------------------------------------------------------------------------------
C_FILES = $(shell scripts/list-files.sh '*.c' '*.h' | tr '\0' ' ')

format:
	clang-format -i $(C_FILES)

lint:
	@scripts/lint.sh

# With what packages are judged by where they go: docs/packaging.md.
.PHONY: lint-packaging
lint-packaging:
	@scripts/install-deps.sh lint-packaging
	@BUILDROOT='$(BUILDROOT)' BITBAKE='$(BITBAKE)' OE_LAYERS='$(OE_LAYERS)' FULL='$(FULL)' PYTHON='$(PYTHON)' \
		scripts/lint-packaging.sh

# ---- man pages, completion, installing --------------------------------------------------------------
# Made from what the programs' --help says (scripts/gen-docs.py), so by running them.
HOST_COMMANDS := record info stats plot log export ctl
TARGET_PAGES  := $(O)/man/ayaprof-uart.8 $(O)/completion/ayaprof-uart $(O)/man/ayaprof-uart.conf
HOST_PAGES    := $(O)/man/hostdec.1 $(O)/completion/hostdec

pages: pages-ayaprof-uart pages-hostdec
pages-ayaprof-uart: $(TARGET_PAGES)
pages-hostdec: $(HOST_PAGES)
$(TARGET_PAGES): $(O)/ayaprof-uart
$(HOST_PAGES): $(O)/hostdec
$(HOST_PAGES): COMMANDS := $(HOST_COMMANDS)
$(O)/man/ayaprof-uart.8: packaging/man/ayaprof-uart.8.in
$(O)/man/hostdec.1: packaging/man/hostdec.1.in
$(O)/man/ayaprof-uart.conf: packaging/ayaprof-uart.conf.in
$(O)/completion/ayaprof-uart: packaging/completion/ayaprof-uart.in
$(O)/completion/hostdec: packaging/completion/hostdec.in
$(TARGET_PAGES) $(HOST_PAGES): scripts/gen-docs.py
	$(say) DOC $@
	$(Q)mkdir -p $(@D) && $(PYTHON) scripts/gen-docs.py $(filter %.in,$^) $(filter-out %.in %.py,$^) $(COMMANDS) > $@

# The board's half and the desk's are for different machines: install-target needs none of the desk's libraries.
install: install-target install-host
install-target: $(O)/ayaprof-uart
	@O='$(O)' DESTDIR='$(DESTDIR)' PREFIX='$(PREFIX)' MAKE='$(MAKE)' scripts/install.sh target
install-host: $(O)/hostdec
	@O='$(O)' DESTDIR='$(DESTDIR)' PREFIX='$(PREFIX)' MAKE='$(MAKE)' scripts/install.sh host
uninstall:
	@O='$(O)' DESTDIR='$(DESTDIR)' PREFIX='$(PREFIX)' scripts/install.sh remove

# In a copy, so that nothing of it stays in the sources.
deb:
	@scripts/install-deps.sh build packaging
	@O='$(O)' scripts/build-deb.sh

# A release archive: the same bytes from the same commit, and what is in it builds without git.
dist:
	@mkdir -p '$(O)/dist'
	@git archive --format=tar --prefix=ayaprof-uart-$(VERSION)/ HEAD | gzip -9n > '$(O)/dist/ayaprof-uart-$(VERSION).tar.gz'
	@echo '$(O)/dist/ayaprof-uart-$(VERSION).tar.gz'

clean:
	rm -rf '$(O)'

-include $(shell find $(O)/obj $(O)/fuzz/obj $(O)/wasm/obj -name '*.d' 2>/dev/null)
