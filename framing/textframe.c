/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "framing/textframe.h"

/* Fewer characters in front of others are no beginning of a frame, but some text with ~{ in it. */
#define HEAD_MIN  16u
#define CHARS_MIN TEXTFRAME_CHARS(FRAMING_MIN_BODY)
#define CHARS_MAX TEXTFRAME_CHARS(FRAMING_MAX_BODY)
/* Of the text in a frame, so many characters at its start may be of the alphabet. */
#define WORD_MAX 64u
/* A terminal adds one, a second one on the way may add another. */
#define RETURNS_MAX 2u
#define SPARE       8u

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
	for (unsigned int i = 0; i < FRAMING_CRC_SIZE; i++)
		check[i] = (uint8_t)(crc >> 8 * i);
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
	t->fill = t->text = 0;
	t->returns = 0;
	t->closing = false;
}

void textframe_init(struct textframe *t, uint8_t *mem, size_t size)
{
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

/* hold() leaves room for what is passed beside what is held: the marker, an end, and one byte more. */
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

static void bad(struct textframe *t, size_t len)
{
	t->bad_first = !t->given_up;
	t->bad_len = len;
}

/* Is what is held, without [from, to), a frame? */
static bool decodes_without(struct textframe *t, size_t from, size_t to)
{
	uint32_t bits = 0;
	unsigned int n_bits = 0;
	size_t n = 0;

	for (size_t i = 0; i < t->fill; i++) {
		int six = value(t->held[i]);

		if (i >= from && i < to)
			continue;
		if (six < 0)
			return false;
		bits = bits << 6 | (unsigned int)six;
		n_bits += 6;
		if (n_bits >= 8) {
			n_bits -= 8;
			t->plain[n++] = (uint8_t)(bits >> n_bits);
		}
	}
	if (n_bits >= 6 ||
		!framing_body_parse(t->plain, n, &t->header, &t->payload, &t->payload_len))
		return false;
	t->body = t->plain;
	t->body_len = n;
	return true;
}

/* Every line of text in it from its first strange character to its line end: what a kernel writes begins
 * with [. They are passed on; what is left moves together. Returns how many bytes that is. */
static size_t take_lines_out(struct textframe *t)
{
	size_t kept = 0, line = t->fill;

	for (size_t i = 0; i < t->fill; i++) {
		if (line == t->fill && value(t->held[i]) < 0)
			line = i;
		if (line == t->fill) {
			t->held[kept++] = t->held[i];
		} else if (t->held[i] == '\n') {
			pass_held(t, line, i + 1);
			line = t->fill;
		}
	}
	for (size_t i = line; i < t->fill; i++)
		t->held[kept++] = t->held[i];
	t->fill = kept;
	return kept;
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
		if (decodes_without(t, *from, *to))
			return true;
	}
	return false;
}

/* Two bytes of the marker, two of the end. */
static void end_frame(struct textframe *t)
{
	size_t from, to;

	if (t->state == TEXTFRAME_INSIDE) {
		t->frame = decodes_without(t, 0, 0);
		if (!t->frame)
			bad(t, t->fill + 4);
	} else if (decodes_without_text(t, &from, &to)) {
		t->frame = t->joined = true;
		pass_held(t, from, to);
	} else {
		size_t left = take_lines_out(t);

		t->frame = t->joined = decodes_without(t, 0, 0);
		if (!t->frame)
			bad(t, left + 4);
	}
	t->given_up = false;
	go(t, TEXTFRAME_ENDED);
}

/* The frame that is held will not be whole any more. */
static void give_up(struct textframe *t)
{
	pass_held(t, t->text, t->fill);
	bad(t, t->text + 2);
	t->given_up = true;
	go(t, TEXTFRAME_TAIL);
}

/* Not a frame at all. */
static void release(struct textframe *t)
{
	if (t->state == TEXTFRAME_MARK || t->state == TEXTFRAME_INSIDE)
		pass_byte(t, '~');
	if (t->state == TEXTFRAME_INSIDE)
		pass_byte(t, '{');
	pass_held(t, 0, t->fill);
	if (t->closing)
		pass_byte(t, '}');
	for (unsigned int i = 0; i < t->returns; i++)
		pass_byte(t, '\r');
	t->given_up = false;
	go(t, TEXTFRAME_PLAIN);
}

/* A byte outside of frames. */
static void plain(struct textframe *t, uint8_t byte)
{
	if (byte == '~')
		go(t, TEXTFRAME_MARK);
	else
		pass_byte(t, byte);
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
	if (t->state == TEXTFRAME_TAIL) {
		release(t);
		return;
	}
	if (t->state == TEXTFRAME_INSIDE)
		t->text = t->fill;
	give_up(t);
}

/* A byte in a frame that is not of the alphabet. */
static void strange(struct textframe *t, uint8_t byte)
{
	if (t->state == TEXTFRAME_INSIDE && t->fill < HEAD_MIN) {
		release(t);
		plain(t, byte);
		return;
	}
	if (t->state == TEXTFRAME_INSIDE) {
		t->text = t->fill;
		t->state = TEXTFRAME_BROKEN;
	}
	if (byte == '{' && t->fill > t->text && t->held[t->fill - 1] == '~') {
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
		if (t->state == TEXTFRAME_INSIDE && t->fill < CHARS_MIN) {
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
		if (byte == '{') {
			go(t, TEXTFRAME_INSIDE);
			break;
		}
		release(t);
		plain(t, byte);
		break;
	case TEXTFRAME_INSIDE:
	case TEXTFRAME_BROKEN:
		inside(t, byte);
		break;
	case TEXTFRAME_ENDED:
		ended(t, byte);
		break;
	}
	return has_outputs(t);
}

bool textframe_idle(struct textframe *t)
{
	forget_outputs(t);
	if (t->state == TEXTFRAME_BROKEN) {
		give_up(t);
	} else if (t->state == TEXTFRAME_MARK || t->returns ||
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
