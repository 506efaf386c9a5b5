/* SPDX-License-Identifier: Apache-2.0 */

/* What becomes known of an underlay next hop, and when it is asked: RFC 4861
 * section 7.2.5 and appendix C, row by row. */

#include <config.h>

#include <limits.h>

#include "underlay-hop.h"
#include "underlay-talk.h"
#include "world-asserts.h"

#define NOW 1000000
#define OTHER MAC_REMOTE

static struct ovl_hop
incomplete(void)
{
    struct in6_addr ip = world_ip("2001:db8:ff::fe");
    struct ovl_hop hop;

    ovl_hop_init(&hop, &ip);
    return hop;
}

/* The neighbor says that it is at 'mac', or does not say if that is NULL. */
static bool
hear(struct ovl_hop *hop, const char *mac, bool confirms, bool overrides,
     long long int now)
{
    const struct ovl_heard heard = {
        .ip = hop->ip,
        .mac = mac ? mac_from(mac) : eth_addr_zero,
        .confirms = confirms,
        .overrides = overrides,
    };

    return ovl_hop_hear(hop, &heard, now);
}

static struct ovl_hop
reachable(void)
{
    struct ovl_hop hop = incomplete();

    assert_int_equal(ovl_hop_run(&hop, NOW - 10), OVL_HOP_ASK_ALL);
    assert_true(hear(&hop, MAC_NEXTHOP, true, true, NOW));
    return hop;
}

static struct ovl_hop
probed(void)
{
    struct ovl_hop hop = reachable();

    assert_int_equal(ovl_hop_run(&hop, NOW + OVL_HOP_REACHABLE_MS),
                     OVL_HOP_ASK_NEIGHBOR);
    return hop;
}

static void
assert_hop(const struct ovl_hop *hop, enum ovl_hop_state state,
           const char *mac, long long int timer)
{
    assert_int_equal(hop->state, state);
    if (mac) {
        assert_true(eth_addr_equals(hop->mac, mac_from(mac)));
    }
    assert_true(hop->timer == timer);
}

static void
unknown_neighbor_is_asked_once_per_second(void **state OVS_UNUSED)
{
    struct ovl_hop hop = incomplete();
    int n = 0;

    for (long long int now = NOW; now < NOW + 10000; now += 100) {
        enum ovl_hop_ask ask = ovl_hop_run(&hop, now);

        assert_true(ask == OVL_HOP_ASK_ALL || ask == OVL_HOP_ASK_NOBODY);
        n += ask == OVL_HOP_ASK_ALL;
    }
    assert_int_equal(n, 10);
    assert_false(ovl_hop_is_known(&hop));
}

static void
first_word_makes_an_unknown_neighbor_known(void **state OVS_UNUSED)
{
    for (int overrides = 0; overrides < 2; overrides++) {
        struct ovl_hop hop = incomplete();

        assert_true(hear(&hop, MAC_NEXTHOP, true, overrides, NOW));
        assert_hop(&hop, OVL_HOP_REACHABLE, MAC_NEXTHOP,
                   NOW + OVL_HOP_REACHABLE_MS);

        /* Unasked: to be checked. */
        hop = incomplete();
        assert_true(hear(&hop, MAC_NEXTHOP, false, overrides, NOW));
        assert_hop(&hop, OVL_HOP_PROBE, MAC_NEXTHOP, NOW);
        assert_int_equal(ovl_hop_run(&hop, NOW), OVL_HOP_ASK_NEIGHBOR);
    }
}

static void
word_without_a_mac_says_nothing_of_an_unknown_neighbor(
    void **state OVS_UNUSED)
{
    struct ovl_hop hop = incomplete();

    assert_false(hear(&hop, NULL, true, true, NOW));
    assert_false(ovl_hop_is_known(&hop));
}

