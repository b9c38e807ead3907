/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The ELF of the machine that this is compiled for: what its kernel gives as /proc/kcore. */
#ifndef TARGET_ELF_NATIVE_H
#define TARGET_ELF_NATIVE_H

#include <elf.h>
#include <stdint.h>

#if UINTPTR_MAX > UINT32_MAX
typedef Elf64_Ehdr native_ehdr;
typedef Elf64_Phdr native_phdr;
#define ELF_NATIVE_CLASS ELFCLASS64
#else
typedef Elf32_Ehdr native_ehdr;
typedef Elf32_Phdr native_phdr;
#define ELF_NATIVE_CLASS ELFCLASS32
#endif

#endif
