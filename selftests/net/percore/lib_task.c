// SPDX-License-Identifier: GPL-2.0
/*
 * lib_task.c - threads and processes for the parity cases
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "parity.h"

static void *task_main(void *arg)
{
	struct task *t = arg;

	if (t->cpu >= 0)
		pin(t->cpu);
	__atomic_store_n(&t->tid, gettid(), __ATOMIC_RELEASE);
	t->fn(t->arg);
	return NULL;
}

void task_start(struct task *t, void (*fn)(void *), void *arg, int cpu)
{
	t->fn = fn;
	t->arg = arg;
	t->cpu = cpu;
	t->tid = 0;
	errno = pthread_create(&t->thread, NULL, task_main, t);
	if (errno)
		die("pthread_create");
	while (!__atomic_load_n(&t->tid, __ATOMIC_ACQUIRE))
		sleep_ms(1);
}

void task_join(struct task *t)
{
	pthread_join(t->thread, NULL);
}

/* The child dies with its parent, and leaves no output of its parent twice */
pid_t spawn(void (*fn)(void *), void *arg, int cpu)
{
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid < 0)
		die("fork");
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (cpu >= 0)
		pin(cpu);
	fn(arg);
	fflush(stdout);
	_exit(0);
}

/* The exit code, or 1000 plus the signal */
int reap(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid)
		die("waitpid");
	return WIFEXITED(status) ? WEXITSTATUS(status) :
		1000 + WTERMSIG(status);
}

/*
 * Waits until the task sleeps in a system call other than futex: proc says
 * "running" of one that is on a CPU or may be, or the number of the call.
 */
void wait_blocked(pid_t tid)
{
	long long end = now_ms() + WAIT_MS;
	char path[64], line[64];
	int same = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/syscall", tid);
	while (same < 2 && now_ms() < end) {
		f = fopen(path, "r");
		if (!f)
			return;
		if (fgets(line, sizeof(line), f) && line[0] >= '0' &&
		    line[0] <= '9' && atoi(line) != SYS_futex)
			same++;
		else
			same = 0;
		fclose(f);
		sleep_ms(1);
	}
}

void task_wait_blocked(struct task *t)
{
	wait_blocked(t->tid);
}

void *shared_mem(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		die("mmap");
	return p;
}