static void
confirmation_renews(void **state OVS_UNUSED)
{
    static const char *const macs[] = { NULL, MAC_NEXTHOP };

    for (size_t i = 0; i < ARRAY_SIZE(macs); i++) {
        for (int overrides = 0; overrides < 2; overrides++) {
            struct ovl_hop hop = reachable();

            assert_false(hear(&hop, macs[i], true, overrides, NOW + 5000));
            assert_hop(&hop, OVL_HOP_REACHABLE, MAC_NEXTHOP,
                       NOW + 5000 + OVL_HOP_REACHABLE_MS);

            hop = probed();
            hear(&hop, macs[i], true, overrides, NOW + 40000);
            assert_hop(&hop, OVL_HOP_REACHABLE, MAC_NEXTHOP,
                       NOW + 40000 + OVL_HOP_REACHABLE_MS);
        }
    }
}

static void
unasked_repetition_changes_nothing(void **state OVS_UNUSED)
{
    struct ovl_hop hop = reachable(), before = hop;

    assert_false(hear(&hop, MAC_NEXTHOP, false, true, NOW + 5000));
    assert_false(hear(&hop, MAC_NEXTHOP, false, false, NOW + 5000));
    assert_false(hear(&hop, NULL, false, true, NOW + 5000));
    assert_memory_equal(&hop, &before, sizeof hop);
}

static void
another_mac_that_overrides_is_taken(void **state OVS_UNUSED)
{
    struct ovl_hop hop = reachable();
    assert_true(hear(&hop, OTHER, true, true, NOW + 5000));
    assert_hop(&hop, OVL_HOP_REACHABLE, OTHER,
               NOW + 5000 + OVL_HOP_REACHABLE_MS);

    hop = reachable();
    assert_true(hear(&hop, OTHER, false, true, NOW + 5000));
    assert_hop(&hop, OVL_HOP_PROBE, OTHER, NOW + 5000);

    hop = probed();
    assert_true(hear(&hop, OTHER, true, true, NOW + 40000));
    assert_hop(&hop, OVL_HOP_REACHABLE, OTHER,
               NOW + 40000 + OVL_HOP_REACHABLE_MS);
}

static void
another_mac_that_does_not_override_makes_us_doubt(void **state OVS_UNUSED)
{
    for (int confirms = 0; confirms < 2; confirms++) {
        struct ovl_hop hop = reachable();

        assert_true(hear(&hop, OTHER, confirms, false, NOW + 5000));
        assert_hop(&hop, OVL_HOP_PROBE, MAC_NEXTHOP, NOW + 5000);

        struct ovl_hop before = hop = probed();
        assert_false(hear(&hop, OTHER, confirms, false, NOW + 30500));
        assert_memory_equal(&hop, &before, sizeof hop);
    }
}

static void
doubts_do_not_make_us_ask_more_often(void **state OVS_UNUSED)
{
    struct ovl_hop hop = reachable();
    int n = 0;

    for (long long int now = NOW + 2000; now < NOW + 12000; now += 50) {
        hear(&hop, OTHER, false, false, now);
        n += ovl_hop_run(&hop, now) != OVL_HOP_ASK_NOBODY;
        hear(&hop, MAC_NEXTHOP, true, true, now);
    }
    assert_int_equal(n, 10);
}

static void
silent_neighbor_is_given_up_after_three_probes(void **state OVS_UNUSED)
{
    struct ovl_hop hop = reachable();
    long long int now = NOW + OVL_HOP_REACHABLE_MS;

    assert_int_equal(ovl_hop_run(&hop, now - 1), OVL_HOP_ASK_NOBODY);
    for (int i = 0; i < OVL_HOP_MAX_PROBES; i++) {
        assert_false(ovl_hop_give_up(&hop, now));
        assert_int_equal(ovl_hop_run(&hop, now), OVL_HOP_ASK_NEIGHBOR);
        assert_true(ovl_hop_is_known(&hop));
        now += OVL_HOP_PROBE_MS;
        assert_int_equal(ovl_hop_run(&hop, now - 1), OVL_HOP_ASK_NOBODY);
        assert_false(ovl_hop_give_up(&hop, now - 1));
    }
    assert_true(ovl_hop_give_up(&hop, now));
    assert_false(ovl_hop_is_known(&hop));
    assert_int_equal(ovl_hop_run(&hop, now), OVL_HOP_ASK_ALL);
}

