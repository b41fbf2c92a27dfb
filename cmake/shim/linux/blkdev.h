/* Stands in for the kernel header of this name where linux-libc-dev is older than 6.15 and lacks
 * it. liburing's headers include it for this one number, the discard command of a block device. */
#ifndef MYRA_SHIM_LINUX_BLKDEV_H
#define MYRA_SHIM_LINUX_BLKDEV_H

#include <linux/ioctl.h>

#define BLOCK_URING_CMD_DISCARD _IO(0x12, 0)

#endif
