/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/base/output_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LOOK_MS     20
#define READER_MS   3000 /* for a pipe's reader to come */
#define PATIENCE_MS 5000 /* for it to take anything */

static int refuse(int err, char *why, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static int refuse(int err, char *why, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(why, OUTPUT_WHY, fmt, args);
	va_end(args);
	return err;
}

static int refuse_errno(int err, char *why)
{
	return refuse(err, why, "%s", strerror(-err));
}

/* ---- what stands there ---------------------------------------------------------------------- */

static bool is_stream(const struct stat *st, int fd)
{
	struct stat own;

	return fstat(fd, &own) == 0 && own.st_dev == st->st_dev && own.st_ino == st->st_ino;
}

/* Standard output or error under another name: to go on where they are, not from the start. */
static int own_stream(const struct stat *st)
{
	for (int fd = STDOUT_FILENO; fd <= STDERR_FILENO; fd++)
		if ((S_ISREG(st->st_mode) || S_ISSOCK(st->st_mode)) && is_stream(st, fd))
			return fd;
	return -1;
}

/* Signals that ended us would do so now, were they not held back. */
static bool is_told_to_stop(void)
{
	sigset_t pending;

	return sigpending(&pending) == 0 &&
	       (sigismember(&pending, SIGINT) > 0 || sigismember(&pending, SIGTERM) > 0 ||
		       sigismember(&pending, SIGHUP) > 0 || sigismember(&pending, SIGQUIT) > 0);
}

/* Of anything but a regular file: never waits in open. */
static int open_special(const char *path, const struct stat *st, char *why)
{
	const struct timespec moment = {0, LOOK_MS * 1000000L};
	int fd;

	if (S_ISDIR(st->st_mode))
		return refuse(-EISDIR, why, "it is a directory");
	if (S_ISSOCK(st->st_mode))
		return refuse(-ENXIO, why, "it is a socket, which is no place for a file");
	for (int waited = 0;; waited += LOOK_MS) {
		fd = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
		if (fd >= 0)
			return fd;
		if (errno != ENXIO || !S_ISFIFO(st->st_mode))
			return refuse_errno(-errno, why);
		if (waited >= READER_MS || is_told_to_stop())
			return refuse(
				-ENXIO, why, "nobody reads this pipe; start its reader first");
		nanosleep(&moment, NULL);
	}
}

void output_fill_standard_streams(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd > STDERR_FILENO)
		close(fd);
}

/* ---- names ---------------------------------------------------------------------------------- */

static char *join(const char *dir, const char *name)
{
	char *path;

	return asprintf(&path, "%s/%s", dir, name) < 0 ? NULL : path;
}

/* The file a path means, whether it exists or not, links followed. To be freed; NULL: errno says
 * why. */
static char *meant(const char *path, int depth)
{
	char *real = realpath(path, NULL), *copy, *slash, *dir, *next, link[PATH_MAX];
	const char *name;
	ssize_t n;

	if (real || errno != ENOENT || depth > 8)
		return real;
	n = readlink(path, link, sizeof(link) - 1);
	if (n > 0)
		link[n] = '\0';
	if (n > 0 && link[0] == '/')
		return meant(link, depth + 1);
	copy = strdup(path);
	if (!copy)
		return NULL;
	slash = strrchr(copy, '/');
	name = slash ? slash + 1 : path;
	dir = realpath(slash == copy ? "/" : slash ? (*slash = '\0', copy) : ".", NULL);
	if (dir && !*name)
		errno = EISDIR;
	else if (dir)
		real = join(dir, n > 0 ? link : name);
	free(dir);
	free(copy);
	if (n <= 0 || !real)
		return real;
	next = meant(real, depth + 1);
	free(real);
	return next;
}

bool output_same(const char *a, const char *b)
{
	struct stat x, y;
	char *one, *other;
	bool same, there;

	if (!a || !b || !strcmp(a, "-") || !strcmp(b, "-"))
		return false;
	there = stat(a, &x) == 0;
	if (there != (stat(b, &y) == 0))
		return false;
	if (there)
		return !S_ISCHR(x.st_mode) && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
	one = meant(a, 0);
	other = meant(b, 0);
	same = one && other && !strcmp(one, other);
	free(one);
	free(other);
	return same;
}

/* ---- as a whole ----------------------------------------------------------------------------- */

