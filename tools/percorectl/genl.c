// SPDX-License-Identifier: GPL-2.0
/*
 * Generic netlink on libmnl
 *
 * genl_open() finds the family, genl_do() and genl_dump() send a request and
 * hand each message of the answer to a decoder.  Nothing in an answer is
 * trusted: lengths are checked before they are used, an attribute that is not
 * known is passed over, one that is missing is the decoder's to tolerate.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>

#include <linux/genetlink.h>
#include <linux/netlink.h>

#include "percorectl.h"

/* A kernel that answers does so at once. */
#define REPLY_TIMEOUT_S		10

/* A dump that misses a change is started again, but not for ever. */
#define DUMP_TRIES		8

/* Room for messages that nobody has read yet */
#define LISTEN_BYTES		1048576

/* What a dump puts into one datagram at most, unless a message is larger. */
#define DATAGRAM_BYTES		32768

/* Attribute callback's view of a table of attributes. */
struct attr_slots {
	const struct nlattr **tb;
	unsigned int max;
};

static int attr_slot_cb(const struct nlattr *attr, void *data)
{
	const struct attr_slots *slots = data;
	unsigned int type = mnl_attr_get_type(attr);

	if (type <= slots->max)
		slots->tb[type] = attr;
	return MNL_CB_OK;
}

/**
 * attr_table() - sort attributes by their type
 * @attrs: first attribute
 * @len: bytes from there to the end
 * @tb: gets a pointer for each type from 0 to @max, NULL if there is none; the
 *	last one counts if a type repeats
 * @max: types above it are passed over: they are newer than this program
 *
 * Return: 0, or -EBADMSG if the attributes do not fill @len.
 */
int attr_table(const void *attrs, size_t len, const struct nlattr **tb,
	       unsigned int max)
{
	struct attr_slots slots = { .tb = tb, .max = max };
	const char *end = (const char *)attrs + len;
	const struct nlattr *attr;

	memset(tb, 0, sizeof(*tb) * (max + 1));
	if (mnl_attr_parse_payload(attrs, len, attr_slot_cb, &slots) < 0)
		return -EBADMSG;

	/* The walk stops at what is no attribute: see that it was the end. */
	mnl_attr_for_each_payload(attrs, len)
		;
	return end - (const char *)attr > 0 ? -EBADMSG : 0;
}

/**
 * attr_val() - read an unsigned number of any width
 * @attr: the attribute, or NULL
 * @val: gets the number; left alone if @attr is NULL
 *
 * Return: 0, or -EBADMSG if it is not 1, 2, 4 or 8 bytes long.
 */
int attr_val(const struct nlattr *attr, struct val *val)
{
	if (!attr)
		return 0;

	switch (mnl_attr_get_payload_len(attr)) {
	case 1:
		val->n = mnl_attr_get_u8(attr);
		break;
	case 2:
		val->n = mnl_attr_get_u16(attr);
		break;
	case 4:
		val->n = mnl_attr_get_u32(attr);
		break;
	case 8:
		val->n = mnl_attr_get_u64(attr);
		break;
	default:
		return -EBADMSG;
	}
	val->known = true;
	return 0;
}

/**
 * attr_string() - read a string, with or without its final NUL
 * @attr: the attribute, or NULL
 * @buf: gets the string, made fit to print; left alone if @attr is NULL
 * @size: of @buf
 *
 * Return: 0, or -EBADMSG if the string does not fit.
 */
int attr_string(const struct nlattr *attr, char *buf, size_t size)
{
	size_t len;

	if (!attr)
		return 0;

	len = strnlen(mnl_attr_get_payload(attr),
		      mnl_attr_get_payload_len(attr));
	if (len >= size)
		return -EBADMSG;
	memcpy(buf, mnl_attr_get_payload(attr), len);
	buf[len] = '\0';
	text_sanitize(buf);
	return 0;
}

/*
 * The attributes that follow the error code are optional in every way: bad
 * ones cost the words, not the error.
 */
