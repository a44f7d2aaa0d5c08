//! Who is connected, and who has to go when there is no room: nobody can keep others out by holding connections open.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv6Addr},
};

/// Connections at once. Each takes a file descriptor, and the work on the apps must not run out of those.
pub(super) const PLACES: usize = 64;

/// Connections at once of one address. A proxy in front of the daemon is one address, and so is everybody on this machine.
pub(super) const OF_ONE_ADDRESS: usize = 32;

/// The connections there are. A new one always finds a place: the one that has waited longest makes room.
#[derive(Debug)]
pub(super) struct Places<H> {
    /// In the order in which they came.
    taken: BTreeMap<u64, Place<H>>,
    next: u64,
}

#[derive(Debug)]
struct Place<H> {
    neighbor: IpAddr,
    /// It asked for something that it may have, and is being answered.
    answered: bool,
    /// How to end it.
    handle: H,
}

impl<H> Default for Places<H> {
    fn default() -> Self {
        Self { taken: BTreeMap::new(), next: 0 }
    }
}

impl<H> Places<H> {
    /// Takes in a connection. Returns its number and, where there was no room, the connection that has to go.
    pub(super) fn take(&mut self, from: IpAddr, handle: H) -> (u64, Option<H>) {
        let neighbor = neighbor(from);
        let mut counts: BTreeMap<IpAddr, usize> = BTreeMap::new();
        for place in self.taken.values() {
            *counts.entry(place.neighbor).or_default() += 1;
        }
        let own = counts.get(&neighbor).copied().unwrap_or_default();
        let goes = if own >= OF_ONE_ADDRESS {
            self.oldest(|place| place.neighbor == neighbor)
        } else if self.taken.len() >= PLACES {
            // The address with the most connections loses one first, so that it cannot push others out.
            let most = counts.values().copied().max().unwrap_or_default();
            self.oldest(|place| counts.get(&place.neighbor) == Some(&most))
        } else {
            None
        };
        let gone = goes.and_then(|number| self.taken.remove(&number)).map(|place| place.handle);
        let number = self.next;
        self.next += 1;
        self.taken.insert(number, Place { neighbor, answered: false, handle });
        (number, gone)
    }

    /// The connection asked for something that it may have: others go first.
    pub(super) fn answers(&mut self, number: u64) {
        if let Some(place) = self.taken.get_mut(&number) {
            place.answered = true;
        }
    }

    /// The connection has ended.
    pub(super) fn leave(&mut self, number: u64) {
        self.taken.remove(&number);
    }

    /// The oldest of these connections: one that is not being answered, where there is one.
    fn oldest(&self, is_one: impl Fn(&Place<H>) -> bool) -> Option<u64> {
        let those = || self.taken.iter().filter(|(_, place)| is_one(place));
        let idle = those().find(|(_, place)| !place.answered);
        idle.or_else(|| those().next()).map(|(number, _)| *number)
    }
}

/// What one neighbor has at least to itself: an IPv4 address, or the network of an IPv6 host.
fn neighbor(from: IpAddr) -> IpAddr {
    match from.to_canonical() {
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(last: u8) -> IpAddr {
        [127, 0, 0, last].into()
    }

    /// Places with so many connections of each of these hosts, numbered from 0.
    fn full(hosts: &[(u8, usize)]) -> Places<u64> {
        let mut places = Places::default();
        let each = hosts.iter().flat_map(|(last, count)| std::iter::repeat_n(*last, *count));
        for (number, last) in (0..).zip(each) {
            assert_eq!(places.take(host(last), number), (number, None));
        }
        places
    }

    #[test]
    fn the_oldest_connection_of_an_address_makes_room_for_its_next() {
        let mut places = full(&[(2, 1), (1, OF_ONE_ADDRESS)]);
        assert_eq!(places.take(host(1), 99).1, Some(1), "the host's own first connection, and not the older one");
        assert_eq!(places.take(host(1), 100).1, Some(2));
    }

    #[test]
    fn where_all_places_are_taken_the_address_with_the_most_makes_room() {
        let mut places = full(&[(2, 1), (1, OF_ONE_ADDRESS - 1), (3, OF_ONE_ADDRESS)]);
        assert_eq!(places.taken.len(), PLACES);
        assert_eq!(places.take(host(4), 99).1, Some(OF_ONE_ADDRESS as u64), "the first connection of host 3");
        assert_eq!(places.taken.len(), PLACES);
    }

    #[test]
    fn a_connection_that_is_being_answered_goes_last() {
        let mut places = full(&[(1, OF_ONE_ADDRESS)]);
        places.answers(0);
        assert_eq!(places.take(host(1), 99).1, Some(1));
        let mut places = full(&[(1, OF_ONE_ADDRESS)]);
        (0..OF_ONE_ADDRESS as u64).for_each(|number| places.answers(number));
        assert_eq!(places.take(host(1), 99).1, Some(0));
    }

    #[test]
    fn a_place_that_was_left_is_free() {
        let mut places = full(&[(1, OF_ONE_ADDRESS)]);
        places.leave(7);
        assert_eq!(places.take(host(1), 99).1, None);
        // One that has gone already changes nothing.
        places.leave(7);
        places.answers(7);
        assert_eq!(places.taken.len(), OF_ONE_ADDRESS);
    }

    #[test]
    fn the_addresses_of_one_host_count_together() {
        let check = |one: &str, other: &str, same: bool| {
            let [one, other] = [one, other].map(|text| neighbor(text.parse().unwrap()));
            assert_eq!(one == other, same, "{one} {other}");
        };
        check("::ffff:10.0.0.1", "10.0.0.1", true);
        check("10.0.0.1", "10.0.0.2", false);
        check("2001:db8:1:2:3::4", "2001:db8:1:2:ffff::1", true);
        check("2001:db8:1:2::1", "2001:db8:1:3::1", false);
    }
}
