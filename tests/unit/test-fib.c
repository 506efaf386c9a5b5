/* SPDX-License-Identifier: Apache-2.0 */

/* Longest prefix match, compared with a list of prefixes that is searched from
 * one end to the other. */

#include <config.h>

#include "fib.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ovs-atomic.h"
#include "ovs-rcu.h"
#include "packets.h"
#include "random.h"
#include "util.h"

/* The naive one. */

struct model {
    struct {
        struct ovl_prefix prefix;
        uint32_t value;
    } *routes;
    size_t n, allocated;
};

static size_t
model_find(const struct model *m, const struct ovl_prefix *prefix)
{
    for (size_t i = 0; i < m->n; i++) {
        if (m->routes[i].prefix.plen == prefix->plen
            && ipv6_addr_equals(&m->routes[i].prefix.addr, &prefix->addr)) {
            return i;
        }
    }
    return SIZE_MAX;
}

/* The longest prefix of at most 'max' bits that contains 'ip'. */
static size_t
model_lookup(const struct model *m, const struct in6_addr *ip,
             unsigned int max)
{
    size_t best = SIZE_MAX;

    for (size_t i = 0; i < m->n; i++) {
        const struct ovl_prefix *p = &m->routes[i].prefix;

        if (p->plen <= max && ovl_prefix_contains(p, ip)
            && (best == SIZE_MAX || p->plen > m->routes[best].prefix.plen)) {
            best = i;
        }
    }
    return best;
}

/* Both at once. */

struct world {
    struct model model;
    struct ovl_fib *fib;
    struct ovl_fib_edit *edit;
};

static void
begin(struct world *w)
{
    w->edit = ovl_fib_edit_begin(w->fib);
}

static void
end(struct world *w)
{
    struct ovl_fib *new = ovl_fib_edit_end(w->edit);

    w->edit = NULL;
    if (new != w->fib) {
        ovl_fib_destroy(w->fib);
        w->fib = new;
    }
}

static void
insert(struct world *w, const struct ovl_prefix *prefix, uint32_t value)
{
    struct model *m = &w->model;
    size_t i = model_find(m, prefix);

    if (i == SIZE_MAX) {
        if (m->n >= m->allocated) {
            m->routes = x2nrealloc(m->routes, &m->allocated,
                                   sizeof *m->routes);
        }
        i = m->n++;
    }
    m->routes[i].prefix = *prefix;
    m->routes[i].value = value;
    ovl_fib_edit_insert(w->edit, prefix, value);
}

static void
remove_nth(struct world *w, size_t i)
{
    struct model *m = &w->model;
    struct ovl_prefix prefix = m->routes[i].prefix;

    m->routes[i] = m->routes[--m->n];
    size_t cover = model_lookup(m, &prefix.addr, prefix.plen);
    ovl_fib_edit_remove(w->edit, &prefix,
                        cover == SIZE_MAX ? NULL : &m->routes[cover].prefix,
                        cover == SIZE_MAX ? 0 : m->routes[cover].value);
}

/* The model says number 'i'. */
static void
check_result(const struct world *w, const struct in6_addr *ip, size_t i,
             const struct ovl_fib_result *result, const char *how)
{
    uint32_t value = i == SIZE_MAX ? OVL_FIB_NONE : w->model.routes[i].value;

    if (result->value != value
        || (i != SIZE_MAX
            && result->plen != w->model.routes[i].prefix.plen)) {
        char s[INET6_ADDRSTRLEN];

        fail_msg("%s: %s leads to %u (/%u) instead of %u", how,
                 ipv6_string_mapped(s, ip) ? s : "?", result->value,
                 result->plen, value);
    }
}

