/* SPDX-License-Identifier: Apache-2.0 */

#ifndef OVL_FORWARDING_PRIVATE_H
#define OVL_FORWARDING_PRIVATE_H 1

/* What the files that make up the forwarding tables share: the bundle, and
 * what is common to its versioned tables.  Nobody else includes this.
 *
 *     forwarding.c   the bundle, configuration
 *     transaction.c  begin, set, remove, commit, collect, counter blocks
 *     binding.c network.c mac-table.c neigh-table.c source-table.c vtep.c
 *     vrf.c          VRFs and the FIBs that belong to them
 *     route-pool.c   what routes lead to, numbered
 *     way-pool.c     what MACs lead to, numbered
 *     owner-pool.c   who has IPv4 addresses, numbered
 *
 * A table is a versioned map and a few functions that know its entries
 * ('struct ovl_table_class').  To set an entry, a table makes it complete but
 * for references and counters and gives it to ovl_table_set(), which either
 * drops it, because the same is in force already, or takes it in.  MACs and
 * IPv4 neighbors, of which there may be many, are in exact-match maps of
 * numbers instead.
 *
 * Thread-safety: writer only, but for the fields under "Readers".
 *
 * Layer 1. */

#include "forwarding.h"

#include "openvswitch/hmap.h"
#include "ovs-thread.h"
#include "unaligned.h"
#include "versioned-exact.h"

/* Keyed hash.
 *
 * A key is a few 32-bit words.  Its hash is the upper half of
 * k[0] + k[1] * word 1 + k[2] * word 2 + ... with secret random 64-bit k[]:
 * for any two keys, the chance that they collide is 2**-32, whoever chose the
 * keys (D. Lemire and O. Kaser, "Strongly universal string hashing is fast",
 * The Computer Journal 57 (11), 2014, MULTILINEAR).  Nobody can work out in
 * advance rows that end up in one chain.
 *
 * Of the upper 63 bits the chance is 2**-33 or less: where the words of two
 * keys differ first in bit t of some word, counted from the lowest, the sums
 * are the same for one in 2**(64 - t) of that word's k[], and t is 31 at most.
 * As keys of indexes, which have secrets of their own, they need not be more
 * random than that. */

#define OVL_HASH_MAX_WORDS 5

struct ovl_hash_keys {
    uint64_t k[1 + OVL_HASH_MAX_WORDS];
};

/* A key for node-index.h. */
static inline uint64_t
ovl_hash_ip_key(const struct ovl_hash_keys *keys, uint32_t word,
                const struct in6_addr *ip)
{
    uint64_t hash = keys->k[0] + keys->k[1] * word;

    for (int i = 0; i < 4; i++) {
        hash += keys->k[2 + i] * get_unaligned_u32(
            ALIGNED_CAST(const uint32_t *, &ip->s6_addr[4 * i]));
    }
    return hash >> 1;
}

static inline uint32_t
ovl_hash_ip(const struct ovl_hash_keys *keys, uint32_t word,
            const struct in6_addr *ip)
{
    return ovl_hash_ip_key(keys, word, ip) >> 31;
}

/* Tables. */

enum ovl_table {
    OVL_TABLE_CONFIG,
    OVL_TABLE_BINDINGS,
    OVL_TABLE_NETWORKS,
    OVL_TABLE_NEIGHBORS,        /* With IPv6 addresses. */
    OVL_TABLE_SOURCES,
    OVL_TABLE_VRFS,
    OVL_N_TABLES
};

struct ovl_table_class {
    /* True if entries 'a' and 'b' have the same key.  Of one of them,
     * nothing but the key may be valid. */
    bool (*same_key)(const struct ovl_vnode *a, const struct ovl_vnode *b);

    /* True if 'a' and 'b', of the same key, say the same; counters do not
     * matter. */
    bool (*equal)(const struct ovl_vnode *a, const struct ovl_vnode *b);

    /* Takes the references that 'node' needs, and its counters: those of
     * 'former', which it replaces, where that has them; new ones where it has
     * none or is NULL. */
    void (*acquire)(struct ovl_forwarding *, struct ovl_vnode *node,
                    const struct ovl_vnode *former);

    /* Gives back what 'acquire' took.  Readers may still be using 'node', but
     * none will find it any more. */
    void (*release)(struct ovl_forwarding *, struct ovl_vnode *node);
};

