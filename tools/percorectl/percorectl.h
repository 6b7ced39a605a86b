/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files of percorectl share
 *
 * A verb is one file, cmd_<verb>.c: it asks the module over generic netlink
 * (genl.c), adds what the kernel shows elsewhere (facts.c), and prints a table
 * or JSON (print.c).  main.c lists the verbs.  Functions return a negative
 * errno; a verb returns an exit status.
 */
#ifndef _PERCORECTL_H
#define _PERCORECTL_H

#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>
#include <libmnl/libmnl.h>

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define __aligned(n)	__attribute__((aligned(n)))
#define __printf(f, a)	__attribute__((format(printf, f, a)))

/**
 * enum status - exit statuses, documented in percorectl(8)
 * @STATUS_OK: done
 * @STATUS_FAILED: the kernel refused, or the answer made no sense
 * @STATUS_USAGE: the command line made no sense
 * @STATUS_NO_MODULE: a module that it takes is not loaded
 * @STATUS_PERMISSION: the caller may not do this
 * @STATUS_STUCK: a NIC could neither be moved nor moved back
 */
enum status {
	STATUS_OK,
	STATUS_FAILED,
	STATUS_USAGE,
	STATUS_NO_MODULE,
	STATUS_PERMISSION,
	STATUS_STUCK,
};

#define PEERS_MAX		8

#define TIMEOUT_DEFAULT_S	30
#define TIMEOUT_MAX_S		3600

/**
 * struct options - what stands outside of a verb's own arguments
 * @json: print JSON instead of a table
 * @peers: addresses that have to answer when a NIC has moved
 * @n_peers: how many
 * @timeout_s: how long link and peers may take
 * @moves: the first option seen that is of bind and release alone, or NULL
 */
struct options {
	bool json;
	const char *peers[PEERS_MAX];
	size_t n_peers;
	unsigned int timeout_s;
	const char *moves;
};

/**
 * struct command - a verb
 * @name: the word on the command line
 * @args: synopsis of its arguments, "" if it takes none
 * @help: what it does, one line
 * @min_args: how many arguments it needs
 * @max_args: how many it takes at most
 * @needs: what to say when there are fewer than @min_args, if not a device
 * @moves: it takes --peer and --timeout
 * @run: does it; gets its arguments alone; returns enum status
 */
struct command {
	const char *name;
	const char *args;
	const char *help;
	int min_args;
	int max_args;
	const char *needs;
	bool moves;
	int (*run)(const struct options *opt, int argc, char **argv);
};

int cmd_status(const struct options *opt, int argc, char **argv);
int cmd_listeners(const struct options *opt, int argc, char **argv);
int cmd_monitor(const struct options *opt, int argc, char **argv);
int cmd_ports(const struct options *opt, int argc, char **argv);
int cmd_plan(const struct options *opt, int argc, char **argv);
int cmd_apply(const struct options *opt, int argc, char **argv);
int cmd_revert(const struct options *opt, int argc, char **argv);
int cmd_shard(const struct options *opt, int argc, char **argv);
int cmd_bind(const struct options *opt, int argc, char **argv);
int cmd_release(const struct options *opt, int argc, char **argv);
int cmd_tsq(const struct options *opt, int argc, char **argv);
int cmd_top(const struct options *opt, int argc, char **argv);

/**
 * struct val - a number that the kernel may not have told
 * @known: it did
 * @n: the number
 */
struct val {
	bool known;
	uint64_t n;
};

/* genl.c: generic netlink */

/* Gets the attributes of one message; 0 to go on, or a negative errno. */
typedef int (*genl_fn)(const void *attrs, size_t len, void *data);

/**
 * struct genl_reply - the answer to one request while it comes in
 * @type: netlink message type of the answer, which is the family's id
 * @seq: sequence number of the request
 * @fn: gets each message of the answer
 * @data: for @fn
 * @rtnl: it is rtnetlink's: @fn gets the messages with their own header
 * @interrupted: the kernel says that a dump missed a change
 * @extack: the kernel's own words on an error, or ""
 */
struct genl_reply {
	uint16_t type;
	uint32_t seq;
	genl_fn fn;
	void *data;
	bool rtnl;
	bool interrupted;
	char extack[256];
};

/**
 * struct genl - a connection to one generic netlink family
 * @nl: the socket
 * @family: the family's id
 * @seq: sequence number of the last request
 * @extack: the kernel's own words on the last error, or ""
 */
struct genl {
	struct mnl_socket *nl;
	uint16_t family;
	uint32_t seq;
	char extack[256];
};

/* Numbers that a request has at most */
enum { GENL_ATTRS = 2 };