/* In the middle of others, of another family and without a FIB. */
static void
check(const struct world *w, const struct in6_addr *ip)
{
    static const struct in6_addr any = IN6ADDR_ANY_INIT;
    const struct ovl_fib *fibs[] = { w->fib, NULL, w->fib, w->fib, w->fib };
    const struct in6_addr *ips[] = { ip, ip, &any, ip, &any };
    size_t model_ip = model_lookup(&w->model, ip, 128);
    size_t model_any = model_lookup(&w->model, &any, 128);
    struct ovl_fib_result results[ARRAY_SIZE(fibs) + 1];
    struct ovl_fib_result one = ovl_fib_lookup(w->fib, ip);

    check_result(w, ip, model_ip, &one, "one");
    for (const struct ovl_fib_variant *v = ovl_fib_variants; v->name; v++) {
        if (!v->is_supported()) {
            continue;
        }
        memset(results, 0x55, sizeof results);
        v->lookup_bulk(fibs, ips, ARRAY_SIZE(fibs), results);
        assert_int_equal(results[1].value, OVL_FIB_NONE);
        results[1] = results[0];
        for (size_t i = 0; i < ARRAY_SIZE(fibs); i++) {
            check_result(w, ips[i], ips[i] == ip ? model_ip : model_any,
                         &results[i], v->name);
        }
        assert_int_equal(results[ARRAY_SIZE(fibs)].value, 0x55555555);
    }
}

static void
destroy(struct world *w)
{
    ovl_fib_destroy(w->fib);
    free(w->model.routes);
}

/* Addresses and prefixes. */

static struct in6_addr
address(const char *s)
{
    struct in6_addr ip;

    assert_true(ipv6_parse(s, &ip));
    return ip;
}

/* 'plen' as people write it. */
static struct ovl_prefix
prefix(const char *s, unsigned int plen)
{
    struct ovl_prefix p;
    ovs_be32 ip4;

    if (ip_parse(s, &ip4)) {
        p.addr = in6_addr_mapped_ipv4(ip4);
        p.plen = 96 + plen;
    } else {
        p.addr = address(s);
        p.plen = plen;
    }
    return p;
}

static struct ovl_prefix
clear_host_bits(struct ovl_prefix p)
{
    struct in6_addr mask = ipv6_create_mask(p.plen);

    p.addr = ipv6_addr_bitand(&p.addr, &mask);
    return p;
}

/* The address 'n' after 'ip', with overflow. */
static struct in6_addr
add(struct in6_addr ip, int n)
{
    int stop = ovl_ip_is_v4(&ip) ? 12 : 0;

    for (int i = 15; i >= stop && n; i--) {
        n += ip.s6_addr[i];
        ip.s6_addr[i] = n & 0xff;
        n >>= 8;
    }
    return ip;
}

static struct in6_addr
last_address(const struct ovl_prefix *p)
{
    struct in6_addr mask = ipv6_create_mask(p->plen);
    struct in6_addr ip = p->addr;

    for (int i = 0; i < 16; i++) {
        ip.s6_addr[i] |= ~mask.s6_addr[i];
    }
    return ip;
}

/* The first and last address of 'p', and their neighbors. */
static void
check_boundaries(const struct world *w, const struct ovl_prefix *p)
{
    struct in6_addr last = last_address(p);

    for (int i = -1; i <= 1; i++) {
        struct in6_addr a = add(p->addr, i);
        struct in6_addr b = add(last, i);

        check(w, &a);
        check(w, &b);
    }
}

static void
check_all_boundaries(const struct world *w)
{
    for (size_t i = 0; i < w->model.n; i++) {
        check_boundaries(w, &w->model.routes[i].prefix);
    }
}

/* A random address whose bits are mostly those of few others, so that prefixes
 * contain each other. */
static struct in6_addr
random_address(bool v4)
{
    static const char *const v6[] = {
        "2001:db8::", "2001:db8:8000::1", "fd00::", "::", "ffff:ffff:ffff::",
    };
    static const char *const bases[] = {
        "::ffff:10.0.0.0", "::ffff:10.128.0.255", "::ffff:0.0.0.0",
        "::ffff:255.255.255.255", "::ffff:192.168.0.1",
    };
    struct in6_addr ip = address(v4 ? bases[random_range(ARRAY_SIZE(bases))]
                                 : v6[random_range(ARRAY_SIZE(v6))]);

    for (int n = random_range(4); n > 0; n--) {
        int bit = v4 ? 96 + random_range(32) : random_range(128);

        ip.s6_addr[bit / 8] ^= 0x80 >> bit % 8;
    }
    /* Not by accident an IPv4 address. */
    return ovl_ip_is_v4(&ip) == v4 ? ip : random_address(v4);
}

