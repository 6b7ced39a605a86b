// SPDX-License-Identifier: GPL-2.0
/*
 * Which device a NIC is, whether its driver may change, and the change
 *
 * All of it is sysfs.  driver_override is set before the old driver lets go, so
 * that no other driver takes the device meanwhile, and stays while it is ours:
 * a module that is inserted again finds its NICs again.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "nic.h"

#define PCI_DEVICES	"/sys/bus/pci/devices"
#define PCI_DRIVERS	"/sys/bus/pci/drivers"

/* What igb_percore drives: its pci_device_id, as modinfo shows it, too. */
static const char *const known[] = {
	"8086:10c9", "8086:10e8", "8086:1526", "8086:150a",
};

/**
 * nic_fail() - keep why something went wrong; the first reason counts
 * @nic: the NIC
 * @fmt: one line, as for printf()
 *
 * Return: -1.
 */
int nic_fail(struct nic *nic, const char *fmt, ...)
{
	va_list args;

	if (nic->why[0])
		return -1;
	va_start(args, fmt);
	vsnprintf(nic->why, sizeof(nic->why), fmt, args);
	va_end(args);
	text_sanitize(nic->why);
	return -1;
}

/* The last part of where a link of sysfs leads. Return: 0 or a negative errno. */
static int link_name(const char *path, char *buf, size_t size)
{
	char target[512], *name;
	ssize_t len = readlink(path, target, sizeof(target) - 1);

	if (len < 0)
		return -errno;
	target[len] = '\0';
	name = strrchr(target, '/');
	name = name ? name + 1 : target;
	if (strlen(name) >= size)
		return -ENAMETOOLONG;
	memcpy(buf, name, strlen(name) + 1);
	return 0;
}

static int read_line(char *buf, size_t size, const char *pci, const char *file)
{
	int ret = facts_read_text(buf, size, PCI_DEVICES "/%s/%s", pci, file);

	if (ret)
		return ret;
	buf[strcspn(buf, "\n")] = '\0';
	return 0;
}

/**
 * nic_write() - write a file of sysfs or procfs
 * @path: the file
 * @text: what
 *
 * Return: 0 or a negative errno.
 */
int nic_write(const char *path, const char *text)
{
	ssize_t len = strlen(text);
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int ret = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, len) != len)
		ret = errno ? -errno : -EIO;
	close(fd);
	return ret;
}

/**
 * nic_driver() - which driver has the device now?
 * @nic: the NIC
 * @buf: gets its name, "" for none
 * @size: of @buf
 *
 * Return: 0, or a negative errno: -ENODEV if the device is gone.
 */
int nic_driver(const struct nic *nic, char *buf, size_t size)
{
	char path[128];
	int ret;

	snprintf(path, sizeof(path), PCI_DEVICES "/%s", nic->pci);
	if (access(path, F_OK))
		return -ENODEV;
	snprintf(path, sizeof(path), PCI_DEVICES "/%s/driver", nic->pci);
	ret = link_name(path, buf, size);
	if (ret == -ENOENT) {
		buf[0] = '\0';
		ret = 0;
	}
	return ret;
}

/**
 * nic_gone() - has the device been taken out?
 * @nic: the NIC
 *
 * Return: true, with nic_fail() told, if it has.
 */
bool nic_gone(struct nic *nic)
{
	char text[64];

	if (nic_driver(nic, text, sizeof(text)) != -ENODEV)
		return false;
	nic_fail(nic, "the device %s has gone", nic->pci);
	return true;
}

/**
 * nic_open() - find the device of an interface
 * @nic: gets the device and its driver; to be given to nic_close() in any case
 * @dev: name of the interface, or another name of it
 *
 * Return: 0; -ENODEV if there is no such interface; -1 if it is no PCI device.
 */
int nic_open(struct nic *nic, const char *dev)
{
	char path[128], text[64];
	unsigned int index;

	*nic = (struct nic){ .lock = -1 };
	index = if_nametoindex(dev);
	if (!index || !if_indextoname(index, nic->name))
		return -ENODEV;

	snprintf(path, sizeof(path), "/sys/class/net/%s/device/subsystem",
		 nic->name);
	if (link_name(path, text, sizeof(text)) || strcmp(text, "pci"))
		return nic_fail(nic, "%s is not a PCI device", nic->name);
	snprintf(path, sizeof(path), "/sys/class/net/%s/device", nic->name);
	if (link_name(path, nic->pci, sizeof(nic->pci)) ||
	    nic_driver(nic, nic->driver, sizeof(nic->driver)))
		return nic_fail(nic, "%s has just gone", nic->name);
	return 0;
}

/**
 * nic_close() - let go of all
 * @nic: the NIC
 */
