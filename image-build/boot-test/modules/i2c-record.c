// SPDX-License-Identifier: GPL-2.0
/*
 * An I2C adapter with one chip on it that acknowledges everything and remembers what was written: a panel's wire.
 * Unlike i2c-stub it takes plain messages (I2C_RDWR) as well as SMBus commands, which the core makes messages of.
 *
 * /sys/kernel/debug/i2c-record/written: the messages' octets, each message after its length (16 bits, little-endian);
 * writing to it forgets them.
 */
#include <linux/debugfs.h>
#include <linux/i2c.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>

static unsigned short chip_addr = 0x3c;
module_param(chip_addr, ushort, 0444);
MODULE_PARM_DESC(chip_addr, "the address that answers");

static int number = 7;
module_param(number, int, 0444);
MODULE_PARM_DESC(number, "the bus's number, /dev/i2c-N");

#define CAPACITY (4 << 20)
static u8 *written;
static size_t used;
static DEFINE_MUTEX(lock);
static struct dentry *folder;

static int transfer(struct i2c_adapter *adapter, struct i2c_msg *messages, int count)
{
	int i;

	for (i = 0; i < count; i++)
		if (messages[i].addr != chip_addr)
			return -ENXIO;
	mutex_lock(&lock);
	for (i = 0; i < count; i++) {
		struct i2c_msg *message = &messages[i];

		if (message->flags & I2C_M_RD) {
			memset(message->buf, 0, message->len);
		} else if (used + 2 + message->len <= CAPACITY) {
			written[used++] = message->len & 0xff;
			written[used++] = message->len >> 8;
			memcpy(written + used, message->buf, message->len);
			used += message->len;
		}
	}
	mutex_unlock(&lock);
	return count;
}

static u32 functionality(struct i2c_adapter *adapter)
{
	return I2C_FUNC_I2C | I2C_FUNC_SMBUS_EMUL;
}

static const struct i2c_algorithm algorithm = {
	.master_xfer = transfer,
	.functionality = functionality,
};

static struct i2c_adapter adapter = {
	.owner = THIS_MODULE,
	.algo = &algorithm,
	.name = "recording adapter",
};

static ssize_t read_written(struct file *file, char __user *to, size_t size, loff_t *position)
{
	ssize_t done;

	mutex_lock(&lock);
	done = simple_read_from_buffer(to, size, position, written, used);
	mutex_unlock(&lock);
	return done;
}

static ssize_t forget(struct file *file, const char __user *from, size_t size, loff_t *position)
{
	mutex_lock(&lock);
	used = 0;
	mutex_unlock(&lock);
	return size;
}

static const struct file_operations operations = {
	.owner = THIS_MODULE,
	.read = read_written,
	.write = forget,
	.llseek = default_llseek,
};

static int __init record_init(void)
{
	int error;

	written = vmalloc(CAPACITY);
	if (!written)
		return -ENOMEM;
	adapter.nr = number;
	error = i2c_add_numbered_adapter(&adapter);
	if (error) {
		vfree(written);
		return error;
	}
	folder = debugfs_create_dir("i2c-record", NULL);
	debugfs_create_file("written", 0600, folder, NULL, &operations);
	return 0;
}

static void __exit record_exit(void)
{
	debugfs_remove(folder);
	i2c_del_adapter(&adapter);
	vfree(written);
}

module_init(record_init);
module_exit(record_exit);
MODULE_DESCRIPTION("I2C adapter that records what is written");
MODULE_LICENSE("GPL");
