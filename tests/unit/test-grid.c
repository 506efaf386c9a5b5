/* SPDX-License-Identifier: Apache-2.0 */

/* Tables for people and for scripts. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "grid.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/json.h"
#include "util.h"

static void
fill_in(struct ovl_grid *g)
{
    char **list = xcalloc(2, sizeof *list);

    list[0] = xstrdup("vm1");
    list[1] = xstrdup("vm2");

    ovl_grid_init(g, "vni", "name", "ports", "up", NULL);
    ovl_grid_int(g, 5001);
    ovl_grid_str(g, "red");
    ovl_grid_list(g, list, 2);
    ovl_grid_bool(g, true);

    ovl_grid_null(g);
    ovl_grid_strf(g, "%s", "");
    ovl_grid_list(g, NULL, 0);
    ovl_grid_bool(g, false);
}

static void
people_get_aligned_columns(void **state OVS_UNUSED)
{
    struct ds s = DS_EMPTY_INITIALIZER;
    struct ovl_grid g;

    fill_in(&g);
    ovl_grid_to_text(&g, &s);
    assert_string_equal(ds_cstr(&s),
                        "vni   name  ports    up\n"
                        "5001  red   vm1 vm2  yes\n"
                        "-     -     -        no\n");
    ovl_grid_destroy(&g);
    ds_destroy(&s);
}

static void
scripts_get_an_array_of_objects(void **state OVS_UNUSED)
{
    struct json *json;
    struct ovl_grid g;
    char *s;

    fill_in(&g);
    assert_int_equal(ovl_grid_n_rows(&g), 2);
    json = ovl_grid_to_json(&g);
    s = json_to_string(json, JSSF_SORT);
    assert_string_equal(
        s,
        "[{\"name\":\"red\",\"ports\":[\"vm1\",\"vm2\"],\"up\":true,"
        "\"vni\":5001},"
        "{\"name\":\"\",\"ports\":[],\"up\":false,\"vni\":null}]");
    free(s);
    json_destroy(json);
    ovl_grid_destroy(&g);
}

static void
an_empty_table_has_a_heading_and_an_empty_array(void **state OVS_UNUSED)
{
    struct ds s = DS_EMPTY_INITIALIZER;
    struct ovl_grid g;
    struct json *json;

    ovl_grid_init(&g, "vni", "mac", NULL);
    ovl_grid_to_text(&g, &s);
    assert_string_equal(ds_cstr(&s), "vni  mac\n");
    json = ovl_grid_to_json(&g);
    assert_int_equal(json->type, JSON_ARRAY);
    assert_int_equal(json->array.n, 0);
    json_destroy(json);
    ovl_grid_destroy(&g);
    ds_destroy(&s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(people_get_aligned_columns),
        cmocka_unit_test(scripts_get_an_array_of_objects),
        cmocka_unit_test(an_empty_table_has_a_heading_and_an_empty_array),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