static void extack_parse(const char *attrs, size_t len, struct genl_reply *r)
{
	const struct nlattr *tb[NLMSGERR_ATTR_MSG + 1];

	if (attr_table(attrs, len, tb, NLMSGERR_ATTR_MSG) ||
	    attr_string(tb[NLMSGERR_ATTR_MSG], r->extack, sizeof(r->extack)))
		r->extack[0] = '\0';
}

/* NLMSG_ERROR: error code, header of the request, its payload, attributes */
static int error_parse(const struct nlmsghdr *nlh, struct genl_reply *r)
{
	const struct nlmsgerr *err = mnl_nlmsg_get_payload(nlh);
	size_t len = mnl_nlmsg_get_payload_len(nlh);
	size_t skip = sizeof(*err);

	if (len < sizeof(*err))
		return -EBADMSG;
	if (err->error > 0)
		return -EBADMSG;

	if (!(nlh->nlmsg_flags & NLM_F_CAPPED) &&
	    err->msg.nlmsg_len > sizeof(err->msg))
		skip += MNL_ALIGN((size_t)err->msg.nlmsg_len) -
			sizeof(err->msg);
	if ((nlh->nlmsg_flags & NLM_F_ACK_TLVS) && skip < len)
		extack_parse((const char *)err + skip, len - skip, r);
	return err->error;
}

/* NLMSG_DONE: error code, attributes; old kernels left both out */
static int done_parse(const struct nlmsghdr *nlh, struct genl_reply *r)
{
	const int *err = mnl_nlmsg_get_payload(nlh);
	size_t len = mnl_nlmsg_get_payload_len(nlh);

	if (!len)
		return 0;
	if (len < sizeof(*err) || *err > 0)
		return -EBADMSG;
	if ((nlh->nlmsg_flags & NLM_F_ACK_TLVS) && len > sizeof(*err))
		extack_parse((const char *)(err + 1), len - sizeof(*err), r);
	return *err;
}

/* Return: 1 if there is more to come, 0 if that was all, or an error. */
static int message_parse(const struct nlmsghdr *nlh, struct genl_reply *r)
{
	const char *genlh = mnl_nlmsg_get_payload(nlh);
	size_t len = mnl_nlmsg_get_payload_len(nlh);
	int ret;

	if (nlh->nlmsg_seq != r->seq)
		return 1;
	if (nlh->nlmsg_flags & NLM_F_DUMP_INTR)
		r->interrupted = true;

	if (nlh->nlmsg_type == NLMSG_ERROR)
		return error_parse(nlh, r);
	if (nlh->nlmsg_type == NLMSG_DONE)
		return done_parse(nlh, r);
	if (nlh->nlmsg_type != r->type)
		return 1;

	if (r->rtnl) {
		ret = r->fn(genlh, len, r->data);
		return ret ? ret : 1;
	}
	if (len < GENL_HDRLEN)
		return -EBADMSG;
	ret = r->fn(genlh + GENL_HDRLEN, len - GENL_HDRLEN, r->data);
	return ret ? ret : 1;
}

/**
 * genl_parse() - take what one read from the socket brought
 * @buf: what it brought, aligned as a netlink header
 * @len: bytes
 * @r: the answer that it is part of
 *
 * Return: 1 if there is more to come, 0 if the answer is complete, or the
 * kernel's error, or the decoder's, or -EBADMSG.
 */
int genl_parse(const void *buf, size_t len, struct genl_reply *r)
{
	const char *at = buf, *end = at + len;
	const struct nlmsghdr *nlh;
	int ret;

	/* mnl_nlmsg_ok() takes a length of 2 GiB or more for a negative one. */
	while ((size_t)(end - at) >= sizeof(*nlh)) {
		nlh = (const struct nlmsghdr *)at;
		if (nlh->nlmsg_len < sizeof(*nlh) ||
		    nlh->nlmsg_len > (size_t)(end - at))
			return -EBADMSG;
		ret = message_parse(nlh, r);
		if (ret <= 0)
			return ret;
		if (MNL_ALIGN((size_t)nlh->nlmsg_len) >= (size_t)(end - at))
			return 1;
		at += MNL_ALIGN(nlh->nlmsg_len);
	}
	return at == end ? 1 : -EBADMSG;
}