static void
configured_mac_is_used_until_somebody_says_otherwise(void **state OVS_UNUSED)
{
    struct ovl_hop hop = incomplete();
    struct eth_addr mac = mac_from(MAC_NEXTHOP), other = mac_from(OTHER);

    ovl_hop_configure(&hop, &mac, true);
    assert_hop(&hop, OVL_HOP_REACHABLE, MAC_NEXTHOP, LLONG_MAX);
    assert_int_equal(ovl_hop_run(&hop, NOW), OVL_HOP_ASK_NOBODY);

    /* That it is the same as before does not bring it back. */
    assert_true(hear(&hop, OTHER, true, true, NOW));
    ovl_hop_configure(&hop, &mac, true);
    assert_hop(&hop, OVL_HOP_REACHABLE, OTHER, NOW + OVL_HOP_REACHABLE_MS);
    /* Another one is news. */
    mac.ea[5]++;
    ovl_hop_configure(&hop, &mac, false);
    assert_true(eth_addr_equals(hop.mac, mac));
    ovl_hop_configure(&hop, &other, false);
    assert_hop(&hop, OVL_HOP_REACHABLE, OTHER, LLONG_MAX);
}

static void
configured_mac_that_goes_is_asked_for(void **state OVS_UNUSED)
{
    struct ovl_hop hop = incomplete();
    struct eth_addr mac = mac_from(MAC_NEXTHOP);

    ovl_hop_configure(&hop, &mac, true);
    /* It may just be replaced. */
    ovl_hop_configure(&hop, NULL, false);
    assert_true(ovl_hop_is_known(&hop));
    ovl_hop_configure(&hop, NULL, true);
    assert_false(ovl_hop_is_known(&hop));
    assert_int_equal(ovl_hop_run(&hop, NOW), OVL_HOP_ASK_ALL);
    ovl_hop_configure(&hop, &mac, false);
    assert_true(ovl_hop_is_known(&hop));
}

static void
configured_mac_comes_back_when_the_neighbor_is_silent(
    void **state OVS_UNUSED)
{
    struct ovl_hop hop = incomplete();
    struct eth_addr mac = mac_from(MAC_NEXTHOP);

    ovl_hop_configure(&hop, &mac, true);
    assert_true(hear(&hop, OTHER, true, true, NOW));
    for (int i = 0; i < OVL_HOP_MAX_PROBES; i++) {
        assert_int_equal(ovl_hop_run(&hop, hop.timer), OVL_HOP_ASK_NEIGHBOR);
    }
    assert_true(ovl_hop_give_up(&hop, hop.timer));
    ovl_hop_configure(&hop, &mac, true);
    assert_hop(&hop, OVL_HOP_REACHABLE, MAC_NEXTHOP, LLONG_MAX);
}

static void
knowledge_that_nobody_configured_survives_that_nothing_is(
    void **state OVS_UNUSED)
{
    struct ovl_hop hop = reachable();

    ovl_hop_configure(&hop, NULL, true);
    assert_hop(&hop, OVL_HOP_REACHABLE, MAC_NEXTHOP,
               NOW + OVL_HOP_REACHABLE_MS);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unknown_neighbor_is_asked_once_per_second),
        cmocka_unit_test(first_word_makes_an_unknown_neighbor_known),
        cmocka_unit_test(
            word_without_a_mac_says_nothing_of_an_unknown_neighbor),
        cmocka_unit_test(confirmation_renews),
        cmocka_unit_test(unasked_repetition_changes_nothing),
        cmocka_unit_test(another_mac_that_overrides_is_taken),
        cmocka_unit_test(another_mac_that_does_not_override_makes_us_doubt),
        cmocka_unit_test(doubts_do_not_make_us_ask_more_often),
        cmocka_unit_test(silent_neighbor_is_given_up_after_three_probes),
        cmocka_unit_test(
            configured_mac_is_used_until_somebody_says_otherwise),
        cmocka_unit_test(configured_mac_that_goes_is_asked_for),
        cmocka_unit_test(
            configured_mac_comes_back_when_the_neighbor_is_silent),
        cmocka_unit_test(
            knowledge_that_nobody_configured_survives_that_nothing_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