extern const struct ovl_table_class ovl_config_class;
extern const struct ovl_table_class ovl_binding_class;
extern const struct ovl_table_class ovl_network_class;
extern const struct ovl_table_class ovl_neighbor_class;
extern const struct ovl_table_class ovl_source_class;
extern const struct ovl_table_class ovl_vrf_class;

/* Routes by number, where readers find them.  Segments never move. */
#define OVL_ROUTE_SEGMENT 4096
#define OVL_ROUTE_N_SEGMENTS (OVL_ROUTE_MAX / OVL_ROUTE_SEGMENT)
#define OVL_ROUTE_MAX (1 << 24)

/* Ways. */
#define OVL_WAY_MAX (1 << 24)

/* The bundle. */

struct ovl_forwarding {
    /* Readers.  Written rarely: at a commit, or when a map grows. */
    PADDED_MEMBERS_CACHELINE_MARKER(CACHE_LINE_SIZE, cacheline0,
        ATOMIC(ovs_version_t) version;
        struct ovl_hash_keys keys;      /* Immutable. */
    );
    struct ovl_vmap tables[OVL_N_TABLES];
    struct ovl_vexact macs;             /* Values are numbers of ways. */
    struct ovl_way *ways;               /* By number.  Immutable pointer. */
    struct ovl_vexact neighbors4;       /* With IPv4 addresses.  Values are
                                         * numbers of owners. */
    struct ovl_owner **owners;          /* Immutable pointer. */
    struct ovl_index vteps;             /* Contains 'struct ovl_vtep's. */
    struct seq *vteps_seq;              /* Immutable. */
    struct seq *adverts_seq;            /* Immutable. */
    const struct ovl_route **routes[OVL_ROUTE_N_SEGMENTS];

    /* Writer. */
    PADDED_MEMBERS_CACHELINE_MARKER(CACHE_LINE_SIZE, cacheline_writer,
        bool in_transaction;
        bool defer_vteps_seq;           /* Change it at the end of this. */
        bool vteps_seq_due;             /* Somebody would have changed it. */
        bool adverts_seq_due;           /* Change it at the commit. */
    );
    struct ovl_vnode *discarded;        /* To free after a grace period. */
    struct hmap blocks;                 /* Contains 'struct ovl_block's. */
    struct ovl_grace *grace;
    struct ovs_list batches;            /* Contains 'struct ovl_batch'es,
                                         * oldest first. */

    struct ovl_route_pool *route_pool;
    struct ovl_way_pool *way_pool;
    struct ovl_owner_pool *owner_pool;
    struct ovs_mutex prefixes_mutex;    /* Like 'vteps_mutex'. */
    struct hmap prefixes;       /* "struct prefix"es of vrf.c. */
    struct hmap vrf_edits;      /* "struct vrf_edit"s of vrf.c. */
    struct ovs_list dirty_vrfs; /* Those of them that changed. */

    struct hmap peers;          /* "struct ovl_peer"s, by 'ip'. */

    /* Held while 'vteps' changes and while somebody lists it. */
    struct ovs_mutex vteps_mutex;
    atomic_count n_vteps;
};

/* transaction.c */

void ovl_transactions_init(struct ovl_forwarding *);
void ovl_transactions_destroy(struct ovl_forwarding *);

/* Puts 'node', which must come from malloc() and have 'struct ovl_vnode' as
 * its first member, in force with this transaction in place of the one with
 * the same key, of which the map has 'key'.  Takes 'node'. */
void ovl_table_set(struct ovl_forwarding *, enum ovl_table, uint64_t key,
                   struct ovl_vnode *node);
/* Removes the entry with the key of 'like'. */
void ovl_table_remove(struct ovl_forwarding *, enum ovl_table, uint64_t key,
                      const struct ovl_vnode *like);

/* Blocks of counters that an entry and its successor share: a block lives
 * until the last of them is released. */
uint32_t ovl_block_new(struct ovl_forwarding *, size_t n);
uint32_t ovl_block_ref(struct ovl_forwarding *, uint32_t first);
void ovl_block_unref(struct ovl_forwarding *, uint32_t first);

/* vrf.c */

void ovl_vrfs_init(struct ovl_forwarding *);
/* After the table has been emptied. */
void ovl_vrfs_destroy(struct ovl_forwarding *);
/* Number of prefixes of all VRFs.  Any thread. */
size_t ovl_routes_count(const struct ovl_forwarding *);
/* Sets the entries of VRFs whose routes changed in this transaction. */
void ovl_vrfs_finish(struct ovl_forwarding *);