/**
 * genl_parse_family() - decode the controller's answer on a family
 * @attrs: CTRL_ATTR_*
 * @len: bytes
 * @data: uint16_t, gets the family's id
 *
 * Return: 0, or -EBADMSG.
 */
int genl_parse_family(const void *attrs, size_t len, void *data)
{
	const struct nlattr *tb[CTRL_ATTR_FAMILY_ID + 1];
	uint16_t *family = data;
	struct val id = {};

	if (attr_table(attrs, len, tb, CTRL_ATTR_FAMILY_ID) ||
	    attr_val(tb[CTRL_ATTR_FAMILY_ID], &id) ||
	    id.n < NLMSG_MIN_TYPE || id.n > UINT16_MAX)
		return -EBADMSG;
	*family = id.n;
	return 0;
}

static int group_parse(const struct nlattr *nest, struct genl_group *group)
{
	const struct nlattr *tb[CTRL_ATTR_MCAST_GRP_ID + 1];
	char name[GENL_NAMSIZ] = "";
	int ret;

	ret = attr_table(mnl_attr_get_payload(nest),
			 mnl_attr_get_payload_len(nest), tb,
			 CTRL_ATTR_MCAST_GRP_ID);
	ret = ret ?: attr_string(tb[CTRL_ATTR_MCAST_GRP_NAME], name,
				 sizeof(name));
	if (ret || strcmp(name, group->name))
		return ret;
	return attr_val(tb[CTRL_ATTR_MCAST_GRP_ID], &group->id);
}

/**
 * genl_parse_group() - find a group in the controller's answer on a family
 * @attrs: CTRL_ATTR_*
 * @len: bytes
 * @data: struct genl_group
 *
 * Return: 0, or -EBADMSG.
 */
int genl_parse_group(const void *attrs, size_t len, void *data)
{
	const struct nlattr *tb[CTRL_ATTR_MCAST_GROUPS + 1], *nest;
	int ret;

	ret = attr_table(attrs, len, tb, CTRL_ATTR_MCAST_GROUPS);
	if (ret || !tb[CTRL_ATTR_MCAST_GROUPS])
		return ret;
	mnl_attr_for_each_nested(nest, tb[CTRL_ATTR_MCAST_GROUPS]) {
		ret = group_parse(nest, data);
		if (ret)
			return ret;
	}
	return 0;
}

/*
 * Reads one datagram of whatever size into @buf, which grows.
 * Return: its bytes, 0 if it is not the kernel's, or a negative errno.
 */
static ssize_t datagram_recv(struct genl *g, char **buf, size_t *size)
{
	struct sockaddr_nl from = {};
	socklen_t from_len = sizeof(from);
	int fd = mnl_socket_get_fd(g->nl);
	ssize_t len;

	do {
		len = recv(fd, NULL, 0, MSG_PEEK | MSG_TRUNC);
	} while (len < 0 && errno == EINTR);
	if (len < 0)
		return -errno;
	if (!*buf || (size_t)len > *size) {
		*size = len > DATAGRAM_BYTES ? len : DATAGRAM_BYTES;
		*buf = xrealloc(*buf, *size, 1);
	}

	do {
		len = recvfrom(fd, *buf, *size, 0, (struct sockaddr *)&from,
			       &from_len);
	} while (len < 0 && errno == EINTR);
	if (len < 0)
		return -errno;
	return from.nl_pid ? 0 : len;
}

static int reply_recv(struct genl *g, struct genl_reply *r)
{
	char *buf = NULL;
	size_t size = 0;
	ssize_t len;
	int ret = 1;

	while (ret > 0) {
		len = datagram_recv(g, &buf, &size);
		if (len < 0)
			ret = len == -EAGAIN ? -ETIMEDOUT : len;
		else if (len)
			ret = genl_parse(buf, len, r);
	}
	free(buf);
	return ret;
}