/* A random address in little space: in a /24, in one of others beside it, or
 * in one of a few /16s. */
static struct in6_addr
random_near_address(bool v4)
{
    struct in6_addr ip = address(v4 ? "::ffff:10.255.0.0" : "2001:db8::");

    ip.s6_addr[13] -= random_range(4) ? 0 : random_range(12);
    ip.s6_addr[14] = random_range(2) ? random_range(40) : 0;
    ip.s6_addr[15] = random_uint32();
    return ip;
}

typedef struct in6_addr address_func(bool v4);

static struct ovl_prefix
random_prefix_of(address_func *random_ip, bool v4)
{
    for (;;) {
        struct ovl_prefix p = clear_host_bits((struct ovl_prefix) {
            .addr = random_ip(v4),
            .plen = v4 ? 96 + random_range(33) : random_range(129),
        });

        if (ovl_prefix_is_v4(&p) == v4) {
            return p;
        }
    }
}

static struct ovl_prefix
random_prefix(bool v4)
{
    return random_prefix_of(random_address, v4);
}

/* Bursts of all sizes, of both families, in several FIBs, some of which have
 * one family only or are empty. */
static void
check_bursts(const struct world *worlds, size_t n_worlds,
             const struct ovl_fib_variant *v)
{
    for (size_t n = 0; n <= OVL_FIB_BULK_MAX; n++) {
        struct ovl_fib_result results[OVL_FIB_BULK_MAX + 1];
        const struct ovl_fib *fibs[OVL_FIB_BULK_MAX];
        const struct in6_addr *ips[OVL_FIB_BULK_MAX];
        const struct world *ws[OVL_FIB_BULK_MAX];
        struct in6_addr addrs[OVL_FIB_BULK_MAX];

        memset(results, 0x55, sizeof results);
        for (size_t i = 0; i < n; i++) {
            ws[i] = &worlds[random_range(n_worlds)];
            fibs[i] = ws[i]->fib;
            addrs[i] = random_address(random_range(2));
            ips[i] = &addrs[i];
        }
        v->lookup_bulk(fibs, ips, n, results);
        for (size_t i = 0; i < n; i++) {
            check_result(ws[i], ips[i],
                         model_lookup(&ws[i]->model, ips[i], 128),
                         &results[i], v->name);
        }
        assert_int_equal(results[n].value, 0x55555555);
    }
}

/* Tests. */

static void
test_without_routes_nothing_is_found(void **state OVS_UNUSED)
{
    struct in6_addr ip4 = address("::ffff:10.0.0.1");
    struct in6_addr ip6 = address("2001:db8::1");
    struct ovl_fib_edit *edit = ovl_fib_edit_begin(NULL);

    assert_int_equal(ovl_fib_lookup(NULL, &ip4).value, OVL_FIB_NONE);
    assert_int_equal(ovl_fib_lookup(NULL, &ip6).value, OVL_FIB_NONE);
    assert_null(ovl_fib_edit_end(edit));
}

static void
test_default_routes_are_of_one_family(void **state OVS_UNUSED)
{
    struct in6_addr ip4 = address("::ffff:10.0.0.1");
    struct in6_addr ip6 = address("2001:db8::1");
    struct ovl_prefix p4 = prefix("0.0.0.0", 0), p6 = prefix("::", 0);
    struct world w = { .fib = NULL };

    begin(&w);
    insert(&w, &p4, 4);
    end(&w);
    assert_int_equal(ovl_fib_lookup(w.fib, &ip4).value, 4);
    assert_int_equal(ovl_fib_lookup(w.fib, &ip6).value, OVL_FIB_NONE);

    begin(&w);
    insert(&w, &p6, 6);
    remove_nth(&w, 0);
    end(&w);
    assert_int_equal(ovl_fib_lookup(w.fib, &ip4).value, OVL_FIB_NONE);
    assert_int_equal(ovl_fib_lookup(w.fib, &ip6).value, 6);

    begin(&w);
    remove_nth(&w, 0);
    end(&w);
    assert_null(w.fib);
    destroy(&w);
}

