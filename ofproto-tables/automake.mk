# SPDX-License-Identifier: Apache-2.0
#
# To add a file, add a line to the list it belongs to: .c and .h, sorted.

EXTRA_DIST += ofproto-tables/README.md

# What the rows say: plain values in, forwarding tables out; no database.
noinst_LIBRARIES += ofproto-tables/libovl-rib.a
ofproto_tables_libovl_rib_a_SOURCES = \
	ofproto-tables/rib-attach.c \
	ofproto-tables/rib-bridge.c \
	ofproto-tables/rib-gateway.c \
	ofproto-tables/rib-hop.c \
	ofproto-tables/rib-mac.c \
	ofproto-tables/rib-neigh.c \
	ofproto-tables/rib-network.c \
	ofproto-tables/rib-port.c \
	ofproto-tables/rib-private.h \
	ofproto-tables/rib-route.c \
	ofproto-tables/rib-slot.c \
	ofproto-tables/rib-source.c \
	ofproto-tables/rib-vrf.c \
	ofproto-tables/rib.c \
	ofproto-tables/rib.h \
	ofproto-tables/row-error.c \
	ofproto-tables/row-error.h \
	ofproto-tables/row-parse-port.c \
	ofproto-tables/row-parse.c \
	ofproto-tables/row-parse.h \
	ofproto-tables/text-parse.c \
	ofproto-tables/text-parse.h

# The database session, the ofproto class, ovs-appctl commands.
noinst_LIBRARIES += ofproto-tables/libovl-ofproto.a
ofproto_tables_libovl_ofproto_a_SOURCES = \
	ofproto-tables/bridge-hooks.c \
	ofproto-tables/cfg-hold.c \
	ofproto-tables/cfg-hold.h \
	ofproto-tables/db-columns.c \
	ofproto-tables/db-columns.h \
	ofproto-tables/db-rows.c \
	ofproto-tables/db-rows.h \
	ofproto-tables/db-trim.c \
	ofproto-tables/db-trim.h \
	ofproto-tables/db-write.c \
	ofproto-tables/db-write.h \
	ofproto-tables/grid.c \
	ofproto-tables/grid.h \
	ofproto-tables/iface-error.c \
	ofproto-tables/ofproto-refuse.c \
	ofproto-tables/ofproto-refuse.h \
	ofproto-tables/ofproto-tables.c \
	ofproto-tables/ofproto-tables.h \
	ofproto-tables/overlay-db.c \
	ofproto-tables/overlay-db.h \
	ofproto-tables/overlay-unixctl.c \
	ofproto-tables/overlay-unixctl.h \
	ofproto-tables/unixctl-fib.c \
	ofproto-tables/unixctl-lists.c \
	ofproto-tables/unixctl-lists.h \
	ofproto-tables/vhost-port.c \
	ofproto-tables/vhost-port.h
