# SPDX-License-Identifier: Apache-2.0

"""Rows change under traffic: make before break (DESIGN decision 9).

    vm1 ─┐
    vm2 ─┤ VNI 5001 ── br-ov ── p0 ══ underlay ══ 192.0.2.2 (vm3), 192.0.2.3

vm1 sends to vm3 all the time.  Nothing that leaves the way of these frames as
it is may lose one, double one, or send one astray.
"""

from ovl.frames import ip, mac, udp

N_CHANGES = 20


def stream(sw):
    return sw.stream("vm1", udp(1, 3), "p0")


def test_change_of_the_flood_list_loses_no_frame(sw):
    lists = [["192.0.2.2", "192.0.2.1", "192.0.2.3"], ["192.0.2.3"],
             ["192.0.2.2", "192.0.2.3"], []]
    with stream(sw):
        for i in range(N_CHANGES):
            sw.set_network(5001, flood_vteps=lists[i % len(lists)])


def test_change_of_other_rows_loses_no_frame(sw):
    with stream(sw):
        for i in range(N_CHANGES):
            sw.set_network(5001, unknown_unicast=["flood", "drop"][i % 2],
                           neigh_suppress=bool(i % 2))
            sw.add_mac(5001, mac(0x40 + i), "192.0.2.3", ip(0x40 + i))
            sw.set_rows("set", "Port", "vm2",
                        f'overlay_addresses="{mac(0x20 + i)}"')


def test_change_of_stock_columns_loses_no_frame(sw):
    with stream(sw):
        for i in range(N_CHANGES):
            sw.set_rows("set", "Bridge", "br-ov",
                        f"other_config:mac-aging-time={300 + i}")
            sw.set_rows("set", "Interface", "vm2", f"options:foo={i}")
            sw.set_rows("set", "Interface", "p0", f"external_ids:foo={i}")


def test_row_deleted_and_made_again_in_one_transaction_loses_no_frame(sw):
    with stream(sw):
        for _ in range(N_CHANGES):
            row, = sw.find("Overlay_MAC")
            with sw.transaction():
                sw.set_rows("destroy", "Overlay_MAC", row)
                sw.add_mac(5001, mac(3), "192.0.2.2", ip(3))


def test_network_deleted_and_made_again_in_one_transaction_loses_no_frame(sw):
    with stream(sw):
        for _ in range(N_CHANGES):
            row, = sw.find("Overlay_Network", "vni=5001")
            with sw.transaction():
                sw.set_rows("destroy", "Overlay_Network", row)
                sw.add_network(5001, flood_vteps=["192.0.2.2"])


def test_other_ports_come_and_go_without_a_lost_frame(sw):
    with stream(sw):
        for _ in range(N_CHANGES):
            sw.set_rows("add-port", "br-ov", "vm9", "--", "set", "Interface",
                        "vm9", "type=dummy", "--", "set", "Port", "vm9",
                        "overlay_vni=5001")
            sw.set_rows("del-port", "vm9")


def test_pmd_thread_comes_and_goes_without_a_lost_frame(sw):
    with stream(sw):
        for _ in range(5):
            sw.set_rows("add-port", "br-ov", "vm9", "--", "set", "Interface",
                        "vm9", "type=dummy-pmd")
            sw.set_rows("del-port", "vm9")


def test_second_bridge_comes_and_goes_without_a_lost_frame(sw):
    with stream(sw):
        for _ in range(5):
            sw.set_rows("add-br", "br-n", "--", "set", "Bridge", "br-n",
                        "datapath_type=dummy")
            sw.set_rows("del-br", "br-n")