static void
test_longest_prefix_wins_whatever_came_first(void **state OVS_UNUSED)
{
    static const unsigned int orders[][4] = {
        { 0, 8, 24, 32 }, { 32, 24, 8, 0 }, { 24, 0, 32, 8 },
    };

    for (size_t i = 0; i < ARRAY_SIZE(orders); i++) {
        struct world w = { .fib = NULL };

        begin(&w);
        for (int j = 0; j < 4; j++) {
            unsigned int plen = orders[i][j];
            struct ovl_prefix p = clear_host_bits(prefix("10.1.2.3", plen));

            insert(&w, &p, plen + 1);
        }
        end(&w);
        assert_int_equal(w.model.n, 4);
        check_all_boundaries(&w);
        while (w.model.n) {
            begin(&w);
            remove_nth(&w, random_range(w.model.n));
            end(&w);
            check_all_boundaries(&w);
        }
        assert_null(w.fib);
        destroy(&w);
    }
}

/* RFC 3021: /31 has two addresses, and /32 is one. */
static void
test_ends_of_the_address_space(void **state OVS_UNUSED)
{
    struct ovl_prefix prefixes[] = {
        prefix("0.0.0.0", 32), prefix("255.255.255.255", 32),
        prefix("255.255.255.254", 31), prefix("0.0.0.0", 1),
        prefix("128.0.0.0", 1), prefix("::", 128),
        prefix("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 128),
        prefix("ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe", 127),
        prefix("::", 1), prefix("8000::", 1),
    };
    struct world w = { .fib = NULL };

    begin(&w);
    for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++) {
        insert(&w, &prefixes[i], i + 1);
    }
    end(&w);
    check_all_boundaries(&w);
    destroy(&w);
}

static void
test_setting_what_is_there_changes_nothing(void **state OVS_UNUSED)
{
    struct world w = { .fib = NULL };

    begin(&w);
    for (int i = 0; i < 100; i++) {
        struct ovl_prefix p = random_prefix(i % 2);

        insert(&w, &p, i + 1);
    }
    end(&w);

    struct ovl_fib_edit *edit = ovl_fib_edit_begin(w.fib);
    for (size_t i = 0; i < w.model.n; i++) {
        ovl_fib_edit_insert(edit, &w.model.routes[i].prefix,
                            w.model.routes[i].value);
    }
    assert_ptr_equal(ovl_fib_edit_end(edit), w.fib);
    destroy(&w);
}

/* What readers of the former FIB see while a new one is made. */
static void
test_former_fib_stays_as_it_was(void **state OVS_UNUSED)
{
    struct world w = { .fib = NULL };

    begin(&w);
    for (int i = 0; i < 3000; i++) {
        struct ovl_prefix p = random_prefix(true);

        insert(&w, &p, i + 1);
    }
    end(&w);

    struct ovl_fib_edit *edit = ovl_fib_edit_begin(w.fib);
    for (size_t i = 0; i < w.model.n; i++) {
        ovl_fib_edit_insert(edit, &w.model.routes[i].prefix, 7);
    }
    check_all_boundaries(&w);
    struct ovl_fib *new = ovl_fib_edit_end(edit);
    assert_ptr_not_equal(new, w.fib);
    check_all_boundaries(&w);
    for (size_t i = 0; i < w.model.n; i++) {
        assert_int_equal(ovl_fib_lookup(new,
                                        &w.model.routes[i].prefix.addr).value,
                         7);
    }
    destroy(&w);
    ovl_fib_destroy(new);
}

