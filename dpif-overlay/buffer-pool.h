/* SPDX-License-Identifier: Apache-2.0 */

#ifndef OVL_BUFFER_POOL_H
#define OVL_BUFFER_POOL_H 1

/* Buffers of DPDK for the packets that packet threads make.
 *
 * Each NUMA node has its own: a pool of buffers for standard packets, and one
 * for jumbo packets if a port takes them.  They are made by the control side,
 * when there is something to make packets of, and stay.  Buffers are as
 * netdev-dpdk has them, each with room for a dp_packet; they go back to their
 * pool when whoever sends them is done.
 *
 * Thread-safety: ovl_buffer_pool_of() and ovl_buffer_pool_prepare() under the
 * datapath's configuration mutex, ovl_buffer_pool_get() any thread.
 *
 * Layer 3. */

#include <stddef.h>

struct dp_packet;
struct ovl_buffer_pool;

/* Returns the buffers of NUMA node 'node', OVS_NUMA_UNSPEC included: none, as
 * long as nobody prepared any. */
struct ovl_buffer_pool *ovl_buffer_pool_of(int node);

/* Makes sure that there are buffers for packets of ports whose MTU is 'mtu',
 * if DPDK runs and has the memory.  What it had no memory for is tried again
 * at the next call. */
void ovl_buffer_pool_prepare(struct ovl_buffer_pool *, int mtu);

/* Returns an empty packet with room for 'size' bytes and OVL_PKT_HEADROOM in
 * front; never NULL.  What is larger than any buffer, or wanted where none
 * were prepared or all are in use, comes from the heap. */
struct dp_packet *ovl_buffer_pool_get(const struct ovl_buffer_pool *,
                                      size_t size);

#endif /* buffer-pool.h */