static int make_temp(struct output_file *f, const char *suffix)
{
	const char *slash = strrchr(f->replaces, '/');
	int len = slash ? (int)(slash - f->replaces) : 0;

	if (asprintf(&f->temp, "%.*s/.ayaprof-XXXXXX%s", len, f->replaces, suffix) < 0) {
		f->temp = NULL;
		return -ENOMEM;
	}
	f->fd = mkostemps(f->temp, (int)strlen(suffix), O_CLOEXEC);
	if (f->fd >= 0)
		return 0;
	free(f->temp);
	f->temp = NULL;
	return -errno;
}

static void forget(struct output_file *f)
{
	if (f->stream)
		fclose(f->stream);
	else if (f->fd >= 0)
		close(f->fd);
	free(f->temp);
	free(f->replaces);
	*f = (struct output_file)OUTPUT_FILE_NONE;
}

/* A directory that takes no new file, or a file with other names: into the file itself. */
static int begin_in_place(struct output_file *f, const char *path, char *why)
{
	f->fd = open(path, O_WRONLY | O_NOCTTY | O_CLOEXEC);
	if (f->fd < 0)
		return refuse_errno(-errno, why);
	f->cut = true;
	return 0;
}

static int begin_regular(struct output_file *f, const char *path, const struct stat *st,
	const char *suffix, char *why)
{
	int fd = own_stream(st), err;

	if (fd >= 0) {
		f->fd = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
		return f->fd < 0 ? refuse_errno(-errno, why) : 0;
	}
	if (faccessat(AT_FDCWD, path, W_OK, AT_EACCESS))
		return refuse_errno(-errno, why);
	f->replaces = realpath(path, NULL);
	if (!f->replaces)
		return refuse_errno(-errno, why);
	if (st->st_nlink == 1 && !make_temp(f, suffix)) {
		/* As the old one: an owner that cannot be kept may cost the other rights. */
		err = fchown(f->fd, st->st_uid, st->st_gid) &&
		      (st->st_uid != geteuid() || st->st_gid != getegid());
		return fchmod(f->fd, st->st_mode & (err ? 0700 : 0777)) ? refuse_errno(-errno, why)
									: 0;
	}
	free(f->replaces);
	f->replaces = NULL;
	return begin_in_place(f, path, why);
}

static int begin_new(
	struct output_file *f, const char *path, mode_t mode, const char *suffix, char *why)
{
	mode_t mask = umask(0);
	int err;

	umask(mask);
	f->replaces = meant(path, 0);
	if (!f->replaces)
		return refuse_errno(-errno, why);
	err = make_temp(f, suffix);
	if (!err && fchmod(f->fd, mode & ~mask))
		err = -errno;
	return err ? refuse_errno(err, why) : 0;
}

static int begin(
	struct output_file *f, const char *path, mode_t mode, const char *suffix, char *why)
{
	struct stat st;
	int err;

	*f = (struct output_file)OUTPUT_FILE_NONE;
	if (stat(path, &st) == 0) {
		if (S_ISREG(st.st_mode))
			err = begin_regular(f, path, &st, suffix, why);
		else if (S_ISSOCK(st.st_mode) && own_stream(&st) >= 0)
			err = f->fd = fcntl(own_stream(&st), F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
		else
			err = f->fd = open_special(path, &st, why);
	} else if (errno == ENOENT) {
		err = begin_new(f, path, mode, suffix, why);
	} else {
		err = refuse_errno(-errno, why);
	}
	return err < 0 ? err : 0;
}

static void throw_away(struct output_file *f)
{
	if (f->temp)
		unlink(f->temp);
	forget(f);
}

int output_file_begin(
	struct output_file *f, const char *path, mode_t mode, const char *suffix, char *why)
{
	int err = begin(f, path, mode, suffix, why);

	if (err)
		throw_away(f);
	return err;
}

int output_file_check(const char *path, char *why)
{
	struct output_file f;
	struct stat st;
	int err;

	/* Opened and closed, it would tell its reader that all has come. */
	if (stat(path, &st) == 0 && S_ISFIFO(st.st_mode))
		return faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) ? refuse_errno(-errno, why) : 0;
	err = begin(&f, path, 0600, "", why);
	throw_away(&f);
	return err;
}

static int cut(struct output_file *f, char *why)
{
	if (f->cut && ftruncate(f->fd, 0))
		return refuse_errno(-errno, why);
	f->cut = false;
	return 0;
}

int output_file_write(struct output_file *f, const char *data, size_t len, char *why)
{
	int err = cut(f, why);

	while (len && !err) {
		struct pollfd p = {.fd = f->fd, .events = POLLOUT};
		ssize_t n = write(f->fd, data, len);

		if (n > 0) {
			data += n;
			len -= (size_t)n;
		} else if (n == 0) {
			err = refuse_errno(-ENOSPC, why);
		} else if (errno == EAGAIN && poll(&p, 1, PATIENCE_MS) <= 0) {
			err = refuse(-EAGAIN, why, "its reader takes nothing");
		} else if (errno != EAGAIN && errno != EINTR) {
			err = refuse_errno(-errno, why);
		}
	}
	return err;
}

