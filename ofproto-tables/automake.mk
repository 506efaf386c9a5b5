# SPDX-License-Identifier: Apache-2.0
#
# To add a file, add a line to the list it belongs to: .c and .h, sorted.

# What the rows say: plain values in, forwarding tables out; no database.
noinst_LIBRARIES += ofproto-tables/libovl-rib.a
ofproto_tables_libovl_rib_a_SOURCES = \
	ofproto-tables/rib.h

# The database session, the ofproto class, ovs-appctl commands.
noinst_LIBRARIES += ofproto-tables/libovl-ofproto.a
ofproto_tables_libovl_ofproto_a_SOURCES = \
	ofproto-tables/bridge-hooks.c \
	ofproto-tables/ofproto-tables.c \
	ofproto-tables/ofproto-tables.h
