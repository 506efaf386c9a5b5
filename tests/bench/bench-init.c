/* SPDX-License-Identifier: Apache-2.0 */

/* What makes the benchmark's daemon out of the product's.
 *
 * It is linked from the same objects, with main()'s call of ovl_init() led
 * here (ld --wrap): this registers the class of the benchmark's devices, and
 * nothing else is different. */

#include <config.h>

#include "bench-netdev.h"
#include "ofproto-tables.h"

void __wrap_ovl_init(const char *remote);
void __real_ovl_init(const char *remote);

void
__wrap_ovl_init(const char *remote)
{
    ovl_bench_register();
    __real_ovl_init(remote);
}