static void
random_edits(address_func *random_ip, bool v4, size_t n_max, int n_edits)
{
    struct world w = { .fib = NULL };

    for (int i = 0; i < n_edits; i++) {
        size_t target = random_range(n_max + 1);
        int n = 1 + random_range(40);

        begin(&w);
        while (n--) {
            if (w.model.n > target) {
                remove_nth(&w, random_range(w.model.n));
            } else if (w.model.n && random_range(4) == 0) {
                size_t j = random_range(w.model.n);

                insert(&w, &w.model.routes[j].prefix, 1 + random_range(9));
            } else {
                struct ovl_prefix p = random_prefix_of(random_ip, v4);

                insert(&w, &p, 1 + random_range(9));
            }
        }
        end(&w);

        for (int j = 0; j < 50; j++) {
            struct in6_addr ip = random_ip(v4);

            check(&w, &ip);
            if (w.model.n) {
                check_boundaries(&w, &w.model.routes[
                                     random_range(w.model.n)].prefix);
            }
        }
    }
    check_all_boundaries(&w);

    begin(&w);
    while (w.model.n) {
        remove_nth(&w, random_range(w.model.n));
    }
    end(&w);
    assert_null(w.fib);
    destroy(&w);
}

static void
test_random_ipv4_routes(void **state OVS_UNUSED)
{
    random_edits(random_address, true, 60, 1000);
    random_edits(random_address, true, 3000, 600);
}

static void
test_random_ipv6_routes(void **state OVS_UNUSED)
{
    random_edits(random_address, false, 60, 1000);
    random_edits(random_address, false, 3000, 600);
}

/* Many in little space, so that all of them are in one block after another. */
static void
test_random_routes_close_together(void **state OVS_UNUSED)
{
    random_edits(random_near_address, true, 2500, 150);
    random_edits(random_near_address, false, 2500, 150);
}

static void
test_bursts_of_several_fibs(void **state OVS_UNUSED)
{
    /* IPv4 and IPv6 routes. */
    static const size_t sizes[][2] = {
        { 0, 0 }, { 1, 0 }, { 0, 1 }, { 10, 10 }, { 90, 30 }, { 500, 0 },
        { 3000, 2 }, { 0, 3000 }, { 5000, 5000 },
    };
    struct world worlds[ARRAY_SIZE(sizes)];

    memset(worlds, 0, sizeof worlds);
    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        begin(&worlds[i]);
        for (size_t j = 0; j < sizes[i][0] + sizes[i][1]; j++) {
            struct ovl_prefix p = random_prefix(j < sizes[i][0]);

            insert(&worlds[i], &p, 1 + random_range(OVL_FIB_VALUE_MAX));
        }
        end(&worlds[i]);
    }
    for (const struct ovl_fib_variant *v = ovl_fib_variants; v->name; v++) {
        if (v->is_supported()) {
            check_bursts(worlds, ARRAY_SIZE(worlds), v);
        }
    }
    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        destroy(&worlds[i]);
    }
}

/* Many chunks, which fill, split, empty and join. */
static void
test_many_routes_come_and_go(void **state OVS_UNUSED)
{
    enum { N = 20000 };
    struct ovl_fib *fib = NULL;

    for (int round = 0; round < 2; round++) {
        struct ovl_fib_edit *edit = ovl_fib_edit_begin(fib);

        for (uint32_t i = 0; i < N; i++) {
            struct ovl_prefix p = {
                in6_addr_mapped_ipv4(htonl(i * 2654435761u & ~0xffu)),
                96 + 24
            };

            ovl_fib_edit_insert(edit, &p, 1 + i);
        }
        struct ovl_fib *full = ovl_fib_edit_end(edit);
        ovl_fib_destroy(fib);
        for (uint32_t i = 0; i < N; i++) {
            struct in6_addr ip
                = in6_addr_mapped_ipv4(htonl(i * 2654435761u | 0xff));
            uint32_t value = ovl_fib_lookup(full, &ip).value;

            /* Of two with one prefix, the last one counts. */
            assert_true(value > i);
        }
        assert_true(ovl_fib_size(full) < N * 2 * 12);

        edit = ovl_fib_edit_begin(full);
        for (uint32_t i = 0; i < N; i++) {
            if (i % 100 != 0) {
                struct ovl_prefix p = {
                    in6_addr_mapped_ipv4(htonl(i * 2654435761u & ~0xffu)),
                    96 + 24
                };

                ovl_fib_edit_remove(edit, &p, NULL, OVL_FIB_NONE);
            }
        }
        fib = ovl_fib_edit_end(edit);
        ovl_fib_destroy(full);
        /* A cache line for each, at most, and a page. */
        assert_true(ovl_fib_size(fib) < N / 100 * 64 + 4096);
    }
    ovl_fib_destroy(fib);
}

