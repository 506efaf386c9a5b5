/* SPDX-License-Identifier: Apache-2.0 */

/* Prefix: ovl_memo_. */

#include <config.h>

#include "fast-memo.h"

#include "numa-memory.h"

struct ovl_memo *
ovl_memo_create(int numa_id)
{
    return ovl_numa_alloc(sizeof(struct ovl_memo), numa_id);
}

void
ovl_memo_destroy(struct ovl_memo *memo)
{
    ovl_numa_free(memo, sizeof *memo);
}
