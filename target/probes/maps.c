/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/probes/maps.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

/* What an allocation that is followed takes: its row, and its share of the table's heads. */
#define ALLOC_BYTES 96u
#define MAX_TASKS   8192u
#define MAX_THREADS 4096u

struct map_row {
	const char *name;
	enum bpf_map_type type;
	uint32_t key, value;
	bool mapped;
};

static const struct map_row rows[MAP_COUNT] = {
	[MAP_RING] = {"ring", BPF_MAP_TYPE_RINGBUF, 0, 0, false},
	[MAP_CONTROL] = {"control", BPF_MAP_TYPE_ARRAY, 4, sizeof(struct ayp_control), true},
	[MAP_CELLS] = {"cells", BPF_MAP_TYPE_ARRAY, 4, sizeof(struct ayp_cell), true},
	[MAP_BOOKS] = {"books", BPF_MAP_TYPE_ARRAY, 4, sizeof(struct ayp_cpu_book), true},
	[MAP_TASKS] = {"tasks", BPF_MAP_TYPE_LRU_HASH, 4, sizeof(struct ayp_task_seen), false},
	[MAP_AGAIN] = {"again", BPF_MAP_TYPE_LRU_HASH, sizeof(struct ayp_again), 4, false},
	[MAP_INNERMOST] = {"innermost", BPF_MAP_TYPE_LRU_HASH, 8, sizeof(struct ayp_innermost),
		false},
	[MAP_ALLOCS0] = {"allocs0", BPF_MAP_TYPE_HASH, 8, sizeof(struct ayp_alloc), false},
	[MAP_ALLOCS1] = {"allocs1", BPF_MAP_TYPE_HASH, 8, sizeof(struct ayp_alloc), false},
	[MAP_ALLOCS2] = {"allocs2", BPF_MAP_TYPE_HASH, 8, sizeof(struct ayp_alloc), false},
	[MAP_MEM_CELLS] = {"mem_cells", BPF_MAP_TYPE_ARRAY, 4, sizeof(struct ayp_mem_cell), true},
	[MAP_MEM_SIZES] = {"mem_sizes", BPF_MAP_TYPE_ARRAY, 4, sizeof(struct ayp_mem_size), true},
	[MAP_PLACES] = {"places", BPF_MAP_TYPE_ARRAY, 4, sizeof(struct ayp_place_bucket), true},
	[MAP_USER_PLACES] = {"user_places", BPF_MAP_TYPE_ARRAY, 4, sizeof(struct ayp_user_places),
		true},
};

static size_t page_up(size_t bytes)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return (bytes + page - 1) / page * page;
}

static int map_create(struct maps *m, enum map_id id, size_t entries, void **mapping)
{
	const struct map_row *r = &rows[id];
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = r->mapped ? BPF_F_MMAPABLE : 0);
	int fd, err;

	if (entries > UINT32_MAX / 2)
		return -E2BIG;
	fd = bpf_map_create(r->type, r->name, r->key, r->value, (uint32_t)entries, &opts);
	if (fd < 0)
		return -errno;
	m->fd[id] = fd;
	if (!mapping)
		return 0;
	m->mapped[id] = page_up(entries * r->value);
	*mapping = mmap(NULL, m->mapped[id], PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (*mapping == MAP_FAILED) {
		err = -errno;
		*mapping = NULL;
		return err;
	}
	return 0;
}

int maps_create(struct maps *m, const struct maps_sizes *sizes, const char **what)
{
	int cpus = libbpf_num_possible_cpus();
	size_t allocs = sizes->mem_table_bytes / ALLOC_BYTES;
	uint32_t n_funcs = sizes->n_funcs, n_sites = sizes->n_sites;
	LIBBPF_OPTS(bpf_map_create_opts, grace);
	struct {
		enum map_id id;
		size_t entries;
		void **mapping;
	} todo[] = {
		{MAP_RING, sizes->ring_bytes, NULL},
		{MAP_CONTROL, 1, (void **)&m->control},
		/* A session of nothing but counters has no function. */
		{MAP_CELLS, (size_t)cpus * n_funcs + 1, (void **)&m->cells},
		{MAP_BOOKS, (size_t)cpus, (void **)&m->books},
		{MAP_TASKS, MAX_TASKS, NULL},
		{MAP_AGAIN, MAX_THREADS, NULL},
		{MAP_INNERMOST, n_sites ? MAX_THREADS : 64, NULL},
		/* At once: a map that grew while kmalloc is traced would trace itself. The first
		 * class has half of it, so most boards never need another; the quarter of the last
		 * is enough for whatever fits the memory that it is a 64th of. */
		{MAP_ALLOCS0, allocs / 2, NULL},
		{MAP_ALLOCS1, allocs / 4, NULL},
		{MAP_ALLOCS2, allocs / 4, NULL},
		{MAP_MEM_CELLS, (size_t)cpus * n_sites * AYP_MEM_SLOTS, (void **)&m->mem_cells},
		{MAP_MEM_SIZES, (size_t)cpus * AYP_MEM_TYPES * AYP_MEM_SIZES,
			(void **)&m->mem_sizes},
	};
	size_t i;
	int err;

	*m = (struct maps){
		.grace = -1, .cpus = (uint32_t)cpus, .n_funcs = n_funcs, .n_sites = n_sites};
	for (i = 0; i < MAP_COUNT; i++)
		m->fd[i] = -1;
	*what = "the number of CPUs";
	if (cpus < 0)
		return cpus;
	for (i = 0; i < sizeof(todo) / sizeof(todo[0]); i++) {
		if (todo[i].id >= MAP_ALLOCS0 && !n_sites)
			continue;
		*what = rows[todo[i].id].name;
		err = map_create(m, todo[i].id, todo[i].entries, todo[i].mapping);
		if (err)
			return err;
	}
	*what = "grace";
	grace.inner_map_fd = (uint32_t)m->fd[MAP_CONTROL];
	m->grace = bpf_map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS, "grace", 4, 4, 1, &grace);
	return m->grace < 0 ? -errno : 0;
}