/**
 * struct genl_attr - a number in a request
 * @type: of the attribute, or 0 for none
 * @size: 2 or 4 bytes
 * @n: the number
 */
struct genl_attr {
	uint16_t type;
	uint16_t size;
	uint32_t n;
};

int genl_socket(struct genl *g, int bus);
int genl_talk(struct genl *g, struct nlmsghdr *nlh, struct genl_reply *r);
int genl_open(struct genl *g, const char *name);
void genl_close(struct genl *g);
int genl_do(struct genl *g, uint8_t cmd, genl_fn fn, void *data);
int genl_do_with(struct genl *g, uint8_t cmd,
		 const struct genl_attr attrs[GENL_ATTRS]);
int genl_do_to(struct genl *g, uint8_t cmd, uint16_t attr, uint32_t ifindex);
int genl_dump(struct genl *g, uint8_t cmd, genl_fn fn, void *data,
	      void (*restart)(void *data));
int genl_dump_of(struct genl *g, uint8_t cmd, uint16_t attr, uint32_t ifindex,
		 genl_fn fn, void *data, void (*restart)(void *data));
int genl_listen(struct genl *g, const char *name, const char *group,
		genl_fn fn, void *data);
int genl_error(const struct genl *g, int err, const char *what);

int genl_parse_family(const void *attrs, size_t len, void *data);
int genl_parse_group(const void *attrs, size_t len, void *data);
int genl_parse(const void *buf, size_t len, struct genl_reply *r);

/**
 * struct genl_group - a multicast group of a family
 * @name: its name, to be looked for
 * @id: gets its number
 */
struct genl_group {
	const char *name;
	struct val id;
};

int attr_table(const void *attrs, size_t len, const struct nlattr **tb,
	       unsigned int max);
int attr_val(const struct nlattr *attr, struct val *val);
int attr_string(const struct nlattr *attr, char *buf, size_t size);

/* facts.c: what the kernel shows outside of the module */

/* The largest NR_CPUS that Linux can be configured for on x86. */
#define CPUSET_MAX	8192

/**
 * struct cpuset - a set of CPUs
 * @bits: CPU n is bit n % 64 of word n / 64
 */
struct cpuset {
	uint64_t bits[CPUSET_MAX / 64];
};

/**
 * struct cpufact - a set of CPUs as the kernel shows it
 * @err: 0, or why @cpus is not known: -ENOENT if there is no such thing
 * @cpus: the set
 */
struct cpufact {
	int err;
	struct cpuset cpus;
};

bool cpuset_test(const struct cpuset *set, uint64_t cpu);
void cpuset_add(struct cpuset *set, uint64_t cpu);
unsigned int cpuset_count(const struct cpuset *set);
bool cpuset_is(const struct cpuset *set, uint64_t cpu);
int cpuset_parse_list(const char *text, struct cpuset *set);
int cpuset_parse_mask(const char *text, struct cpuset *set);
const char *cpuset_format(const struct cpuset *set, char *buf, size_t size);
json_t *cpuset_json(const struct cpuset *set);

/* Put before every path that facts.c opens; "" but in the unit test. */
extern const char *facts_root;

/* A value of procfs or sysfs; NR_CPUS 8192 makes a mask of 2304 bytes. */
#define FACTS_TEXT_MAX	4096

int facts_read_text(char *buf, size_t size, const char *fmt, ...)
	__printf(3, 4);
void facts_read_cpulist(struct cpufact *fact, const char *fmt, ...)
	__printf(2, 3);
void facts_read_cpumask(struct cpufact *fact, const char *fmt, ...)
	__printf(2, 3);
int facts_read_reta(const char *ifname, uint32_t **reta);

/* print.c: tables, JSON, errors */

/* Numbers go to the right, so that they compare at a glance. */
enum align { LEFT, RIGHT };

/**
 * struct column - a column of a table
 * @title: its heading
 * @align: of its cells and its heading
 */
struct column {
	const char *title;
	enum align align;
};

/**
 * struct table - rows that are printed once their widths are known
 * @cols: the columns
 * @n_cols: how many
 * @cells: row by row, each of them @n_cols strings
 * @n_cells: cells in use
 */
struct table {
	const struct column *cols;
	size_t n_cols;
	char **cells;
	size_t n_cells;
};

void table_cell(struct table *t, const char *fmt, ...)
	__printf(2, 3);
void table_cell_val(struct table *t, struct val val);
void table_print(const struct table *t);
void table_free(struct table *t);

void *xrealloc(void *p, size_t n, size_t size);
json_t *json_val(struct val val);
int json_print(json_t *root);
void text_sanitize(char *text);
void error_print(const char *fmt, ...) __printf(1, 2);
int ifname_error(const char *ifname);

