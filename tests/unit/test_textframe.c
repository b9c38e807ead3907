/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Frames as lines of text: what comes out of a console that has them between, and in the middle of, its own. */
#include "tests/unit/vectors.h"
#include "tests/unit/random.h"

#include "framing/textframe.h"

#define HELD 8192u

/* Everything that comes out, in order. */
struct heard {
	struct textframe t;
	uint8_t mem[TEXTFRAME_MEM(HELD)];
	char text[65536];
	size_t len;
	unsigned int frames, joined, bad;
	size_t bad_len;
	struct framing_header header; /* of the newest */
	uint8_t payload[FRAMING_MAX_PAYLOAD];
	size_t payload_len;
};

static void take(struct heard *h)
{
	const struct textframe *t = &h->t;

	assert_true(h->len + t->pass_len < sizeof(h->text));
	if (t->pass_len)
		memcpy(h->text + h->len, t->pass, t->pass_len);
	h->len += t->pass_len;
	h->bad += t->bad_len && t->bad_first;
	h->bad_len += t->bad_len;
	if (!t->frame)
		return;
	h->frames++;
	h->joined += t->joined;
	h->header = t->header;
	memcpy(h->payload, t->payload, t->payload_len);
	h->payload_len = t->payload_len;
}

static void begin(struct heard *h)
{
	memset(h, 0, sizeof(*h));
	textframe_init(&h->t, h->mem, sizeof(h->mem));
	/* Past the point where the end of a frame would be taken for one that began before. */
	assert_false(textframe_push(&h->t, '\r') && h->t.bad_len);
	assert_true(h->t.state == TEXTFRAME_PLAIN);
}

static void feed(struct heard *h, const void *data, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (textframe_push(&h->t, ((const uint8_t *)data)[i]))
			take(h);
}

static void say(struct heard *h, const char *text)
{
	feed(h, text, strlen(text));
}

static void end(struct heard *h)
{
	if (textframe_finish(&h->t))
		take(h);
	h->text[h->len] = '\0';
}

static const struct framing_header head = {.kind = 3, .flags = 1, .session = 0x01020304, .seq = 77};
static uint8_t line[TEXTFRAME_MAX_WIRE];

static size_t make_frame(size_t payload_len)
{
	static uint8_t payload[FRAMING_MAX_PAYLOAD];
	uint64_t rng = payload_len + 1;

	for (size_t i = 0; i < payload_len; i++)
		payload[i] = (uint8_t)random_next(&rng);
	return textframe_encode(line, sizeof(line), &head, payload, payload_len);
}

static void check_heard(const struct heard *h, const char *text, unsigned int frames)
{
	assert_string_equal(h->text, text);
	assert_int_equal(h->frames, frames);
	if (frames == 0)
		return;
	assert_memory_equal(&h->header, &head, sizeof(head));
}

static void golden_vectors(void **state)
{
	static struct vectors v;
	static uint8_t payload[VECTOR_BYTES], wire[VECTOR_BYTES], got[VECTOR_BYTES];
	static struct heard h;
	unsigned int n = 0;

	vectors_open(&v);
	while (vectors_next(&v)) {
		if (!vectors_is(&v, "textframe"))
			continue;
		struct framing_header header = {.kind = (uint8_t)vectors_number(&v, 1),
			.flags = (uint8_t)vectors_number(&v, 2),
			.session = (uint32_t)vectors_number(&v, 3),
			.seq = (uint32_t)vectors_number(&v, 4)};
		size_t len = vectors_bytes(&v, 5, payload), size = vectors_bytes(&v, 6, wire);

		assert_int_equal(textframe_encode(got, sizeof(got), &header, payload, len), size);
		assert_memory_equal(got, wire, size);
		begin(&h);
		feed(&h, wire, size);
		assert_int_equal(h.frames, 1);
		assert_int_equal(h.payload_len, len);
		assert_memory_equal(h.payload, payload, len);
		n++;
	}
	assert_true(n >= 4);
}

static void round_trip_of_any_length(void **state)
{
	static struct heard h;

	for (size_t len = 0; len <= FRAMING_MAX_PAYLOAD; len += 1 + len / 30) {
		size_t n = make_frame(len);

		assert_true(n > 0 && n <= TEXTFRAME_BOUND(len));
		for (size_t i = 0; i + 1 < n; i++)
			assert_true(line[i] > ' ' && line[i] < 0x7f);
		assert_int_equal(line[n - 1], '\n');
		begin(&h);
		feed(&h, line, n);
		end(&h);
		check_heard(&h, "", 1);
		assert_int_equal(h.payload_len, len);
		assert_int_equal(h.joined + h.bad_len, 0);
	}
	assert_int_equal(make_frame(FRAMING_MAX_PAYLOAD), sizeof(line));
	assert_int_equal(
		textframe_encode(line, sizeof(line), &head, line, FRAMING_MAX_PAYLOAD + 1), 0);
	assert_int_equal(textframe_encode(line, TEXTFRAME_BOUND(10) - 1, &head, line, 10), 0);
}

