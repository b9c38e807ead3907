/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/source/kmsg.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "target/base/log.h"

/* Records that one call may skip: somebody who floods the log with nonsense must not hold us up. */
#define SKIP_MAX 64u

struct input {
	const char *at, *end;
};

/* A decimal number and the character behind it, one of `stops`. */
static bool take_number(struct input *in, const char *stops, uint64_t *value, char *stop)
{
	const char *from = in->at;

	*value = 0;
	for (; in->at < in->end && *in->at >= '0' && *in->at <= '9'; in->at++) {
		unsigned int digit = (unsigned int)(*in->at - '0');

		if (*value > (UINT64_MAX - digit) / 10)
			return false;
		*value = *value * 10 + digit;
	}
	if (in->at == from || in->at == in->end || !*in->at || !strchr(stops, *in->at))
		return false;
	*stop = *in->at++;
	return true;
}

/* ---- text ----------------------------------------------------------------------------------- */

static int hex_digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = c ? strchr(digits, c | 0x20) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* One byte of the text; the kernel writes what is not printable ASCII, and the backslash, as \xNN.
 */
static uint8_t take_byte(struct input *in)
{
	if (in->end - in->at >= 4 && in->at[0] == '\\' && in->at[1] == 'x' &&
		hex_digit(in->at[2]) >= 0 && hex_digit(in->at[3]) >= 0) {
		uint8_t byte = (uint8_t)(hex_digit(in->at[2]) << 4 | hex_digit(in->at[3]));

		in->at += 4;
		return byte;
	}
	return (uint8_t)*in->at++;
}

/* Length of the well-formed UTF-8 sequence that begins at `in`, its bytes in seq; 0: none does. */
static size_t take_sequence(struct input *in, uint8_t seq[4])
{
	static const struct {
		uint8_t mask, lead;
		uint32_t min;
	} forms[] = {
		{0x80, 0x00, 1}, {0xe0, 0xc0, 0x80}, {0xf0, 0xe0, 0x800}, {0xf8, 0xf0, 0x10000}};
	struct input after_first;

	seq[0] = take_byte(in);
	after_first = *in;
	for (size_t n = 0; n < sizeof(forms) / sizeof(forms[0]); n++) {
		uint32_t point = seq[0] & (uint8_t)~forms[n].mask;
		size_t have = 1;

		if ((seq[0] & forms[n].mask) != forms[n].lead)
			continue;
		while (have <= n && in->at < in->end) {
			seq[have] = take_byte(in);
			if ((seq[have] & 0xc0) != 0x80)
				break;
			point = point << 6 | (seq[have++] & 0x3f);
		}
		if (have == n + 1 && point >= forms[n].min && point <= 0x10ffff &&
			(point < 0xd800 || point > 0xdfff))
			return have;
		break;
	}
	*in = after_first;
	return 0;
}

static void take_text(struct input *in, ayaprof_LogRecord *record)
{
	size_t fill = 0;

	while (in->at < in->end && *in->at != '\n') { /* what follows is a dictionary */
		uint8_t seq[4];
		size_t n = take_sequence(in, seq);

		if (n == 0) {
			seq[0] = '?';
			n = 1;
		}
		if (fill + n >= sizeof(record->text)) {
			record->cut = true;
			break;
		}
		memcpy(record->text + fill, seq, n);
		fill += n;
	}
	record->text[fill] = '\0';
}

/* ---- records -------------------------------------------------------------------------------- */

bool kmsg_parse(const char *data, size_t len, ayaprof_LogRecord *record)
{
	struct input in = {data, data + len};
	uint64_t priority;
	char stop;

	memset(record, 0, sizeof(*record));
	if (!take_number(&in, ",", &priority, &stop) || priority > UINT32_MAX ||
		!take_number(&in, ",", &record->seq, &stop) ||
		!take_number(&in, ",;", &record->t_us, &stop))
		return false;
	record->priority = (uint32_t)priority;
	/* Flags, and fields that later kernels may add, end at the semicolon. */
	while (stop != ';') {
		if (in.at == in.end || *in.at == '\n')
			return false;
		stop = *in.at++;
	}
	take_text(&in, record);
	return true;
}

int kmsg_open(const char *path, bool from_oldest)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	int err = fd < 0 ? -errno : 0;

	if (!err && lseek(fd, 0, from_oldest ? SEEK_SET : SEEK_END) < 0)
		err = -errno;
	if (!err)
		return fd;
	if (fd >= 0)
		close(fd);
	log_error("cannot read the kernel's log (%s): %s; %s", path, strerror(-err),
		err == -EACCES || err == -EPERM ? "run as root, or without --kmsg"
						: "leave --kmsg out");
	return err;
}

int kmsg_next(int fd, ayaprof_LogRecord *record)
{
	char data[KMSG_RECORD_MAX];

	for (unsigned int i = 0; i < SKIP_MAX; i++) {
		ssize_t n = read(fd, data, sizeof(data));

		if (n > 0 && kmsg_parse(data, (size_t)n, record))
			return 1;
		/* EPIPE: overwritten before it was read, the next read gives the oldest there
		 * is. */
		if (n > 0 || (n < 0 && (errno == EPIPE || errno == EINTR || errno == EINVAL)))
			continue;
		if (n < 0 && errno != EAGAIN)
			return -errno;
		return 0;
	}
	return 0;
}
