/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "framing/textframe.h"

#include <assert.h>

#include "framing/bytes.h"

/* Fewer characters in front of others are no beginning of a frame, but some text with ~{ in it. */
#define HEAD_MIN  16u
#define CHARS_MIN TEXTFRAME_CHARS(FRAMING_MIN_BODY)
#define CHARS_MAX TEXTFRAME_CHARS(FRAMING_MAX_BODY)
/* Of the text in a frame, so many characters at its start may be of the alphabet. */
#define WORD_MAX 64u
/* A terminal adds one, a second one on the way may add another. */
#define RETURNS_MAX 2u
#define SPARE       8u
/* Text between ~ and { : a few lines. */
#define SPLIT_MAX 1024u

/* RFC 4648, section 4; without padding, the line end says where it ends. */
static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static int value(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* ---- sending ------------------------------------------------------------------------------- */

struct writer {
	uint8_t *dst;
	size_t at;
	uint32_t bits;
	unsigned int n_bits;
};

static void put_sextets(struct writer *w, const uint8_t *src, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		w->bits = w->bits << 8 | src[i];
		for (w->n_bits += 8; w->n_bits >= 6; w->n_bits -= 6)
			w->dst[w->at++] = (uint8_t)alphabet[w->bits >> (w->n_bits - 6) & 0x3f];
	}
}

size_t textframe_encode(uint8_t *dst, size_t cap, const struct framing_header *header,
	const uint8_t *payload, size_t len)
{
	uint8_t empty[FRAMING_MIN_BODY], check[FRAMING_CRC_SIZE];
	struct writer w = {.dst = dst};
	uint32_t crc;

	if (len > FRAMING_MAX_PAYLOAD || cap < TEXTFRAME_BOUND(len))
		return 0;
	framing_body_write(empty, sizeof(empty), header, NULL, 0);
	crc = framing_crc32c(framing_crc32c(0, empty, FRAMING_HEADER_SIZE), payload, len);
	put_le32(check, crc);
	dst[w.at++] = '~';
	dst[w.at++] = '{';
	put_sextets(&w, empty, FRAMING_HEADER_SIZE);
	put_sextets(&w, payload, len);
	put_sextets(&w, check, sizeof(check));
	if (w.n_bits)
		dst[w.at++] = (uint8_t)alphabet[w.bits << (6 - w.n_bits) & 0x3f];
	dst[w.at++] = '}';
	dst[w.at++] = '~';
	dst[w.at++] = '\n';
	return w.at;
}

/* ---- receiving ------------------------------------------------------------------------------ */

static void forget_outputs(struct textframe *t)
{
	t->pass = t->payload = t->body = NULL;
	t->pass_len = t->bad_len = t->payload_len = t->body_len = 0;
	t->bad_first = t->frame = t->joined = false;
}

static void go(struct textframe *t, enum textframe_state state)
{
	t->state = state;
	t->fill = t->text = t->brace = 0;
	t->returns = 0;
	t->closing = t->line_end = false;
}

void textframe_init(struct textframe *t, uint8_t *mem, size_t size)
{
	assert(size >= TEXTFRAME_MEM(1u) && size % 3 == 0);
	forget_outputs(t);
	t->header = (struct framing_header){0};
	t->cap = size / 3;
	t->held = mem;
	t->out = mem + t->cap;
	t->plain = mem + 2 * t->cap;
	t->given_up = false;
	go(t, TEXTFRAME_TAIL);
}

static bool has_outputs(const struct textframe *t)
{
	return t->pass_len || t->bad_len || t->frame;
}

/* hold() leaves room for what is passed beside what is held: the marker, an end, and one byte
 * more. */
static void pass_byte(struct textframe *t, uint8_t byte)
{
	t->out[t->pass_len++] = byte;
	t->pass = t->out;
}

static void pass_held(struct textframe *t, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		pass_byte(t, t->held[i]);
}

/* A byte outside of frames. */
static void plain(struct textframe *t, uint8_t byte)
{
	if (byte == '~')
		go(t, TEXTFRAME_MARK);
	else
		pass_byte(t, byte);
}

static bool is_begun(const struct textframe *t)
{
	return t->state == TEXTFRAME_INSIDE || t->state == TEXTFRAME_BROKEN;
}

static void bad(struct textframe *t, size_t len)
{
	t->bad_first = !t->given_up;
	t->bad_len = len;
}

/* Is what is held, without [from, to), a frame? lines: and without every line of text in it, from
 * its first strange character to its line end (what a kernel writes begins with [). */