/* cmd_status.c: for the unit test */

/**
 * struct module_status - PERCORE_A_STATUS_*
 * @version: of the module, or ""
 * @listen_shard: net.percore.listen_shard
 * @listen_steal_us: net.percore.listen_steal_us
 * @listeners: sharded listeners of this network namespace
 * @ports: NIC ports that the module is attached to
 * @cpus: online CPUs
 * @tsq_sockets: sockets with a pacing shift of the module's
 * @connects_placed: connections out whose port brings them to their core
 * @connects_left: those whose port the kernel chose, connect_local or not
 * @connects_lost: those that failed as their port was bound meanwhile
 * @attached: listening sockets that got shards
 * @detached: those that lost them
 * @syns: SYNs to all sharded listeners
 * @accepts_local: connections accepted on their core
 * @accepts_stolen: on another
 * @spilled: connections that a core gave up for anybody to take
 * @healed: settings of steered NICs that drifted and were set again
 * @tsq_changes: pacing shifts that transmit queues changed to
 */
struct module_status {
	char version[64];
	struct val listen_shard;
	struct val listen_steal_us;
	struct val listeners;
	struct val ports;
	struct val cpus;
	struct val tsq_sockets;
	struct val connects_placed;
	struct val connects_left;
	struct val connects_lost;
	struct val attached;
	struct val detached;
	struct val syns;
	struct val accepts_local;
	struct val accepts_stolen;
	struct val spilled;
	struct val healed;
	struct val tsq_changes;
};

int status_decode(const void *attrs, size_t len, void *data);

/* cmd_listeners.c: for the unit test */

/**
 * struct core - PERCORE_A_CORE_*: one core's part of a listener
 * @cpu: the core
 * @syns: SYNs it took
 * @accepts_local: connections of this core that were accepted on it
 * @accepts_stolen: connections of other cores that were accepted on it
 * @depth: connections that wait in its shard now
 */
struct core {
	struct val cpu;
	struct val syns;
	struct val accepts_local;
	struct val accepts_stolen;
	struct val depth;
};

/**
 * struct listener - PERCORE_A_LISTENER_*: one sharded listener
 * @family: AF_INET or AF_INET6
 * @addr: network order, 4 or 16 bytes
 * @addr_len: 4, 16, or 0 if not known
 * @port: in host order
 * @v6only: takes no IPv4 connection
 * @inode: of the socket
 * @backlog: connections ready to be accepted
 * @backlog_max: limit set by listen()
 * @cores: its cores
 * @n_cores: how many
 */
struct listener {
	struct val family;
	uint8_t addr[16];
	size_t addr_len;
	struct val port;
	bool v6only;
	struct val inode;
	struct val backlog;
	struct val backlog_max;
	struct core *cores;
	size_t n_cores;
};

/**
 * struct listeners - all of them
 * @list: the listeners
 * @n: how many
 */
struct listeners {
	struct listener *list;
	size_t n;
};

int listeners_decode(const void *attrs, size_t len, void *data);
void listeners_reset(void *data);
void listeners_sort(struct listeners *ls);
json_t *listeners_json(const struct listeners *ls);
json_t *listener_name_json(const struct listener *l);
void listener_cell(struct table *t, const struct listener *l);
void listener_format(const struct listener *l, char *text, size_t size);

/* "[" address "]:" port, or two names of interfaces and two numbers */
enum { LISTENER_NAME_MAX = 96 };
void listeners_print(const struct listeners *ls);

/* cmd_monitor.c: for the unit test */

/**
 * struct event - PERCORE_A_EVENT_*
 * @what: enum percore_event
 * @listeners: the one that it is about, if any
 * @ifindex: of the interface that it is about, if any
 * @ifname: its name, or ""
 * @setting: that drifted, or ""
 * @index: of the setting or transmit queue
 * @shift: pacing shift of the queue's sockets
 */
struct event {
	struct val what;
	struct listeners listeners;
	struct val ifindex;
	char ifname[IFNAMSIZ];
	char setting[16];
	struct val index;
	struct val shift;
};

int event_decode(const void *attrs, size_t len, void *data);
json_t *event_json(const struct event *event, const struct timespec *at);
void event_format(const struct event *event, char *buf, size_t size);

/* cmd_top.c: for the unit test */

/**
 * struct top_row - what a listener did between two samples
 * @listener: as it was at the end
 * @syns: SYNs that came
 * @local: connections accepted on their own core
 * @stolen: on another
 * @cores: how many cores accepted
 * @busiest: how many the busiest of them did
 * @busiest_cpu: which that is
 */