FILE *output_file_stream(struct output_file *f)
{
	char why[OUTPUT_WHY];
	int flags = fcntl(f->fd, F_GETFL);

	if (flags >= 0)
		fcntl(f->fd, F_SETFL, flags & ~O_NONBLOCK);
	if (!cut(f, why))
		f->stream = fdopen(f->fd, "w");
	return f->stream;
}

const char *output_file_name(const struct output_file *f, const char *path)
{
	return f->temp ? f->temp : path;
}

/* A file that something is mounted on cannot be replaced, only written to. */
static int copy_over(struct output_file *f, char *why)
{
	struct output_file to = OUTPUT_FILE_NONE;
	char buf[16384];
	ssize_t n = 0;
	int from = open(f->temp, O_RDONLY | O_CLOEXEC), err;

	err = from < 0 ? refuse_errno(-errno, why) : begin_in_place(&to, f->replaces, why);
	while (!err && (n = read(from, buf, sizeof(buf))) > 0)
		err = output_file_write(&to, buf, (size_t)n, why);
	if (!err && n < 0)
		err = refuse_errno(-errno, why);
	if (!err)
		err = cut(&to, why); /* nothing to write: empty, then */
	forget(&to);
	if (from >= 0)
		close(from);
	unlink(f->temp);
	return err;
}

static int put_in_place(struct output_file *f, char *why)
{
	int err;

	/* Without this a power loss may leave an empty file under the new name. */
	if (fsync(f->fd) && errno != EINVAL && errno != EROFS)
		return refuse_errno(-errno, why);
	if (rename(f->temp, f->replaces) == 0)
		return 0;
	err = -errno;
	return err == -EBUSY ? copy_over(f, why) : refuse_errno(err, why);
}

int output_file_end(struct output_file *f, bool keep, char *why)
{
	int err = 0;

	if (!keep) {
		throw_away(f);
		return 0;
	}
	/* What went wrong before flushing is known to ferror only, without its reason. */
	errno = EIO;
	if (f->stream && (fflush(f->stream) || ferror(f->stream)))
		err = refuse_errno(-errno, why);
	if (!err)
		err = f->temp ? put_in_place(f, why) : cut(f, why);
	if (err)
		throw_away(f);
	else
		forget(f);
	return err;
}

/* ---- in place ------------------------------------------------------------------------------- */

/*
 * In a directory where everybody may create and nobody may delete what is others', a link of
 * another user's leads to where that user wants (kernels refuse to follow it with
 * fs.protected_symlinks, which is off unless somebody turns it on). O_NOFOLLOW: not a link; its
 * owner cannot make it one after the look.
 */
static int link_rule(const char *path, char *why)
{
	const char *slash = strrchr(path, '/');
	char dir[PATH_MAX] = ".";
	struct stat st, parent;

	if (slash)
		snprintf(dir, sizeof(dir), "%.*s", (int)(slash - path + 1), path);
	if (stat(dir, &parent) || (parent.st_mode & (S_ISVTX | S_IWOTH)) != (S_ISVTX | S_IWOTH))
		return 0;
	if (lstat(path, &st) || !S_ISLNK(st.st_mode))
		return O_NOFOLLOW;
	if (st.st_uid == geteuid() || st.st_uid == parent.st_uid)
		return 0;
	return refuse(
		-EACCES, why, "it is another user's link, in a directory that all may write to");
}

static int open_regular(const char *path, mode_t mode, bool *created, char *why)
{
	int follow = link_rule(path, why), fd;

	if (follow < 0)
		return follow;
	*created = false;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	*created = fd >= 0;
	/* O_NONBLOCK: should it have become a pipe meanwhile. */
	if (fd < 0 && errno == EEXIST)
		fd = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | follow);
	/* A link to what is not there yet. */
	if (fd < 0 && errno == ENOENT && !follow)
		fd = open(path, O_WRONLY | O_CREAT | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, mode);
	if (fd < 0)
		return refuse_errno(-errno, why);
	if (flock(fd, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK) {
		close(fd);
		return refuse(-EBUSY, why, "another program is writing it");
	}
	return fd;
}

int output_open_in_place(const char *path, mode_t mode, bool *created, char *why)
{
	struct stat st;

	*created = false;
	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
		return open_special(path, &st, why);
	return open_regular(path, mode, created, why);
}
