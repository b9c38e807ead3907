/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/recording/workers.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>

/* Handed out and not waited for; a start beyond them is done by the caller at once. */
#define JOBS 64u

enum job_state { JOB_FREE, JOB_QUEUED, JOB_RUNNING, JOB_DONE };

struct job {
	struct workers *owner;
	void (*work)(void *arg);
	void *arg;
	enum job_state state;
	struct job *next; /* in the queue, or of the free ones */
};

struct workers {
	pthread_mutex_t lock;
	pthread_cond_t more, done;
	struct job jobs[JOBS];
	struct job *unused;
	struct job *head, **tail; /* queued */
	pthread_t thread[WORKERS_MAX];
	unsigned int n;
	bool over;
};

static void take_out(struct workers *t, struct job *job)
{
	struct job **at = &t->head;

	while (*at != job)
		at = &(*at)->next;
	*at = job->next;
	if (!*at)
		t->tail = at;
}

/* The lock is held, and is again afterwards. */
static void run(struct workers *t, struct job *job)
{
	take_out(t, job);
	job->state = JOB_RUNNING;
	pthread_mutex_unlock(&t->lock);
	job->work(job->arg);
	pthread_mutex_lock(&t->lock);
	job->state = JOB_DONE;
}

static void *thread_main(void *arg)
{
	struct workers *t = arg;

	pthread_mutex_lock(&t->lock);
	while (!t->over) {
		if (!t->head) {
			pthread_cond_wait(&t->more, &t->lock);
			continue;
		}
		run(t, t->head);
		pthread_cond_broadcast(&t->done);
	}
	pthread_mutex_unlock(&t->lock);
	return NULL;
}

static unsigned int processors(void)
{
	cpu_set_t set;
	int n = sched_getaffinity(0, sizeof(set), &set) ? 1 : CPU_COUNT(&set);

	return n < 1 ? 1 : n > (int)WORKERS_MAX ? WORKERS_MAX : (unsigned int)n;
}

int workers_new(struct workers **out)
{
	unsigned int want = processors();
	sigset_t all, before;
	struct workers *t;

	*out = NULL;
	if (want == 1)
		return 0;
	t = calloc(1, sizeof(*t));
	if (!t)
		return -ENOMEM;
	pthread_mutex_init(&t->lock, NULL);
	pthread_cond_init(&t->more, NULL);
	pthread_cond_init(&t->done, NULL);
	t->tail = &t->head;
	for (size_t i = 0; i < JOBS; i++) {
		t->jobs[i].owner = t;
		t->jobs[i].next = t->unused;
		t->unused = &t->jobs[i];
	}
	/* Signals are for the thread that waits for them. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	while (t->n < want && !pthread_create(&t->thread[t->n], NULL, thread_main, t))
		t->n++;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (!t->n) {
		workers_free(t);
		return 0;
	}
	*out = t;
	return 0;
}

void workers_free(struct workers *t)
{
	if (!t)
		return;
	pthread_mutex_lock(&t->lock);
	assert(!t->head);
	t->over = true;
	pthread_cond_broadcast(&t->more);
	pthread_mutex_unlock(&t->lock);
	for (unsigned int i = 0; i < t->n; i++)
		pthread_join(t->thread[i], NULL);
	pthread_cond_destroy(&t->done);
	pthread_cond_destroy(&t->more);
	pthread_mutex_destroy(&t->lock);
	free(t);
}

static void *start(void *ctx, void (*work)(void *arg), void *arg)
{
	struct workers *t = ctx;
	struct job *job;

	pthread_mutex_lock(&t->lock);
	job = t->unused;
	if (job) {
		t->unused = job->next;
		job->work = work;
		job->arg = arg;
		job->state = JOB_QUEUED;
		job->next = NULL;
		*t->tail = job;
		t->tail = &job->next;
		pthread_cond_signal(&t->more);
	}
	pthread_mutex_unlock(&t->lock);
	if (!job)
		work(arg);
	return job;
}

static void wait_for(void *ctx, void *handle)
{
	struct workers *t = ctx;
	struct job *job = handle;

	assert(job->owner == t);
	pthread_mutex_lock(&t->lock);
	assert(job->state != JOB_FREE);
	/* What nobody has begun is done here, instead of sleeping. */
	if (job->state == JOB_QUEUED)
		run(t, job);
	while (job->state != JOB_DONE)
		pthread_cond_wait(&t->done, &t->lock);
	job->state = JOB_FREE;
	job->next = t->unused;
	t->unused = job;
	pthread_mutex_unlock(&t->lock);
}

struct trace_threads workers_interface(struct workers *t)
{
	if (!t)
		return (struct trace_threads){0};
	return (struct trace_threads){.start = start, .wait = wait_for, .ctx = t, .n = t->n};
}