/* In the middle of a line, with the line ends that terminals make, directly one after the other. */
static void text_around_frames(void **state)
{
	static const char *const ends[] = {"\n", "\r\n", "\r\r\n"};
	static struct heard h;
	size_t n = make_frame(100);

	for (size_t i = 0; i < 3; i++) {
		begin(&h);
		say(&h, "board login: ");
		feed(&h, line, n - 1);
		say(&h, ends[i]);
		feed(&h, line, n - 1);
		say(&h, ends[i]);
		say(&h, "root\r\n\r\n~$ ~{x} ~~ }~\n");
		end(&h);
		check_heard(&h, "board login: root\r\n\r\n~$ ~{x} ~~ }~\n", 2);
		assert_int_equal(h.bad_len, 0);
	}
	begin(&h);
	feed(&h, line, n - 1); /* its line end is lost, or something else comes before it */
	say(&h, "\r# ~");
	feed(&h, line, n);
	end(&h);
	check_heard(&h, "\r# ~", 2);
}

/* Bytes that are of no frame come out as they are, whatever they are. */
static void other_bytes_pass(void **state)
{
	static const char words[] = "~{}~\r\nAB/+ \0\xff";
	static uint8_t in[3000];
	static struct heard h;
	uint64_t rng = 5;

	for (int round = 0; round < 3000; round++) {
		size_t len = random_below(&rng, 300);

		for (size_t i = 0; i < len; i++)
			in[i] = round % 2 ? (uint8_t)words[random_below(&rng, sizeof(words) - 1)]
					  : (uint8_t)random_next(&rng);
		begin(&h);
		for (size_t i = 0; i < len; i++) {
			feed(&h, in + i, 1);
			if (random_below(&rng, 20) == 0 && textframe_idle(&h.t))
				take(&h);
		}
		end(&h);
		assert_int_equal(h.frames, 0);
		if (h.bad_len) /* sixteen characters and no end: it did look like a frame */
			assert_true(h.len + h.bad_len <= len);
		else
			assert_true(h.len == len && memcmp(h.text, in, len) == 0);
	}
}

static void binary_frames_pass(void **state)
{
	static uint8_t wire[FRAMING_MAX_WIRE], payload[FRAMING_MAX_PAYLOAD];
	static struct heard h;
	uint64_t rng = 9;

	begin(&h);
	for (unsigned int i = 0; i < 200; i++) {
		size_t len = random_below(&rng, 300), at = h.len, n;

		for (size_t k = 0; k < len; k++)
			payload[k] = (uint8_t)random_next(&rng);
		n = framing_encode(wire, sizeof(wire), &head, payload, len);
		feed(&h, wire, n);
		assert_int_equal(h.len - at, n); /* and nothing is held back */
		assert_memory_equal(h.text + at, wire, n);
		if (h.len > sizeof(h.text) / 2)
			h.len = 0;
	}
}

/* A kernel message may be written anywhere into a frame. */
static void kernel_text_inside(void **state)
{
	static const char *const texts[] = {
		"[   12.345678] usb 1-1: new device\r\n",
		"[   12.345678] one\r\n[   12.345679] two\r\n",
		"random: crng init done\n", /* no time in front: begins with letters */
		"\r\n[   12.3] on its own line\r\n",
		"Oops\n  more of it\nand more\r\n",
	};
	static struct heard h;
	size_t n = make_frame(60);

	for (size_t k = 0; k < sizeof(texts) / sizeof(*texts); k++) {
		for (size_t at = 1; at < n; at++) {
			/* Behind }~ a line end is the frame's. */
			if (at == n - 1 && texts[k][0] == '\r')
				continue;
			begin(&h);
			say(&h, "# ");
			feed(&h, line, at);
			say(&h, texts[k]);
			feed(&h, line + at, n - at);
			end(&h);
			assert_memory_equal(h.text, "# ", 2);
			check_heard(&h, h.text, 1);
			assert_string_equal(h.text + 2, texts[k]);
			assert_int_equal(h.joined, at < n - 1);
			assert_int_equal(h.bad_len, 0);
		}
	}
}

/* What begins like a frame that somebody wrote into, and is none, is text. */
static void text_like_a_split_frame(void **state)
{
	static const char *const texts[] = {
		"board:~$ ls\r\nfile\r\n{}\r\nboard:~$ ",
		"~[1.0] x\n{\n~[1.0] y\n{abc}~\n",
		"~{ text }~ and\n\nmore ~{abc def\nghi}~\n",
		"~{abc}[1.0] x\n~ {}\n",
	};
	static struct heard h;

	for (size_t k = 0; k < sizeof(texts) / sizeof(*texts); k++) {
		begin(&h);
		say(&h, texts[k]);
		end(&h);
		check_heard(&h, texts[k], 0);
		assert_int_equal(h.bad_len, 0);
	}
}

