/* SPDX-License-Identifier: Apache-2.0 */

/* The tables' hash: keys as people and programs number them must not collide
 * more than random ones, and no two processes hash alike. */

#include <config.h>

#include "tables-fixture.h"

#include "forwarding-private.h"
#include "hash.h"

#define N_KEYS 50000
#define N_SEEDS 20

enum pattern {
    IPV4_IN_A_ROW,
    ONE_IP_IN_MANY_NETWORKS,
    IPV6_INTERFACE_IDS,
    IPV6_PREFIXES,
    N_PATTERNS
};

static uint64_t
hash_of(const struct ovl_hash_keys *keys, enum pattern pattern, uint32_t i)
{
    struct in6_addr ip = in6addr_any;

    switch (pattern) {
    case IPV4_IN_A_ROW:
        ip = ip4_nr(i);
        return ovl_hash_ip_key(keys, 5001, &ip);
    case ONE_IP_IN_MANY_NETWORKS:
        ip = ip4_nr(1);
        return ovl_hash_ip_key(keys, i, &ip);
    case IPV6_INTERFACE_IDS:
        ip.s6_addr[0] = 0x20;
        put_16aligned_be32(ALIGNED_CAST(ovs_16aligned_be32 *,
                                        &ip.s6_addr[12]), htonl(i));
        return ovl_hash_ip_key(keys, 5001, &ip);
    case IPV6_PREFIXES:
        ip.s6_addr[0] = 0x20;
        put_16aligned_be32(ALIGNED_CAST(ovs_16aligned_be32 *,
                                        &ip.s6_addr[4]), htonl(i));
        return ovl_hash_ip_key(keys, 5001, &ip);
    case N_PATTERNS:
        break;
    }
    OVS_NOT_REACHED();
}

static int
compare_u64(const void *a_, const void *b_)
{
    const uint64_t *a = a_;
    const uint64_t *b = b_;

    return *a < *b ? -1 : *a > *b;
}

static void
structured_keys_hardly_collide(void **state OVS_UNUSED)
{
    uint64_t *hashes = xmalloc(N_KEYS * sizeof *hashes);

    for (uint32_t seed = 1; seed <= N_SEEDS; seed++) {
        struct ovl_hash_keys keys;

        random_set_seed(seed);
        random_bytes(&keys, sizeof keys);
        for (enum pattern p = 0; p < N_PATTERNS; p++) {
            int n_collisions = 0, n_same = 0;

            for (uint32_t i = 0; i < N_KEYS; i++) {
                hashes[i] = hash_of(&keys, p, i);
            }
            qsort(hashes, N_KEYS, sizeof *hashes, compare_u64);
            for (uint32_t i = 1; i < N_KEYS; i++) {
                n_collisions += hashes[i] >> 31 == hashes[i - 1] >> 31;
                n_same += hashes[i] == hashes[i - 1];
            }
            /* N_KEYS * (N_KEYS - 1) / 2 pairs at 2**-32 each: 0.3.  Of all
             * 63 bits at 2**-33 at most. */
            if (n_collisions > 20 || n_same > 20) {
                fail_msg("seed %u, pattern %d: %d and %d collisions",
                         seed, p, n_collisions, n_same);
            }
        }
    }
    free(hashes);
}

/* Keys that somebody worked out against another process. */

#define N_EVIL 4000
#define N_BUCKETS 1024          /* They would all be in the same one. */

/* As cmap and exact-map.h do, which mix the hash with a random basis of
 * their own. */
static uint32_t
bucket_of(uint32_t hash, uint32_t basis)
{
    return hash_finish(basis, hash) % N_BUCKETS;
}

/* Entries that the look-ups of 'n' keys with 'hashes' go over, each once. */
static uint64_t
cost_of(const uint32_t *hashes, size_t n, uint32_t basis)
{
    uint32_t filled[N_BUCKETS] = { 0 };
    uint64_t cost = 0;

    for (size_t i = 0; i < n; i++) {
        filled[bucket_of(hashes[i], basis)]++;
    }
    for (size_t i = 0; i < N_BUCKETS; i++) {
        cost += (uint64_t) filled[i] * filled[i];
    }
    return cost;
}

/* Of the addresses of one network, or of one address in all networks. */
static uint32_t
evil_hash(const struct ovl_hash_keys *keys, bool one_network, uint32_t i)
{
    struct in6_addr ip = ip4_nr(one_network ? i : 1);

    return ovl_hash_ip(keys, one_network ? 5001 : i, &ip);
}

static void
keys_that_collide_in_one_process_do_not_in_another(void **state OVS_UNUSED)
{
    uint32_t *evil = xmalloc(N_EVIL * sizeof *evil);
    uint32_t *usual = xmalloc(N_EVIL * sizeof *usual);

    for (uint32_t seed = 1; seed <= 2 * N_SEEDS; seed++) {
        struct ovl_hash_keys known, ours;
        uint32_t known_basis, basis;
        bool one_network = seed % 2;
        size_t n = 0;

        random_set_seed(seed);
        random_bytes(&known, sizeof known);
        random_bytes(&ours, sizeof ours);
        known_basis = random_uint32();
        basis = random_uint32();
        for (uint32_t i = 0; n < N_EVIL; i++) {
            if (!bucket_of(evil_hash(&known, one_network, i), known_basis)) {
                evil[n] = evil_hash(&ours, one_network, i);
                usual[n++] = random_uint32();
            }
        }

        uint64_t evil_cost = cost_of(evil, n, basis);
        if (evil_cost > 2 * cost_of(usual, n, basis)) {
            fail_msg("seed %u: %"PRIu64" entries instead of %"PRIu64, seed,
                     evil_cost, cost_of(usual, n, basis));
        }
    }
    free(evil);
    free(usual);
}

static void
each_bundle_hashes_in_its_own_way(void **state OVS_UNUSED)
{
    struct ovl_forwarding *a = ovl_forwarding_create();
    struct ovl_forwarding *b = ovl_forwarding_create();

    assert_memory_not_equal(&a->macs.map.seed, &b->macs.map.seed,
                            sizeof a->macs.map.seed);
    for (int i = 0; i < OVL_N_TABLES; i++) {
        assert_memory_not_equal(&a->tables[i].index.map.seed,
                                &b->tables[i].index.map.seed,
                                sizeof a->macs.map.seed);
    }
    for (int i = 0; i <= OVL_HASH_MAX_WORDS; i++) {
        assert_true(a->keys.k[i] != 0 && a->keys.k[i] != b->keys.k[i]);
    }
    ovl_forwarding_destroy(a);
    ovl_forwarding_destroy(b);
    pass_grace();
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(structured_keys_hardly_collide),
        cmocka_unit_test(keys_that_collide_in_one_process_do_not_in_another),
        cmocka_unit_test(each_bundle_hashes_in_its_own_way),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