/**
 * genl_talk() - send a request, take the answer
 * @g: the connection
 * @nlh: the request; gets its sequence number
 * @r: the answer; gets that number, too
 *
 * Return: 0, or a negative errno; then @g->extack is what the kernel said.
 */
int genl_talk(struct genl *g, struct nlmsghdr *nlh, struct genl_reply *r)
{
	int ret;

	nlh->nlmsg_seq = ++g->seq;
	r->seq = g->seq;
	if (mnl_socket_sendto(g->nl, nlh, nlh->nlmsg_len) < 0)
		return -errno;
	ret = reply_recv(g, r);
	memcpy(g->extack, r->extack, sizeof(g->extack));
	return ret;
}

/**
 * struct request - what is asked
 * @cmd: the request
 * @flags: NLM_F_*
 * @name: CTRL_ATTR_FAMILY_NAME, or NULL for no such attribute
 * @attrs: numbers; the first with type 0 ends them
 */
struct request {
	uint8_t cmd;
	uint16_t flags;
	const char *name;
	struct genl_attr attrs[GENL_ATTRS];
};

static void attrs_put(struct nlmsghdr *nlh, const struct genl_attr *attrs)
{
	const struct genl_attr *a;

	for (a = attrs; a < attrs + GENL_ATTRS && a->type; a++)
		if (a->size == sizeof(uint16_t))
			mnl_attr_put_u16(nlh, a->type, a->n);
		else
			mnl_attr_put_u32(nlh, a->type, a->n);
}

static int request(struct genl *g, const struct request *req,
		   struct genl_reply *r)
{
	char buf[256] __aligned(NLMSG_ALIGNTO);
	struct genlmsghdr *genlh;
	struct nlmsghdr *nlh;

	nlh = mnl_nlmsg_put_header(buf);
	nlh->nlmsg_type = g->family;
	nlh->nlmsg_flags = NLM_F_REQUEST | req->flags;
	genlh = mnl_nlmsg_put_extra_header(nlh, sizeof(*genlh));
	genlh->cmd = req->cmd;
	genlh->version = 1;
	if (req->name && !mnl_attr_put_strz_check(nlh, sizeof(buf),
						  CTRL_ATTR_FAMILY_NAME,
						  req->name))
		return -EINVAL;
	attrs_put(nlh, req->attrs);

	r->type = g->family;
	return genl_talk(g, nlh, r);
}

/**
 * genl_do() - ask for one thing
 * @g: the connection
 * @cmd: the request
 * @fn: gets the answer
 * @data: for @fn
 *
 * Return: 0, or a negative errno; then @g->extack is what the kernel said.
 */
int genl_do(struct genl *g, uint8_t cmd, genl_fn fn, void *data)
{
	struct genl_reply r = { .fn = fn, .data = data };

	/* With NLM_F_ACK an answer has an end, like that of a dump. */
	return request(g, &(struct request){ .cmd = cmd, .flags = NLM_F_ACK },
		       &r);
}

static int nothing(const void *attrs, size_t len, void *data)
{
	(void)attrs;
	(void)len;
	(void)data;
	return 0;
}

/**
 * genl_do_with() - have something done
 * @g: the connection
 * @cmd: the request
 * @attrs: what with
 *
 * Return: 0, or a negative errno; then @g->extack is what the kernel said.
 */
int genl_do_with(struct genl *g, uint8_t cmd,
		 const struct genl_attr attrs[GENL_ATTRS])
{
	struct request req = { .cmd = cmd, .flags = NLM_F_ACK };
	struct genl_reply r = { .fn = nothing };

	memcpy(req.attrs, attrs, sizeof(req.attrs));
	return request(g, &req, &r);
}

/**
 * genl_do_to() - have something done to an interface
 * @g: the connection
 * @cmd: the request
 * @attr: attribute for
 * @ifindex: the interface
 *
 * Return: as genl_do_with().
 */
int genl_do_to(struct genl *g, uint8_t cmd, uint16_t attr, uint32_t ifindex)
{
	const struct genl_attr attrs[GENL_ATTRS] = {
		{ attr, sizeof(ifindex), ifindex },
	};

	return genl_do_with(g, cmd, attrs);
}