static void two_messages_inside(void **state)
{
	static struct heard h;
	size_t n = make_frame(60);

	begin(&h);
	feed(&h, line, 30);
	say(&h, "[1.0] one\r\n");
	feed(&h, line + 30, 20);
	say(&h, "[1.1] two\r\n");
	feed(&h, line + 50, n - 50);
	end(&h);
	check_heard(&h, "[1.0] one\r\n[1.1] two\r\n", 1);
}

/* A frame that is not whole costs itself; text and frames around it stay. */
static void damage(void **state)
{
	static struct heard h;
	size_t n = make_frame(60);

	for (size_t at = 2; at < n - 3; at++) { /* one character is another one */
		begin(&h);
		say(&h, "before ");
		line[at] ^= line[at] == 'A' ? 3 : 1;
		feed(&h, line, n);
		line[at] ^= line[at] == ('A' ^ 3) ? 3 : 1;
		feed(&h, line, n);
		say(&h, "after\n");
		end(&h);
		check_heard(&h, "before after\n", 1);
		assert_int_equal(h.bad, 1);
		assert_true(h.bad_len >= n - 1 && h.bad_len <= n);
	}
	make_frame(60);
	begin(&h); /* the end never comes; text in it does */
	feed(&h, line, 40);
	say(&h, "[1.0] panic\r\n");
	feed(&h, line, n);
	end(&h);
	check_heard(&h, "[1.0] panic\r\n", 1);
	assert_int_equal(h.bad, 1);
	assert_int_equal(h.bad_len, 40);
	begin(&h); /* bytes are missing, and a message is in it, too */
	feed(&h, line, 40);
	say(&h, "[1.0] x\n");
	feed(&h, line + 45, n - 45);
	end(&h);
	check_heard(&h, "[1.0] x\n", 0);
	assert_int_equal(h.bad, 1);
	assert_int_equal(h.bad_len, n - 5 - 1);
	begin(&h); /* a delimiter ends what is no frame any more */
	feed(&h, line, 40);
	feed(&h, "", 1);
	feed(&h, line + 40, n - 40);
	say(&h, "more\n");
	if (textframe_idle(&h.t))
		take(&h);
	assert_int_equal(h.len, 6);
	assert_memory_equal(h.text, "\0more\n", 6);
	assert_int_equal(h.bad, 1);
	assert_int_equal(h.bad_len, n - 1);
}

/* A host that comes late hears the end of a frame first. */
static void late_attach(void **state)
{
	static struct heard h;
	size_t n = make_frame(60);

	memset(&h, 0, sizeof(h));
	textframe_init(&h.t, h.mem, sizeof(h.mem));
	feed(&h, line + 30, n - 30);
	feed(&h, line, n);
	end(&h);
	check_heard(&h, "", 1);
	assert_int_equal(h.bad, 1);
	assert_int_equal(h.bad_len, n - 30 - 1);
	memset(&h, 0, sizeof(h));
	textframe_init(&h.t, h.mem, sizeof(h.mem));
	say(&h, "login");
	assert_int_equal(h.len, 0);
	assert_true(textframe_idle(&h.t));
	take(&h);
	assert_memory_equal(h.text, "login", 5);
}

/* When nothing comes, text is handed out; a frame that is on its way stays one. */
static void idle(void **state)
{
	static struct heard h;
	size_t n = make_frame(60);

	begin(&h);
	say(&h, "~");
	assert_true(textframe_idle(&h.t));
	take(&h);
	say(&h, "~{abc");
	assert_true(textframe_idle(&h.t));
	take(&h);
	feed(&h, line, 40);
	assert_false(textframe_idle(&h.t));
	feed(&h, line + 40, n - 41);
	assert_false(textframe_idle(&h.t));
	say(&h, "\n");
	feed(&h, line, 40);
	say(&h, "[1.0] halt");
	assert_true(textframe_idle(&h.t));
	take(&h);
	end(&h);
	check_heard(&h, "~~{abc[1.0] halt", 1);
	assert_int_equal(h.bad, 1);
}

/* Memory for small frames only: long ones are damage, never more than the memory. */
static void small_memory(void **state)
{
	static uint8_t mem[TEXTFRAME_MEM(256)];
	static struct heard h;
	size_t n = make_frame(1000);

	memset(&h, 0, sizeof(h));
	textframe_init(&h.t, mem, sizeof(mem));
	say(&h, "\r");
	h.len = 0;
	feed(&h, line, n);
	say(&h, "\n");
	assert_int_equal(h.frames, 0);
	assert_true(h.bad == 1 && h.bad_len >= 200);
	n = make_frame(100);
	feed(&h, line, n);
	assert_int_equal(h.frames, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(golden_vectors),
		cmocka_unit_test(round_trip_of_any_length),
		cmocka_unit_test(text_around_frames),
		cmocka_unit_test(other_bytes_pass),
		cmocka_unit_test(binary_frames_pass),
		cmocka_unit_test(kernel_text_inside),
		cmocka_unit_test(text_like_a_split_frame),
		cmocka_unit_test(two_messages_inside),
		cmocka_unit_test(damage),
		cmocka_unit_test(late_attach),
		cmocka_unit_test(idle),
		cmocka_unit_test(small_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
