/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The only file that includes the generated skeletons: for the bytes of the objects. */
#include "target/probes/object.h"

#include <bpf/libbpf.h>

#include "bpf/cpu.skel.h"
#include "bpf/function.skel.h"
#include "bpf/irq.skel.h"
#include "bpf/memory.skel.h"
#include "bpf/sched.skel.h"
#include "bpf/sched_tp.skel.h"
#include "bpf/syscall.skel.h"
#include "bpf/task.skel.h"
#include "bpf/xdp.skel.h"

#define IMAGE(n) const struct bpf_image image_##n = {#n, n##_bpf__elf_bytes}
IMAGE(cpu);
IMAGE(function);
IMAGE(irq);
IMAGE(memory);
IMAGE(sched);
IMAGE(sched_tp);
IMAGE(syscall);
IMAGE(task);
IMAGE(xdp);
