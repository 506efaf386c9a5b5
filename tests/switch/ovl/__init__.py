# SPDX-License-Identifier: Apache-2.0

"""Harness of the switch tier: a real ovs-vswitchd on dummy ports.

process   starts and stops ovsdb-server and ovs-vswitchd, watches their logs
database  speaks to ovsdb-server, for large transactions
unixctl   speaks to the daemon's control socket
pcap      reads what left through a dummy port
frames    makes frames, and shows how two differ
switch    bridge, ports and rows; sends frames and says what came of them
"""
