/* Keeps what a process holds in memory from everybody but the administrator. */
#ifndef COMMON_SECRECY_H
#define COMMON_SECRECY_H

/* For who looks for a fault: set to anything but nothing, all stays as the system has it. */
#define PS_SECRECY_OFF "PEERSYNC_CORE_DUMPS"

/* No core is written, and no other process of the same user can read this one's memory or attach to
 * it. Call first of all. */
void ps_secrecy_begin(void);

#endif
