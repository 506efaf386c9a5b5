/* SPDX-License-Identifier: Apache-2.0 */

/* Prefixes of both families, and the names of enums. */

#include <config.h>

#include "tables-fixture.h"

#include "drop-reasons.h"
#include "overlay-types.h"

static bool
contains(const char *prefix, int len, const char *ip)
{
    struct ovl_prefix p = prefix_from(prefix, len);
    struct in6_addr addr = ip_from(ip);

    return ovl_prefix_contains(&p, &addr);
}

static void
prefix_contains_just_its_range(void **state OVS_UNUSED)
{
    assert_false(contains("10.1.2.0", 23, "10.1.1.255"));
    assert_true(contains("10.1.2.0", 23, "10.1.2.0"));
    assert_true(contains("10.1.2.0", 23, "10.1.3.255"));
    assert_false(contains("10.1.2.0", 23, "10.1.4.0"));

    assert_true(contains("10.1.2.3", 32, "10.1.2.3"));
    assert_false(contains("10.1.2.3", 32, "10.1.2.2"));
    assert_false(contains("10.1.2.3", 32, "10.1.2.4"));

    assert_false(contains("2001:db8::", 61, "2001:db7:ffff:ffff::"));
    assert_true(contains("2001:db8::", 61, "2001:db8:0:7:ffff::"));
    assert_false(contains("2001:db8::", 61, "2001:db8:0:8::"));
    assert_true(contains("2001:db8::1", 128, "2001:db8::1"));
    assert_false(contains("2001:db8::1", 128, "2001:db8::3"));
}

static void
prefix_contains_only_its_family(void **state OVS_UNUSED)
{
    assert_true(contains("0.0.0.0", 0, "255.255.255.255"));
    assert_false(contains("0.0.0.0", 0, "2001:db8::1"));
    assert_false(contains("0.0.0.0", 0, "::1"));
    assert_true(contains("::", 0, "2001:db8::1"));
    assert_false(contains("::", 0, "10.1.2.3"));
    assert_false(contains("::", 80, "10.1.2.3"));
}

static void
prefix_of_each_length_equals_bitwise_model(void **state OVS_UNUSED)
{
    random_set_seed(1);
    for (int i = 0; i < 20000; i++) {
        struct ovl_prefix p = { .plen = random_range(129) };
        int bit = p.plen - 2 + (int) random_range(4);
        struct in6_addr ip;
        bool same = true;

        /* Flip one bit near the end of the prefix. */
        bit = MAX(0, MIN(127, bit));
        random_bytes(&p.addr, sizeof p.addr);
        ip = p.addr;
        ip.s6_addr[bit / 8] ^= 0x80 >> bit % 8;

        for (int b = 0; b < p.plen; b++) {
            same = same && !((p.addr.s6_addr[b / 8] ^ ip.s6_addr[b / 8])
                             & (0x80 >> b % 8));
        }
        if (same != ovl_prefix_contains(&p, &ip)) {
            fail_msg("plen %d, bit %d", p.plen, bit);
        }
    }
}

static void
drop_reasons_have_names_of_their_own(void **state OVS_UNUSED)
{
    for (int i = 0; i < OVL_N_DROPS; i++) {
        assert_true(ovl_drop_reason_name(i)[0]);
        assert_true(ovl_drop_reason_text(i)[0]);
        for (int j = 0; j < i; j++) {
            assert_string_not_equal(ovl_drop_reason_name(i),
                                    ovl_drop_reason_name(j));
        }
    }
    assert_string_equal(ovl_drop_reason_name(OVL_DROP_SPOOF_MAC),
                        "spoof_mac");
    assert_string_equal(ovl_drop_reason_name(OVL_DROP_TX_ERROR), "tx_error");
}

static void
roles_have_names(void **state OVS_UNUSED)
{
    assert_string_equal(ovl_role_to_string(OVL_ROLE_UNBOUND), "unbound");
    assert_string_equal(ovl_role_to_string(OVL_ROLE_LOCAL), "local");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prefix_contains_just_its_range),
        cmocka_unit_test(prefix_contains_only_its_family),
        cmocka_unit_test(prefix_of_each_length_equals_bitwise_model),
        cmocka_unit_test(drop_reasons_have_names_of_their_own),
        cmocka_unit_test(roles_have_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