bool maps_ring_fits(size_t ring_bytes)
{
	int fd = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "ring", 0, 0, (uint32_t)ring_bytes, NULL);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static int create_once(struct maps *m, enum map_id id, size_t entries, void **mapping)
{
	return m->fd[id] >= 0 ? -EEXIST : map_create(m, id, entries, mapping);
}

int maps_create_places(struct maps *m, size_t buckets)
{
	return create_once(m, MAP_PLACES, buckets, (void **)&m->places);
}

int maps_create_user_places(struct maps *m, size_t rows_wanted)
{
	return create_once(m, MAP_USER_PLACES, rows_wanted, (void **)&m->user_places);
}

void maps_destroy(struct maps *m)
{
	void *mapping[MAP_COUNT] = {
		[MAP_CONTROL] = (void *)m->control,
		[MAP_CELLS] = (void *)m->cells,
		[MAP_BOOKS] = (void *)m->books,
		[MAP_MEM_CELLS] = (void *)m->mem_cells,
		[MAP_MEM_SIZES] = (void *)m->mem_sizes,
		[MAP_PLACES] = m->places,
		[MAP_USER_PLACES] = m->user_places,
	};
	size_t i;

	for (i = 0; i < MAP_COUNT; i++) {
		if (mapping[i])
			munmap(mapping[i], m->mapped[i]);
		if (m->fd[i] >= 0)
			close(m->fd[i]);
		m->fd[i] = -1;
	}
	if (m->grace >= 0)
		close(m->grace);
	m->grace = -1;
	m->control = NULL;
	m->cells = NULL;
	m->books = NULL;
	m->mem_cells = NULL;
	m->mem_sizes = NULL;
	m->places = NULL;
	m->user_places = NULL;
}

int maps_fd_by_name(const struct maps *m, const char *name)
{
	size_t i;

	for (i = 0; i < MAP_COUNT; i++)
		if (!strcmp(rows[i].name, name))
			return m->fd[i];
	return -1;
}

void maps_set_active(struct maps *m, bool active, uint32_t self)
{
	m->control->self_tgid = self;
	if (active)
		maps_set_helpers(m, AYP_NO_PROCESS, AYP_NO_PROCESS);
	__sync_synchronize();
	m->control->active = active;
	__sync_synchronize();
}

void maps_set_helpers(struct maps *m, uint32_t a, uint32_t b)
{
	/* In another PID namespace the numbers that we have are those of other processes. */
	bool same = m->control->self_tgid == (uint32_t)getpid();

	m->control->helper_tgid[0] = same ? a : AYP_NO_PROCESS;
	m->control->helper_tgid[1] = same ? b : AYP_NO_PROCESS;
}

void maps_wait(const struct maps *m)
{
	uint32_t zero = 0;

	/* Changing a map of maps from user space returns only when every program that was running
	 * has finished (Linux 4.19, 1ae80cf31938: synchronize_rcu). A program that saw `active` has
	 * then submitted its record; one that starts later sees 0. */
	bpf_map_update_elem(m->grace, &zero, &m->fd[MAP_CONTROL], BPF_ANY);
}

static const volatile struct ayp_cell *cell(const struct maps *m, uint32_t cpu, uint32_t func)
{
	return &m->cells[(size_t)cpu * m->n_funcs + func];
}

uint64_t maps_begun(const struct maps *m, uint32_t func)
{
	uint64_t sum = 0;
	uint32_t cpu;

	for (cpu = 0; cpu < m->cpus; cpu++)
		sum += cell(m, cpu, func)->produced[AYP_HALF_BEGIN];
	return sum;
}

uint64_t maps_runs(const struct maps *m, uint32_t func, enum ayp_cell_half half)
{
	uint64_t sum = 0;
	uint32_t cpu;

	for (cpu = 0; cpu < m->cpus; cpu++) {
		const volatile struct ayp_cell *c = cell(m, cpu, func);

		sum += c->produced[half] + c->own[half] + c->idle[half];
	}
	return sum;
}

int64_t maps_own_open(const struct maps *m, uint32_t func)
{
	int64_t sum = 0;
	uint32_t cpu;

	for (cpu = 0; cpu < m->cpus; cpu++) {
		const volatile struct ayp_cell *c = cell(m, cpu, func);

		sum += (int64_t)(c->own[AYP_HALF_BEGIN] - c->own[AYP_HALF_END]);
	}
	return sum;
}

uint64_t maps_strays(const struct maps *m)
{
	uint64_t sum = 0;
	uint32_t cpu;

	for (cpu = 0; cpu < m->cpus; cpu++)
		sum += m->books[cpu].strays;
	return sum;
}

uint64_t maps_produced(const struct maps *m)
{
	size_t i, n = (size_t)m->cpus * m->n_funcs;
	uint64_t sum = 0;

	for (i = 0; i < n; i++)
		sum += m->cells[i].produced[AYP_HALF_BEGIN] + m->cells[i].produced[AYP_HALF_END];
	return sum;
}

uint64_t maps_lost(const struct maps *m, uint32_t cpu)
{
	uint64_t sum = 0;
	uint32_t f;

	for (f = 0; f < m->n_funcs; f++)
		sum += cell(m, cpu, f)->lost[AYP_HALF_BEGIN] + cell(m, cpu, f)->lost[AYP_HALF_END];
	return sum;
}
