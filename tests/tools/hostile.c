/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What a user without rights can do to a profiler that runs as root and looks at programs: hostile TRICK SECONDS, in a
 * directory of its own that has nothing else, from a copy of this program there. Says "ready", is busy, ends.
 *
 * The daemon sees a busy program and wants to know the names of its functions. So the tricks are about what stands where
 * /proc says that the program is.
 */
#include <elf.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static volatile unsigned long sum;
static char self[PATH_MAX], deleted[PATH_MAX + 16];
static time_t end;

static bool over(void)
{
	return time(NULL) >= end;
}

/* The function that a sample is in. */
__attribute__((noinline)) static void be_busy(void)
{
	while (!over())
		for (unsigned int i = 0; i < 1000000; i++)
			sum += i;
}

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	perror(what);
	exit(1);
}

static void ready(void)
{
	puts("ready");
	fflush(stdout);
}

/* ---- in place of the program ---------------------------------------------------------------- */

static void fifo(void)
{
	unlink(self);
	must(mkfifo(deleted, 0666) == 0 && mkfifo(self, 0666) == 0, "mkfifo");
}

static void link_to_device(void)
{
	unlink(self);
	must(symlink("/dev/kmsg", deleted) == 0 && symlink("/dev/tty", self) == 0, "symlink");
}

/* A program and a FIFO take turns under one name. */
static void swap(void)
{
	unlink(self);
	must(mkfifo("pipe", 0666) == 0 && symlink("pipe", "a") == 0 && symlink("/bin/sh", "b") == 0,
		"swap");
	if (fork() != 0)
		return;
	for (unsigned int i = 0; !over(); i++) {
		const char *to = i % 2 ? "pipe" : "/bin/sh";

		unlink("next");
		if (symlink(to, "next") == 0 && rename("next", deleted) == 0 &&
			symlink(to, "next") == 0 && rename("next", self) == 0)
			continue;
	}
	_exit(0);
}

struct image {
	Elf64_Ehdr head;
	Elf64_Phdr load;
	Elf64_Shdr section[3];
	Elf64_Sym symbol[];
};

/* A file that says it has so many functions; their names are what `names` has. */
static struct image *image(size_t n, const char *names, size_t names_size, size_t *size)
{
	struct image *m;
	size_t symbols = n * sizeof(Elf64_Sym);

	*size = sizeof(*m) + symbols + names_size;
	m = calloc(1, *size);
	must(m, "calloc");
	memcpy(m->head.e_ident, ELFMAG, SELFMAG);
	m->head.e_ident[EI_CLASS] = ELFCLASS64;
	m->head.e_ident[EI_DATA] = ELFDATA2LSB;
	m->head.e_ident[EI_VERSION] = EV_CURRENT;
	m->head.e_type = ET_EXEC;
	m->head.e_version = EV_CURRENT;
	m->head.e_phoff = offsetof(struct image, load);
	m->head.e_shoff = offsetof(struct image, section);
	m->head.e_ehsize = sizeof(m->head);
	m->head.e_phentsize = sizeof(m->load);
	m->head.e_phnum = 1;
	m->head.e_shentsize = sizeof(m->section[0]);
	m->head.e_shnum = 3;
	m->load = (Elf64_Phdr){.p_type = PT_LOAD,
		.p_flags = PF_X | PF_R,
		.p_filesz = UINT64_C(1) << 40,
		.p_memsz = UINT64_C(1) << 40};
	m->section[1] = (Elf64_Shdr){.sh_type = SHT_SYMTAB,
		.sh_offset = sizeof(*m),
		.sh_size = symbols,
		.sh_entsize = sizeof(Elf64_Sym),
		.sh_link = 2};
	m->section[2] = (Elf64_Shdr){
		.sh_type = SHT_STRTAB, .sh_offset = sizeof(*m) + symbols, .sh_size = names_size};
	for (size_t i = 0; i < n; i++)
		m->symbol[i] = (Elf64_Sym){.st_name = 1,
			.st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC),
			.st_shndx = 1,
			.st_value = i,
			.st_size = 1};
	memcpy((char *)m + sizeof(*m) + symbols, names, names_size);
	return m;
}

static const char evil_name[] = "\0\x1b[2J\x1b]0;owned\a\r\n%n%s\xff\xfe\x80;${IFS}|evil";

/* Code of ours that is mapped from a file whose contents are others. */
static void *map_code(int fd, size_t size)
{
	/* jmp to itself (x86), b to itself (arm, arm64): never leaves the file. */
#if defined(__x86_64__) || defined(__i386__)
	static const unsigned char loop[] = {0xeb, 0xfe};
#elif defined(__aarch64__)
	static const unsigned char loop[] = {0x00, 0x00, 0x00, 0x14};
#else
	static const unsigned char loop[] = {0xfe, 0xff, 0xff, 0xea};
#endif
	void *code;

	must(pwrite(fd, loop, sizeof(loop), 4096) == sizeof(loop), "pwrite");
	code = mmap(NULL, size, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
	must(code != MAP_FAILED, "mmap");
	return (char *)code + 4096;
}

/* Be busy in there until the time is over. */
static void run_code(void *code)
{
	pid_t child = fork();

	if (child == 0) {
		union {
			void *object;
			void (*function)(void);
		} enter = {code};

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		enter.function();
	}
	ready();
	while (!over())
		usleep(20000);
	kill(child, SIGKILL);
	exit(0);
}

static int make_file(const char *path, size_t functions, size_t more)
{
	size_t size;
	struct image *m = image(functions, evil_name, sizeof(evil_name), &size);
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0755);

	must(fd >= 0 && write(fd, m, size) == (ssize_t)size, path);
	if (more)
		must(ftruncate(fd, (off_t)(size + more)) == 0, "ftruncate");
	free(m);
	return fd;
}