static bool decodes_without(struct textframe *t, size_t from, size_t to, bool lines)
{
	uint32_t bits = 0;
	unsigned int n_bits = 0;
	size_t n = 0;
	bool in_line = false;

	for (size_t i = 0; i < t->fill; i++) {
		int six = value(t->held[i]);

		if (i >= from && i < to)
			continue;
		if (in_line || (lines && six < 0)) {
			in_line = t->held[i] != '\n';
			continue;
		}
		if (six < 0)
			return false;
		bits = bits << 6 | (unsigned int)six;
		n_bits += 6;
		if (n_bits >= 8) {
			n_bits -= 8;
			t->plain[n++] = (uint8_t)(bits >> n_bits);
		}
	}
	if (in_line || n_bits >= 6 ||
		!framing_body_parse(t->plain, n, &t->header, &t->payload, &t->payload_len))
		return false;
	t->body = t->plain;
	t->body_len = n;
	return true;
}

/* Those lines are passed on. Returns how many bytes are left. */
static size_t pass_lines(struct textframe *t)
{
	size_t left = 0, line = t->fill;

	for (size_t i = 0; i < t->fill; i++) {
		if (line == t->fill && value(t->held[i]) < 0)
			line = i;
		if (line == t->fill) {
			left++;
		} else if (t->held[i] == '\n') {
			pass_held(t, line, i + 1);
			line = t->fill;
		}
	}
	return left + (t->fill - line);
}

static size_t behind_last_line_end(const struct textframe *t)
{
	size_t at = t->fill;

	while (at > t->text && t->held[at - 1] != '\n')
		at--;
	return at;
}

/* The text may begin with a word of the alphabet, and have lines that do. */
static bool decodes_without_text(struct textframe *t, size_t *from, size_t *to)
{
	*to = behind_last_line_end(t);
	if (*to == t->text)
		return false;
	for (size_t word = 0; word <= WORD_MAX && word <= t->text; word++) {
		*from = t->text - word;
		if (decodes_without(t, *from, *to, false))
			return true;
	}
	return false;
}

/* Not a frame at all. */
static void release(struct textframe *t)
{
	if (t->state == TEXTFRAME_MARK || t->state == TEXTFRAME_SPLIT || is_begun(t))
		pass_byte(t, '~');
	pass_held(t, 0, t->brace);
	if (is_begun(t))
		pass_byte(t, '{');
	pass_held(t, t->brace, t->fill);
	if (t->closing)
		pass_byte(t, '}');
	for (unsigned int i = 0; i < t->returns; i++)
		pass_byte(t, '\r');
	t->given_up = false;
	go(t, TEXTFRAME_PLAIN);
}

/* The frame that is held will not be whole any more. */
static void give_up(struct textframe *t)
{
	if (t->text < HEAD_MIN) {
		release(t);
		return;
	}
	pass_held(t, t->text, t->fill);
	bad(t, t->text + 2);
	t->given_up = true;
	go(t, TEXTFRAME_TAIL);
}

/* Two bytes of the marker, two of the end. */
static void end_frame(struct textframe *t)
{
	size_t from, to;

	if (t->state == TEXTFRAME_INSIDE) {
		t->frame = decodes_without(t, 0, 0, false);
		if (!t->frame)
			bad(t, t->fill + 4);
	} else if (decodes_without_text(t, &from, &to)) {
		t->frame = t->joined = true;
		pass_held(t, from, to);
	} else if (decodes_without(t, 0, 0, true)) {
		t->frame = t->joined = true;
		pass_lines(t);
	} else if (t->text < HEAD_MIN) {
		release(t);
		plain(t, '~');
		return;
	} else {
		bad(t, pass_lines(t) + 4);
	}
	t->given_up = false;
	go(t, TEXTFRAME_ENDED);
}

/* "}", whole lines of text, "~": somebody wrote into the end. */
static bool ends_split(struct textframe *t)
{
	if (t->state != TEXTFRAME_BROKEN || t->fill < t->text + 2 || t->held[t->text] != '}' ||
		t->held[t->fill - 1] != '\n' || !decodes_without(t, t->text, t->fill, false))
		return false;
	t->frame = t->joined = true;
	pass_held(t, t->text + 1, t->fill);
	t->given_up = false;
	go(t, TEXTFRAME_ENDED);
	return true;
}

static void hold(struct textframe *t, uint8_t byte)
{
	t->held[t->fill++] = byte;
	if (t->state == TEXTFRAME_INSIDE && t->fill > CHARS_MAX) {
		release(t);
		return;
	}
	if (t->fill + SPARE < t->cap)
		return;
	if (!is_begun(t)) {
		release(t);
		return;
	}
	if (t->state == TEXTFRAME_INSIDE)
		t->text = t->fill;
	give_up(t);
}

/* What other writers write, and nothing between delimiters has for long. */
static bool is_written(uint8_t byte)
{
	return (byte >= 0x20 && byte < 0x7f) || (byte >= '\t' && byte <= '\r') || byte == 0x1b;
}