/* route-pool.c */

void ovl_route_pool_init(struct ovl_forwarding *);
void ovl_route_pool_destroy(struct ovl_forwarding *);
/* Returns the number of a route that says the same as 'route', and counts a
 * reference. */
uint32_t ovl_route_pool_ref(struct ovl_forwarding *, const struct ovl_route *);
/* Gives back a reference.  No reader may look the number up any more if that
 * was the last one. */
void ovl_route_pool_unref(struct ovl_forwarding *, uint32_t number);

static inline const struct ovl_route *
ovl_route_pool_get(const struct ovl_forwarding *fwd, uint32_t number)
{
    return fwd->routes[number / OVL_ROUTE_SEGMENT][number % OVL_ROUTE_SEGMENT];
}

/* mac-table.c */

void ovl_macs_init(struct ovl_forwarding *);
/* After batches with its changes were dropped. */
void ovl_macs_destroy(struct ovl_forwarding *);

/* neigh-table.c */

void ovl_neighbors_init(struct ovl_forwarding *);
/* After batches with its changes were dropped. */
void ovl_neighbors_destroy(struct ovl_forwarding *);
/* Number of neighbors.  Any thread. */
size_t ovl_neighbors_count(const struct ovl_forwarding *);

/* owner-pool.c */

/* Owners by number, likewise. */
#define OVL_OWNER_SEGMENT 1024
#define OVL_OWNER_MAX (1 << 25)

void ovl_owner_pool_init(struct ovl_forwarding *);
void ovl_owner_pool_destroy(struct ovl_forwarding *);
/* Returns the number, from 1, of a copy of 'owner'. */
uint32_t ovl_owner_pool_add(struct ovl_forwarding *, const struct ovl_owner *);
/* No reader may look the number up any more. */
void ovl_owner_pool_remove(struct ovl_forwarding *, uint32_t number);

static inline const struct ovl_owner *
ovl_owner_pool_get(const struct ovl_forwarding *fwd, uint32_t number)
{
    return &fwd->owners[number / OVL_OWNER_SEGMENT]
                       [number % OVL_OWNER_SEGMENT];
}

/* way-pool.c */

void ovl_way_pool_init(struct ovl_forwarding *);
void ovl_way_pool_destroy(struct ovl_forwarding *);
/* Returns the number, from 1, of a way that says the same as 'way', and
 * counts a reference. */
uint32_t ovl_way_pool_ref(struct ovl_forwarding *, const struct ovl_way *);
/* Gives back a reference.  No reader may look the number up any more if that
 * was the last one. */
void ovl_way_pool_unref(struct ovl_forwarding *, uint32_t number);

static inline const struct ovl_way *
ovl_way_pool_get(const struct ovl_forwarding *fwd, uint32_t number)
{
    return &fwd->ways[number];
}

/* vtep.c */

/* Says which way leads to 'vtep', and sets its adjacency; NULL: it is freed.
 * A VTEP has one way at most. */
void ovl_vtep_set_way(struct ovl_vtep *, struct ovl_way *);

void ovl_vteps_init(struct ovl_forwarding *);
void ovl_vteps_destroy(struct ovl_forwarding *);

/* The VTEP of an address, for those who name the address: it comes and goes
 * while they stay. */
struct ovl_peer {
    OVSRCU_TYPE(struct ovl_vtep *) vtep;        /* NULL: there is none. */

    /* Writer only. */
    struct hmap_node hmap_node; /* In ovl_forwarding's 'peers'. */
    struct in6_addr ip;
    size_t n_refs;
};

struct ovl_peer *ovl_peer_ref(struct ovl_forwarding *,
                              const struct in6_addr *);
/* Readers may go on using it until they quiesce. */
void ovl_peer_unref(struct ovl_forwarding *, struct ovl_peer *);

/* Number of VTEPs.  Any thread. */
size_t ovl_vteps_count(const struct ovl_forwarding *);

/* Tells those who wait for 'vteps_seq', at the end of the transaction if one
 * is open. */
void ovl_vteps_changed(struct ovl_forwarding *);

/* Makes 'vteps_seq' wait from 'begin' to 'end'. */
void ovl_vteps_defer_begin(struct ovl_forwarding *);
void ovl_vteps_defer_end(struct ovl_forwarding *);

#endif /* forwarding-private.h */