/**
 * genl_dump_of() - ask for all things of a kind that an interface has
 * @g: the connection
 * @cmd: the request
 * @attr: attribute for
 * @ifindex: the interface, or 0 for all
 * @fn: gets each message of the answer
 * @data: for @fn
 * @restart: forgets what @fn has gathered in @data
 *
 * Return: 0, or a negative errno; then @g->extack is what the kernel said.
 * -EINTR if the things changed during each of several dumps.
 */
int genl_dump_of(struct genl *g, uint8_t cmd, uint16_t attr, uint32_t ifindex,
		 genl_fn fn, void *data, void (*restart)(void *data))
{
	const struct request req = {
		.cmd = cmd,
		.flags = NLM_F_DUMP,
		.attrs = { { ifindex ? attr : 0, sizeof(ifindex), ifindex } },
	};
	int ret, try;

	for (try = 0; try < DUMP_TRIES; try++) {
		struct genl_reply r = { .fn = fn, .data = data };

		restart(data);
		ret = request(g, &req, &r);
		if (ret || !r.interrupted)
			return ret;
	}
	return -EINTR;
}

/**
 * genl_dump() - ask for all things of a kind
 * @g: the connection
 * @cmd: the request
 * @fn: gets each message of the answer
 * @data: for @fn
 * @restart: forgets what @fn has gathered in @data
 *
 * Return: as genl_dump_of().
 */
int genl_dump(struct genl *g, uint8_t cmd, genl_fn fn, void *data,
	      void (*restart)(void *data))
{
	return genl_dump_of(g, cmd, 0, 0, fn, data, restart);
}

/**
 * genl_close() - close a connection
 * @g: the connection
 */
void genl_close(struct genl *g)
{
	if (g->nl)
		mnl_socket_close(g->nl);
	g->nl = NULL;
}

/**
 * genl_socket() - open a netlink socket, for whatever family
 * @g: the connection, zeroed; to be given to genl_close() in any case
 * @bus: NETLINK_*
 *
 * Return: 0, or a negative errno.
 */
int genl_socket(struct genl *g, int bus)
{
	const struct timeval timeout = { .tv_sec = REPLY_TIMEOUT_S };
	int on = 1;

	g->nl = mnl_socket_open2(bus, SOCK_CLOEXEC);
	if (!g->nl || mnl_socket_bind(g->nl, 0, MNL_SOCKET_AUTOPID) < 0)
		return -errno;

	/* Each of these makes an error clearer; none is needed for an answer */
	mnl_socket_setsockopt(g->nl, NETLINK_EXT_ACK, &on, sizeof(on));
	mnl_socket_setsockopt(g->nl, NETLINK_CAP_ACK, &on, sizeof(on));
	setsockopt(mnl_socket_get_fd(g->nl), SOL_SOCKET, SO_RCVTIMEO, &timeout,
		   sizeof(timeout));
	return 0;
}

/**
 * genl_open() - connect to a family
 * @g: the connection
 * @name: of the family
 *
 * Return: 0, or a negative errno: -ENOENT if there is no such family.
 */
int genl_open(struct genl *g, const char *name)
{
	struct genl_reply r = { .fn = genl_parse_family };
	uint16_t family = 0;
	int ret;

	*g = (struct genl){ .family = GENL_ID_CTRL, .seq = time(NULL) };
	ret = genl_socket(g, NETLINK_GENERIC);
	if (!ret) {
		r.data = &family;
		ret = request(g, &(struct request){
			.cmd = CTRL_CMD_GETFAMILY,
			.flags = NLM_F_ACK,
			.name = name,
		}, &r);
	}
	if (!ret && !family)
		ret = -EBADMSG;
	if (ret) {
		genl_close(g);
		return ret;
	}
	g->family = family;
	return 0;
}

/* The controller tells of our family: that can only be its end. */
static int family_gone(const void *attrs, size_t len, void *data)
{
	const struct genl *g = data;
	uint16_t family;

	if (genl_parse_family(attrs, len, &family))
		return 0;
	return family == g->family ? -ENOENT : 0;
}

