/* SPDX-License-Identifier: Apache-2.0 */

#ifndef OVL_ADVERTISER_H
#define OVL_ADVERTISER_H 1

/* Router advertisements that nobody has asked for: RFC 4861 section 6.2.4.
 *
 * A *listener* is a member of a network that advertises, on this hypervisor:
 * a port, or a VLAN of one.  Each has a timer of its own.  It is told three
 * times in the first minute, and again, the first time within three seconds,
 * when what there is to tell has changed; after that at random times, no
 * further apart than the network's 'ra_interval'.  Hypervisors do not tell each other's members,
 * so nothing ever goes into a tunnel.
 *
 * What is no longer so is taken back (section 6.2.5): a prefix that went, and
 * the router itself if the network stops advertising or has another router
 * MAC.  A network that is deleted, or a member that leaves it, has no way to
 * be told.
 *
 * The cost is in proportion to the local members of networks that advertise:
 * nothing happens for other networks, however many there are or change.
 *
 * Thread-safety: one thread (the control thread), outside RCU's quiescent
 * states.
 *
 * Layer 3. */

struct dp_packet;
struct ovl_advertiser;
struct ovl_forwarding;
struct ovl_member;
struct ovl_network;

/* Sends 'packet', a plain frame made here, to 'member' of 'net'.  Takes the
 * packet. */
typedef void ovl_advertiser_send(void *aux, const struct ovl_network *net,
                                 const struct ovl_member *member,
                                 struct dp_packet *packet);

struct ovl_advertiser *ovl_advertiser_create(struct ovl_forwarding *,
                                             ovl_advertiser_send *,
                                             void *aux);
void ovl_advertiser_destroy(struct ovl_advertiser *);

/* Sends what is due at 'now', in ms as of time_msec(), and makes poll_block()
 * wake up when something is next. */
void ovl_advertiser_run(struct ovl_advertiser *, long long int now);
void ovl_advertiser_wait(const struct ovl_advertiser *);

#endif /* advertiser.h */