void nic_close(struct nic *nic)
{
	struct iface *i;
	size_t k;

	for (i = nic->ifaces; i < nic->ifaces + nic->n_ifaces; i++) {
		for (k = 0; k < i->n_settings; k++) {
			free(i->settings[k].file);
			free(i->settings[k].value);
		}
		free(i->settings);
	}
	free(nic->ifaces);
	messages_free(&nic->links);
	messages_free(&nic->addrs);
	messages_free(&nic->routes);
	messages_free(&nic->neighs);
	genl_close(&nic->rtnl);
	if (nic->lock >= 0)
		close(nic->lock);
}

static int id_fit(struct nic *nic)
{
	char vendor[16], device[16], id[32];
	size_t i;

	if (read_line(vendor, sizeof(vendor), nic->pci, "vendor") ||
	    read_line(device, sizeof(device), nic->pci, "device"))
		return nic_fail(nic, "%s has just gone", nic->name);
	/* Both begin with 0x. */
	snprintf(id, sizeof(id), "%s:%s", vendor + 2, device + 2);
	for (i = 0; i < ARRAY_SIZE(known); i++)
		if (!strcmp(id, known[i]))
			return 0;
	return nic_fail(nic, NIC_OURS " does not drive %s (PCI id %s)",
			nic->name, id);
}

/* sysfs and an interface's names are those of a namespace. */
static bool namespace_is_first(void)
{
	struct stat mine, first;

	return !stat("/proc/self/ns/net", &mine) &&
	       !stat("/proc/1/ns/net", &first) &&
	       mine.st_ino == first.st_ino && mine.st_dev == first.st_dev;
}

/**
 * nic_lock() - keep another percorectl from the device
 * @nic: the NIC; its driver is read again, as it may have changed
 *
 * Return: 0 or -1.
 */
int nic_lock(struct nic *nic)
{
	char path[128];

	snprintf(path, sizeof(path), PCI_DEVICES "/%s", nic->pci);
	nic->lock = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (nic->lock < 0)
		return nic_fail(nic, "%s has just gone", nic->name);
	if (flock(nic->lock, LOCK_EX | LOCK_NB))
		return nic_fail(nic, "another percorectl is moving %s",
				nic->name);
	if (nic_driver(nic, nic->driver, sizeof(nic->driver)))
		return nic_fail(nic, "%s has just gone", nic->name);
	return 0;
}

/**
 * nic_fit() - may a driver take the device over, here and now?
 * @nic: the NIC, locked
 * @driver: the driver; it is there
 *
 * Return: 0 or -1.
 */
int nic_fit(struct nic *nic, const char *driver)
{
	char text[64];

	if (!namespace_is_first())
		return nic_fail(nic, "a NIC comes back in the first network namespace: move %s there first",
				nic->name);
	if (!strcmp(driver, NIC_OURS) && id_fit(nic))
		return -1;
	if (!read_line(text, sizeof(text), nic->pci, "sriov_numvfs") &&
	    strcmp(text, "0"))
		return nic_fail(nic, "%s has virtual functions (sriov_numvfs is %s)",
				nic->name, text);
	if (read_line(nic->override, sizeof(nic->override), nic->pci,
		      "driver_override"))
		return nic_fail(nic, "%s has no driver_override", nic->name);
	if (!strcmp(nic->override, "(null)"))
		nic->override[0] = '\0';
	return 0;
}

static int device_write(struct nic *nic, const char *file, const char *text)
{
	char path[128];
	int ret;

	snprintf(path, sizeof(path), PCI_DEVICES "/%s/%s", nic->pci, file);
	ret = nic_write(path, text);
	return ret ? nic_fail(nic, "cannot write %s: %s", path, strerror(-ret)) :
		     0;
}

static int driver_write(struct nic *nic, const char *driver, const char *file)
{
	char path[160];
	int ret;

	snprintf(path, sizeof(path), PCI_DRIVERS "/%s/%s", driver, file);
	ret = nic_write(path, nic->pci);
	return ret ? nic_fail(nic, "driver %s: %s of %s: %s", driver, file,
			      nic->pci, strerror(-ret)) : 0;
}

/**
 * nic_move() - give the device to a driver
 * @nic: the NIC; its interface goes, and another comes, soon
 * @driver: the driver; keeps the device if it has it
 * @override: for driver_override
 *
 * Return: 0 or -1.
 */
int nic_move(struct nic *nic, const char *driver, const char *override)
{
	char now[64];

	if (nic_gone(nic) || nic_driver(nic, now, sizeof(now)))
		return -1;
	/* A newline, as nothing at all is not written. */
	if (device_write(nic, "driver_override", *override ? override : "\n"))
		return -1;
	if (!strcmp(now, driver))
		return 0;
	if (now[0] && driver_write(nic, now, "unbind"))
		return -1;
	return driver_write(nic, driver, "bind");
}