static int group_join(struct genl *g, int id)
{
	return mnl_socket_setsockopt(g->nl, NETLINK_ADD_MEMBERSHIP, &id,
				     sizeof(id)) < 0 ? -errno : 0;
}

static int group_find(struct genl *g, const char *name,
		      struct genl_group *group)
{
	struct genl_reply r = { .fn = genl_parse_group, .data = group };
	struct genl ctrl = { .nl = g->nl, .family = GENL_ID_CTRL,
			     .seq = g->seq };
	int ret;

	ret = request(&ctrl, &(struct request){
		.cmd = CTRL_CMD_GETFAMILY,
		.flags = NLM_F_ACK,
		.name = name,
	}, &r);
	g->seq = ctrl.seq;
	if (!ret && !group->id.known)
		ret = -EOPNOTSUPP;
	return ret;
}

/**
 * genl_listen() - take what a family sends to a multicast group
 * @g: the connection
 * @name: of the family
 * @group: the group's name
 * @fn: gets each message
 * @data: for @fn
 *
 * Says so on standard error when messages were lost, and goes on.
 *
 * Return: -ENOENT when the family goes, -EOPNOTSUPP when it has no such group,
 * or the error that ended it.
 */
int genl_listen(struct genl *g, const char *name, const char *group,
		genl_fn fn, void *data)
{
	struct genl_reply event = { .type = g->family, .fn = fn, .data = data };
	struct genl_reply ctrl = { .type = GENL_ID_CTRL, .fn = family_gone,
				   .data = g };
	struct genl_group found = { .name = group };
	const struct timeval forever = {};
	const int room = LISTEN_BYTES;
	char *buf = NULL;
	size_t size = 0;
	ssize_t len;
	int ret;

	/* The controller's own group has its family's number */
	ret = group_find(g, name, &found);
	ret = ret ?: group_join(g, GENL_ID_CTRL);
	ret = ret ?: group_join(g, found.id.n);
	setsockopt(mnl_socket_get_fd(g->nl), SOL_SOCKET, SO_RCVTIMEO, &forever,
		   sizeof(forever));
	/* Beyond net.core.rmem_max for who may */
	if (setsockopt(mnl_socket_get_fd(g->nl), SOL_SOCKET, SO_RCVBUFFORCE,
		       &room, sizeof(room)))
		setsockopt(mnl_socket_get_fd(g->nl), SOL_SOCKET, SO_RCVBUF,
			   &room, sizeof(room));
	while (ret >= 0) {
		len = datagram_recv(g, &buf, &size);
		if (len == -ENOBUFS)
			error_print("events were lost");
		else if (len < 0)
			ret = len;
		else if (len)
			ret = genl_parse(buf, len, &ctrl);
		if (len > 0 && ret >= 0)
			ret = genl_parse(buf, len, &event);
	}
	free(buf);
	return ret;
}

/**
 * genl_error() - say in one line why a request failed
 * @g: the connection
 * @err: negative errno
 * @what: the request, as the user calls it
 *
 * Return: the exit status for it.
 */
int genl_error(const struct genl *g, int err, const char *what)
{
	const char *text;

	/* An id that is no family's any more: the module went away. */
	if (err == -ENOENT && !g->extack[0]) {
		error_print("percore is not loaded (try: modprobe percore)");
		return STATUS_NO_MODULE;
	}

	switch (err) {
	case -EBADMSG:
		text = "malformed answer from the kernel";
		break;
	case -EINTR:
		text = "it kept changing while it was read, try again";
		break;
	case -EOPNOTSUPP:
		text = "the loaded percore does not know this request";
		break;
	case -ETIMEDOUT:
		text = "no answer from the kernel";
		break;
	default:
		text = strerror(-err);
	}
	if (g->extack[0])
		error_print("%s: %s (%s)", what, g->extack, text);
	else
		error_print("%s: %s", what, text);
	return err == -EPERM || err == -EACCES ? STATUS_PERMISSION :
						 STATUS_FAILED;
}