struct top_row {
	const struct listener *listener;
	uint64_t syns;
	uint64_t local;
	uint64_t stolen;
	unsigned int cores;
	uint64_t busiest;
	struct val busiest_cpu;
};

struct top_row *top_rows(const struct listeners *before,
			 const struct listeners *after, size_t *n);

/* port.c: the queues of NICs */

#define QUEUE_WHY_MAX	8

/* Text of a set of CPUs in a table or a reason. */
#define CPUS_TEXT_MAX	64

/**
 * struct irq - an interrupt of a queue
 * @n: its number
 * @cpus: CPUs that it may go to
 * @now: CPU that it goes to
 */
struct irq {
	struct val n;
	struct cpufact cpus;
	struct cpufact now;
};

/**
 * struct queue - PERCORE_A_PLAN_* of a queue and what is
 * @id: its index
 * @cpu: CPU that it belongs to
 * @serves: CPUs that it serves
 * @reason: why, or ""
 * @irq: its interrupt
 * @tx_irq: that for what was sent, if it is another
 * @irq_note: why there is none, or ""
 * @napi_id: if its driver tells, and while the port is up
 * @want_xps: CPUs that are to transmit on it, if that is ours to say
 * @want_rps: CPUs that received packets are to be handed to
 * @want_flows: entries wanted of its flow table
 * @want_reta: entries of the RSS indirection table that are to point here
 * @xps: CPUs that transmit on this queue
 * @rps: CPUs that received packets are handed to
 * @flows: entries of its flow table
 * @reta: entries of the RSS indirection table that point here
 * @why: why what is and what is wanted differ
 * @n_why: how many reasons; 0 if all agrees
 */
struct queue {
	struct val id;
	struct val cpu;
	struct cpufact serves;
	char reason[160];
	struct irq irq;
	struct irq tx_irq;
	char irq_note[64];
	struct val napi_id;
	struct cpufact want_xps;
	struct cpufact want_rps;
	struct val want_flows;
	struct val want_reta;
	struct cpufact xps;
	struct cpufact rps;
	struct val flows;
	struct val reta;
	char *why[QUEUE_WHY_MAX];
	size_t n_why;
};

/**
 * struct port - PERCORE_A_PLAN_* of a NIC
 * @ifindex: its interface
 * @ifname: its interface, or ""
 * @steered: the plan is in force
 * @healed: settings that were set again
 * @error: errno of the last attempt to apply, if it failed
 * @reta_size: entries of its RSS indirection table
 * @queues: its queues
 * @n_queues: how many
 */
struct port {
	struct val ifindex;
	char ifname[IF_NAMESIZE];
	bool steered;
	struct val healed;
	struct val error;
	struct val reta_size;
	struct queue *queues;
	size_t n_queues;
};

/**
 * struct ports - all of them
 * @list: the ports
 * @n: how many
 * @online: CPUs online
 */
struct ports {
	struct port *list;
	size_t n;
	struct cpufact online;
};

int ports_decode(const void *attrs, size_t len, void *data);
void ports_reset(void *data);
void ports_observe(struct ports *ps);
void ports_judge(struct ports *ps);
int ports_get(struct ports *ps, const char *ifname, const char *what);
void fact_cell(struct table *t, const struct cpufact *fact);
void irq_cell(struct table *t, const struct queue *q);

/* cmd_ports.c, cmd_plan.c: for the unit test */
json_t *ports_json(const struct ports *ps);
void ports_print(const struct ports *ps);
void plan_print(const struct port *p);

/* cmd_tsq.c: for the unit test */

/**
 * struct tsq_queue - PERCORE_A_TSQ_*: one transmit queue
 * @ifindex: its interface
 * @ifname: its interface, or ""
 * @queue: its index
 * @source: how the delay is known, or ""
 * @samples: delays measured
 * @ewma_ns: their average
 * @p95_ns: their 95th percentile
 * @target_us: what the NIC needs
 * @stands: frames wait above it nearly always
 * @shift: pacing shift of its sockets
 * @changes: times that it changed
 */
struct tsq_queue {
	struct val ifindex;
	char ifname[IF_NAMESIZE];
	struct val queue;
	char source[16];
	struct val samples;
	struct val ewma_ns;
	struct val p95_ns;
	struct val target_us;
	bool stands;
	struct val shift;
	struct val changes;
};

/**
 * struct tsq_queues - all of them
 * @list: the queues
 * @n: how many
 */
struct tsq_queues {
	struct tsq_queue *list;
	size_t n;
};

int tsq_decode(const void *attrs, size_t len, void *data);
void tsq_reset(void *data);
json_t *tsq_json(const struct tsq_queues *qs);
void tsq_print(const struct tsq_queues *qs);

#endif /* _PERCORECTL_H */