/* Names of any bytes, in a file with such a name, in a thread with such a name. */
static void names(void)
{
	static const char name[] = "./\x1b[31m\nname; (deleted)\xff";

	prctl(PR_SET_NAME, "\x1b[2J\n\xff%n;evil");
	run_code(map_code(make_file(name, 20000, 0), 8192));
}

/* So many symbols that all of them together are gigabytes; or that they are said to be there. */
static void many_symbols(void)
{
	run_code(map_code(make_file("many", 20000000, 0), 8192));
}

static void sparse(void)
{
	size_t n = 300000000, size;
	struct image *m = image(1, "", 1, &size);
	int fd = open("sparse", O_RDWR | O_CREAT | O_TRUNC, 0755);

	m->section[1].sh_size = n * sizeof(Elf64_Sym);
	m->section[1].sh_link = 0;
	must(fd >= 0 && write(fd, m, size) == (ssize_t)size &&
			ftruncate(fd, (off_t)(n * sizeof(Elf64_Sym) + size)) == 0,
		"sparse");
	run_code(map_code(fd, 8192));
}

static void truncated(void)
{
	size_t size;
	struct image *m = image(200000, evil_name, sizeof(evil_name), &size);
	int fd;

	unlink(self);
	fd = open(deleted, O_RDWR | O_CREAT | O_TRUNC, 0755);
	must(fd >= 0 && write(fd, m, size) == (ssize_t)size, deleted);
	if (fork() != 0)
		return;
	while (!over()) {
		if (ftruncate(fd, 0) != 0 || pwrite(fd, m, size, 0) != (ssize_t)size)
			break;
		usleep((useconds_t)(rand() % 15000));
	}
	_exit(0);
}

/* ---- mappings and processes ----------------------------------------------------------------- */

static void mappings(void)
{
	char part[201];
	int fd;

	memset(part, 'd', sizeof(part) - 1);
	part[sizeof(part) - 1] = '\0';
	for (int i = 0; i < 18; i++)
		if (mkdir(part, 0755) != 0 || chdir(part) != 0)
			break;
	fd = open("f", O_RDWR | O_CREAT, 0755);
	must(fd >= 0 && ftruncate(fd, 8192) == 0, "f");
	for (int i = 0; i < 60000; i++)
		if (mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, i % 2 ? 4096 : 0) ==
			MAP_FAILED)
			break;
}

/* Processes that are gone when somebody looks. */
static void vanish(void)
{
	ready();
	while (!over()) {
		pid_t child = fork();

		if (child == 0) {
			for (unsigned int i = 0; i < 3000000; i++)
				sum += i;
			_exit(0);
		}
		waitpid(child, NULL, 0);
	}
	exit(0);
}

/* A program without a file, by way of another: memfd TRICK... */
static void without_file(void)
{
	int fd = memfd_create("\x1b[5mprogram", 0), from = open("/proc/self/exe", O_RDONLY);
	char buffer[65536], seconds[32], name[] = "hostile", busy_name[] = "busy";
	char *arguments[] = {name, busy_name, seconds, NULL};
	ssize_t n;

	must(fd >= 0 && from >= 0, "memfd_create");
	while ((n = read(from, buffer, sizeof(buffer))) > 0)
		must(write(fd, buffer, (size_t)n) == n, "write");
	snprintf(seconds, sizeof(seconds), "%ld", (long)(end - time(NULL)));
	fexecve(fd, arguments, arguments + 3);
	must(false, "fexecve");
}

/* In name spaces of its own, as in a container: what it sees is not what others see. */
static void container(void)
{
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0)
		perror("unshare");
}

static void busy(void)
{
}

static const struct {
	const char *name;
	void (*prepare)(void);
} tricks[] = {
	{"busy", busy},
	{"fifo", fifo},
	{"link", link_to_device},
	{"swap", swap},
	{"truncated", truncated},
	{"symbols", many_symbols},
	{"sparse", sparse},
	{"mappings", mappings},
	{"vanish", vanish},
	{"names", names},
	{"memfd", without_file},
	{"container", container},
};

int main(int argc, char **argv)
{
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (argc != 3 || n < 0)
		return 2;
	snprintf(deleted, sizeof(deleted), "%s (deleted)", self);
	end = time(NULL) + strtol(argv[2], NULL, 10);
	for (size_t i = 0; i < sizeof(tricks) / sizeof(tricks[0]); i++)
		if (!strcmp(argv[1], tricks[i].name)) {
			tricks[i].prepare();
			ready();
			be_busy();
			return 0;
		}
	return 2;
}