/* Behind ~ : text, and the { again behind one of its line ends? */
static void split(struct textframe *t, uint8_t byte)
{
	bool at_line = t->fill && t->held[t->fill - 1] == '\n';

	if (byte == '{' && (at_line || t->state == TEXTFRAME_MARK)) {
		t->state = t->state == TEXTFRAME_MARK ? TEXTFRAME_INSIDE : TEXTFRAME_BROKEN;
		t->brace = t->fill;
	} else if (byte == '~' || !is_written(byte) || t->fill == SPLIT_MAX) {
		release(t);
		plain(t, byte);
	} else {
		t->state = TEXTFRAME_SPLIT;
		hold(t, byte);
	}
}

/* A byte in a frame that is not of the alphabet. */
static void strange(struct textframe *t, uint8_t byte)
{
	if (t->state == TEXTFRAME_INSIDE) {
		t->text = t->fill;
		t->state = TEXTFRAME_BROKEN;
	}
	if (t->text < HEAD_MIN && !is_written(byte)) {
		release(t);
		plain(t, byte);
	} else if (byte == '~' && ends_split(t)) {
		return;
	} else if (byte == '{' && t->fill > t->text && t->held[t->fill - 1] == '~') {
		t->fill--;
		give_up(t);
		go(t, TEXTFRAME_INSIDE);
		t->given_up = false;
	} else if (byte == 0) {
		give_up(t);
		pass_byte(t, byte);
	} else {
		hold(t, byte);
	}
}

static void inside(struct textframe *t, uint8_t byte)
{
	if (t->closing && byte == '~') {
		if (t->fill < CHARS_MIN) {
			release(t);
			plain(t, byte);
		} else {
			end_frame(t);
		}
		return;
	}
	if (t->closing) {
		t->closing = false;
		strange(t, '}');
		if (t->state != TEXTFRAME_INSIDE && t->state != TEXTFRAME_BROKEN) {
			plain(t, byte);
			return;
		}
	}
	if (byte == '}')
		t->closing = true;
	else if (value(byte) >= 0)
		hold(t, byte);
	else
		strange(t, byte);
}

static void tail(struct textframe *t, uint8_t byte)
{
	if (t->closing && byte == '~') {
		bad(t, t->fill + 2);
		t->given_up = false;
		go(t, TEXTFRAME_ENDED);
	} else if (!t->closing && value(byte) >= 0) {
		hold(t, byte);
	} else if (!t->closing && byte == '}') {
		t->closing = true;
	} else {
		release(t);
		plain(t, byte);
	}
}

static void ended(struct textframe *t, uint8_t byte)
{
	if (byte == '\n') {
		go(t, TEXTFRAME_PLAIN);
	} else if (byte == '\r' && t->returns < RETURNS_MAX) {
		t->returns++;
	} else {
		release(t);
		if (byte != '~' && is_written(byte))
			go(t, TEXTFRAME_OWED);
		plain(t, byte);
	}
}

/* Somebody wrote in front of the frame's line end: behind one of the text's line ends, it is not
 * the text's. */
static void owed(struct textframe *t, uint8_t byte)
{
	if (t->line_end && byte == '\n') {
		go(t, TEXTFRAME_PLAIN);
	} else if (t->line_end && byte == '\r' && t->returns < RETURNS_MAX) {
		t->returns++;
	} else {
		for (; t->returns; t->returns--)
			pass_byte(t, '\r');
		t->line_end = byte == '\n';
		if (!is_written(byte))
			go(t, TEXTFRAME_PLAIN);
		plain(t, byte);
	}
}

bool textframe_push(struct textframe *t, uint8_t byte)
{
	forget_outputs(t);
	switch (t->state) {
	case TEXTFRAME_TAIL:
		tail(t, byte);
		break;
	case TEXTFRAME_PLAIN:
		plain(t, byte);
		break;
	case TEXTFRAME_MARK:
	case TEXTFRAME_SPLIT:
		split(t, byte);
		break;
	case TEXTFRAME_INSIDE:
	case TEXTFRAME_BROKEN:
		inside(t, byte);
		break;
	case TEXTFRAME_ENDED:
		ended(t, byte);
		break;
	case TEXTFRAME_OWED:
		owed(t, byte);
		break;
	}
	return has_outputs(t);
}

bool textframe_idle(struct textframe *t)
{
	forget_outputs(t);
	if (t->state == TEXTFRAME_BROKEN) {
		give_up(t);
	} else if (t->state == TEXTFRAME_MARK || t->state == TEXTFRAME_SPLIT || t->returns ||
		   (t->state == TEXTFRAME_INSIDE && t->fill < HEAD_MIN) ||
		   (t->state == TEXTFRAME_TAIL && (t->fill || t->closing))) {
		release(t);
	}
	return has_outputs(t);
}

bool textframe_finish(struct textframe *t)
{
	forget_outputs(t);
	if (t->state == TEXTFRAME_INSIDE && t->fill >= HEAD_MIN) {
		t->text = t->fill;
		give_up(t);
	} else if (t->state == TEXTFRAME_BROKEN) {
		give_up(t);
	} else {
		release(t);
	}
	t->given_up = false;
	go(t, TEXTFRAME_TAIL);
	return has_outputs(t);
}
