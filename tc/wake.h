/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Whom a packet wakes, and how long who reads it waited for a CPU.
 *
 * The scheduler's hooks are called for every process, so they look at one slot
 * each: only of those that read packets of the sample, or are woken by one, it
 * is noted when they could have run and when they did.
 */
#ifndef WEIR_TC_WAKE_H
#define WEIR_TC_WAKE_H

#include "weir/bpf/path.h"

#include "kernel.h"

/* A power of two. Threads whose numbers are the same modulo this push each other out. */
#define WAKE_TASKS 1024
/* 10 us: no longer after a socket has a packet its reader is woken. */
#define WAKE_SOON_TICKS 40

/* A thread that reads. Times are ticks, 0: not since a packet of the sample waits for it. */
struct wake_task {
	__u32 tid; /* 0: free */
	__u32 waits; /* not 0: a packet does */
	__u32 woken; /* when it could have run */
	__u32 ran; /* and when it did then */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, WAKE_TASKS);
	__type(key, __u32);
	__type(value, struct wake_task);
} weir_tasks SEC(".maps");

/* The packet of the sample that a socket is about to wake its reader for. */
struct wake_cause {
	__u64 key; /* 0: none */
	__u64 sk; /* its address */
	__u32 at; /* when it came to the socket */
	__u32 is_due; /* the socket has it in its queue */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct wake_cause);
} weir_wakes SEC(".maps");

static __always_inline struct wake_cause *wake_cause(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&weir_wakes, &zero);
}

static __always_inline struct wake_task *wake_task(__u32 tid)
{
	__u32 slot = tid & (WAKE_TASKS - 1);

	return bpf_map_lookup_elem(&weir_tasks, &slot);
}

/* A packet of the sample waits for the thread @tid, which read from its socket before. */
static __always_inline void wake_await(__u32 tid)
{
	struct wake_task *t = wake_task(tid);

	if (!t || !tid || (t->tid == tid && t->waits))
		return;
	t->tid = tid;
	t->woken = t->ran = 0;
	t->waits = 1;
}

/* Whether anybody waits at a socket: it, or what watches it for him. */
static __always_inline bool wake_is_awaited(const struct sock *sk)
{
	struct socket_wq *wq = BPF_CORE_READ(sk, sk_wq);

	return wq && (void *)BPF_CORE_READ(wq, wait.head.next) !=
			     __builtin_preserve_access_index(&wq->wait.head);
}

/* A packet of the sample has come to @sk. */
static __always_inline void wake_expect(const struct sock *sk, __u64 key, __u32 now)
{
	struct wake_cause *cause = wake_cause();

	if (!cause)
		return;
	cause->key = key;
	cause->sk = (__u64)sk;
	cause->at = now;
	cause->is_due = 0;
}

/* A packet is in the queue of @sk now, and who waits for it is woken next. */
static __always_inline void wake_is_due(const struct sock *sk)
{
	struct wake_cause *cause = wake_cause();

	if (!cause || !cause->key)
		return;
	if (cause->sk != (__u64)sk || cause->is_due || !wake_is_awaited(sk))
		cause->key = 0;
	else
		cause->is_due = 1;
}

/* Note it in the record of the packet that woke @task. Returns whether there is one. */
static __always_inline bool wake_blame(struct wake_cause *cause, struct task_struct *task,
				       __u32 now)
{
	struct weir_path *p;

	if (!cause->key || !cause->is_due)
		return false;
	p = now - cause->at > WAKE_SOON_TICKS ? NULL : path_find(cause->key);
	cause->key = 0;
	if (!p)
		return false;
	if (!p->asked)
		return true;
	p->woken_pid = GET(task, tgid);
	bpf_probe_read_kernel(p->woken_comm, sizeof(p->woken_comm),
			      __builtin_preserve_access_index(&task->comm));
	return true;
}

/* @task can run from now on. */
static __always_inline int wake_woken(struct task_struct *task)
{
	struct wake_cause *cause = wake_cause();
	__u32 tid = GET(task, pid), now;
	struct wake_task *t = wake_task(tid);
	bool waits;

	if (!t || !cause)
		return 0;
	waits = t->tid == tid && t->waits;
	if (!waits && !cause->key)
		return 0;
	now = path_ticks(bpf_ktime_get_ns());
	if (!wake_blame(cause, task, now) && !waits)
		return 0;
	t->tid = tid;
	t->waits = 1;
	t->ran = 0;
	t->woken = now;
	return 0;
}

/* A CPU goes on from @prev to @next. */
static __always_inline int wake_switched(struct task_struct *prev, struct task_struct *next,
					 bool could_go_on)
{
	__u32 tid = GET(next, pid);
	struct wake_task *t = wake_task(tid);

	if (t && t->waits && t->tid == tid && !t->ran)
		t->ran = path_ticks(bpf_ktime_get_ns());
	if (!could_go_on)
		return 0;
	tid = GET(prev, pid);
	t = wake_task(tid);
	if (t && t->waits && t->tid == tid) {
		t->ran = 0;
		t->woken = path_ticks(bpf_ktime_get_ns());
	}
	return 0;
}

/* How long the thread @tid, which runs now, waited for a CPU, of the time from @at to @now. */
static __always_inline __u32 wake_waited(__u32 tid, __u32 at, __u32 now)
{
	struct wake_task *t = wake_task(tid);
	__u32 ran;

	if (!t || t->tid != tid || !t->ran)
		return 0;
	ran = t->ran;
	if (ran - at > now - at)
		return 0;
	/* It could have run before the packet came, or from when it was woken. */
	return t->woken && t->woken - at <= ran - at ? ran - t->woken : ran - at;
}

/* The thread that runs now has read, and so many packets of its socket's wait still. */
static __always_inline __u32 wake_read(__u32 waits)
{
	__u32 tid = (__u32)bpf_get_current_pid_tgid();
	struct wake_task *t = wake_task(tid);

	if (t && t->tid == tid)
		t->waits = waits;
	return tid;
}

#endif