/* In the order in which small chunks are left behind large ones. */
static void
test_nothing_is_left_whatever_went_first(void **state OVS_UNUSED)
{
    enum { N = 100000 };
    struct ovl_fib_edit *edit = ovl_fib_edit_begin(NULL);

    for (uint32_t i = 0; i < N; i++) {
        uint32_t nr = (uint64_t) i * 38197 % N;     /* A permutation. */
        struct ovl_prefix p = {
            in6_addr_mapped_ipv4(htonl(0x0a000000 + (nr << 2))), 96 + 32
        };

        ovl_fib_edit_insert(edit, &p, 1 + nr);
    }
    for (uint32_t i = N; i-- > 0; ) {
        struct ovl_prefix p = {
            in6_addr_mapped_ipv4(htonl(0x0a000000 + (i << 2))), 96 + 32
        };

        ovl_fib_edit_remove(edit, &p, NULL, OVL_FIB_NONE);
    }
    assert_null(ovl_fib_edit_end(edit));
}

/* Leaves and chunks that are changed as a whole, in part, and as a whole again,
 * in one edit. */
static void
test_short_prefixes_over_and_under_others(void **state OVS_UNUSED)
{
    enum { N = 256 * 64 };
    struct ovl_fib_edit *edit = ovl_fib_edit_begin(NULL);
    struct ovl_prefix all = { in6_addr_mapped_ipv4(htonl(10 << 24)), 96 + 8 };

    /* 8 of a /16, or 64. */
    for (uint32_t i = 0; i < N; i++) {
        if (i >> 6 & 1 || i % 8 == 0) {
            struct ovl_prefix p = {
                in6_addr_mapped_ipv4(htonl(10 << 24 | i << 10)), 96 + 24
            };

            ovl_fib_edit_insert(edit, &p, 1 + i);
        }
    }
    struct ovl_fib *fib = ovl_fib_edit_end(edit);

    for (uint32_t round = 0; round < 4; round++) {
        edit = ovl_fib_edit_begin(fib);
        ovl_fib_edit_insert(edit, &all, 50000);
        for (uint32_t i = round; i < N; i += 7) {
            struct ovl_prefix p = {
                in6_addr_mapped_ipv4(htonl(10 << 24 | i << 10 | 0x200)),
                96 + 25
            };

            ovl_fib_edit_insert(edit, &p, 60000 + i);
        }
        ovl_fib_edit_insert(edit, &all, 50001 + round);
        if (round % 2) {
            ovl_fib_edit_remove(edit, &all, NULL, OVL_FIB_NONE);
        }

        struct ovl_fib *next = ovl_fib_edit_end(edit);
        ovl_fib_destroy(fib);
        fib = next;
        for (uint32_t i = 0; i < N; i++) {
            uint32_t rest = round % 2 ? OVL_FIB_NONE : 50001 + round;
            uint32_t first = i >> 6 & 1 || i % 8 == 0 ? 1 + i : rest;
            uint32_t second = i % 7 <= round ? 60000 + i : rest;
            const uint32_t expected[] = { first, rest, second, rest };

            for (uint32_t j = 0; j < 4; j++) {
                struct in6_addr ip = in6_addr_mapped_ipv4(
                    htonl(10 << 24 | i << 10 | j << 8));

                assert_int_equal(ovl_fib_lookup(fib, &ip).value, expected[j]);
            }
        }
    }
    ovl_fib_destroy(fib);
}

static void
set_flag(atomic_bool *flag)
{
    atomic_store_relaxed(flag, true);
}

/* True if a grace period passes while 'cover' is set and removed in 'base',
 * again and again, by somebody who does not quiesce. */
static bool
others_go_on(const struct ovl_fib *base, const struct ovl_prefix *cover)
{
    struct ovl_fib *fib = CONST_CAST(struct ovl_fib *, base);
    atomic_bool passed = ATOMIC_VAR_INIT(false);
    bool done = false;

    ovsrcu_postpone(set_flag, &passed);
    for (int i = 0; i < 500 && !done; i++) {
        struct ovl_fib_edit *edit = ovl_fib_edit_begin(fib);

        if (i % 2 == 0) {
            ovl_fib_edit_insert(edit, cover, 1);
        } else {
            ovl_fib_edit_remove(edit, cover, NULL, OVL_FIB_NONE);
        }

        struct ovl_fib *next = ovl_fib_edit_end(edit);
        ovl_fib_destroy(fib);
        fib = next;
        atomic_read_relaxed(&passed, &done);
    }

    bool in_time = done;
    while (!done) {
        ovsrcu_quiesce();
        atomic_read_relaxed(&passed, &done);
    }
    ovl_fib_destroy(fib);
    return in_time;
}

/* A default route over many others. */
static void
test_long_edits_hold_nobody_up(void **state OVS_UNUSED)
{
    enum { N = 200000 };

    for (int v4 = 0; v4 < 2; v4++) {
        struct ovl_fib_edit *edit = ovl_fib_edit_begin(NULL);
        struct ovl_prefix all = { in6addr_any, 0 };

        if (v4) {
            all = (struct ovl_prefix) { in6_addr_mapped_ipv4(0), 96 };
        }
        for (uint32_t i = 0; i < N; i++) {
            uint32_t nr = i * 2654435761u;
            struct ovl_prefix p = { .plen = v4 ? 96 + 24 : 32 };

            if (v4) {
                p.addr = in6_addr_mapped_ipv4(htonl(nr & ~0xffu));
            } else {
                ovs_be32 high = htonl(nr);

                memcpy(&p.addr, &high, sizeof high);
            }
            ovl_fib_edit_insert(edit, &p, 1 + i);
        }
        assert_true(others_go_on(ovl_fib_edit_end(edit), &all));
    }
}

static void
test_vrf_of_100_routes_takes_two_kilobytes(void **state OVS_UNUSED)
{
    struct ovl_fib_edit *edit = ovl_fib_edit_begin(NULL);

    for (uint32_t i = 0; i < 100; i++) {
        struct ovl_prefix p = {
            in6_addr_mapped_ipv4(htonl(0x0a000000 + (i << 9))), 96 + 24
        };

        ovl_fib_edit_insert(edit, &p, 1 + i);
    }
    struct ovl_fib *fib = ovl_fib_edit_end(edit);
    print_message("100 routes: %"PRIuSIZE" bytes\n", ovl_fib_size(fib));
    assert_true(ovl_fib_size(fib) <= 2048);
    ovl_fib_destroy(fib);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_without_routes_nothing_is_found),
        cmocka_unit_test(test_default_routes_are_of_one_family),
        cmocka_unit_test(test_longest_prefix_wins_whatever_came_first),
        cmocka_unit_test(test_ends_of_the_address_space),
        cmocka_unit_test(test_setting_what_is_there_changes_nothing),
        cmocka_unit_test(test_former_fib_stays_as_it_was),
        cmocka_unit_test(test_random_ipv4_routes),
        cmocka_unit_test(test_random_ipv6_routes),
        cmocka_unit_test(test_random_routes_close_together),
        cmocka_unit_test(test_bursts_of_several_fibs),
        cmocka_unit_test(test_many_routes_come_and_go),
        cmocka_unit_test(test_nothing_is_left_whatever_went_first),
        cmocka_unit_test(test_short_prefixes_over_and_under_others),
        cmocka_unit_test(test_long_edits_hold_nobody_up),
        cmocka_unit_test(test_vrf_of_100_routes_takes_two_kilobytes),
    };

    random_set_seed(1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
