//! Which addresses are opened.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use url::{Host, Url};

/// Longest accepted address in bytes.
const MAX_ADDRESS: usize = 2_000;

/// Names that mean something else on every machine.
const PRIVATE_NAMES: [&str; 6] = ["localhost", "local", "internal", "home", "lan", "intranet"];

/// Which servers are opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Servers of the public internet, on the ports 80 and 443.
    Public,
    /// These, and this machine on any port: for tests and development only.
    Loopback,
    /// These, and servers of private networks by address or name, on any port: for an installation within
    /// such a network. Never link-local addresses, where clouds hand out their credentials.
    Private,
}

impl Reach {
    /// Whether a server with this address is opened. Whether its port is, [`checked_within`] says.
    #[must_use]
    pub(crate) fn opens(self, address: IpAddr) -> bool {
        match self {
            Self::Public => is_global(address),
            Self::Loopback => is_global(address) || is_loopback(address),
            Self::Private => is_global(address) || is_private(address),
        }
    }
}

pub(crate) fn refused(field: &str, message: impl Into<String>) -> Problem {
    Problem::new(Code::AddressRefused, field, message)
}

/// Parses an address once and checks everything but what its name resolves to. `allow_loopback` opens this
/// machine as well.
///
/// # Errors
/// [`Code::AddressRefused`] with the part that is not allowed; a password is never repeated.
pub fn checked(text: &str, allow_loopback: bool) -> Result<Url, Problem> {
    checked_within(text, if allow_loopback { Reach::Loopback } else { Reach::Public })
}

/// As [`checked`], for servers within a reach.
///
/// # Errors
/// As [`checked`].
pub fn checked_within(text: &str, reach: Reach) -> Result<Url, Problem> {
    let field = "address";
    if text.len() > MAX_ADDRESS {
        return Err(refused(field, format!("has more than {MAX_ADDRESS} bytes")));
    }
    if text.trim().chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(refused(field, "holds a space, line break or control character"));
    }
    let url =
        Url::parse(text.trim()).map_err(|error| refused(field, format!("is no web address: {error}")))?;
    check(&url, reach)?;
    Ok(url)
}

/// Checks a parsed address, also one that a server forwards to.
pub(crate) fn check(url: &Url, reach: Reach) -> Result<(), Problem> {
    let field = "address";
    if !matches!(url.scheme(), "http" | "https") {
        return Err(refused(field, format!("begins with `{}:`; http and https are opened", url.scheme())));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refused(field, "holds a user name or password"));
    }
    let address = match url.host() {
        Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
        Some(Host::Ipv6(address)) => Some(IpAddr::V6(address)),
        Some(Host::Domain(name)) => {
            check_name(name, reach)?;
            None
        }
        None => return Err(refused(field, "has no host")),
    };
    if let Some(address) = address.filter(|address| !reach.opens(*address)) {
        return Err(refused(field, format!("names {address}, which is no server of the public internet")));
    }
    let any_port = match reach {
        Reach::Public => false,
        Reach::Loopback => address.is_some_and(is_loopback) || url.host_str() == Some("localhost"),
        Reach::Private => true,
    };
    if !any_port && !matches!(url.port_or_known_default(), Some(80 | 443)) {
        return Err(refused(field, "names another port than 80 and 443"));
    }
    Ok(())
}

fn check_name(name: &str, reach: Reach) -> Result<(), Problem> {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    if reach == Reach::Private || (reach == Reach::Loopback && name == "localhost") {
        return Ok(());
    }
    let last = name.rsplit('.').next().unwrap_or_default();
    if !name.contains('.') || PRIVATE_NAMES.contains(&last) {
        return Err(refused("address", "names a host of a private network"));
    }
    Ok(())
}

/// Whether an address is of a private network or of this machine (RFC 1918, RFC 6598, RFC 4193).
fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            let shared = matches!(address.octets(), [100, 64..=127, ..]);
            address.is_private() || address.is_loopback() || shared
        }
        IpAddr::V6(address) => match address.to_ipv4_mapped() {
            Some(mapped) => is_private(IpAddr::V4(mapped)),
            None => address.is_loopback() || address.is_unique_local(),
        },
    }
}

/// Whether an address is of this machine.
pub(crate) fn is_loopback(address: IpAddr) -> bool {
    address.is_loopback()
}

/// Whether an address is routed on the public internet (IANA's special-purpose registries). Addresses that
/// carry an IPv4 address inside are judged by that one, and refused where they could lead around the check.
#[must_use]
pub fn is_global(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_global_v4(address),
        IpAddr::V6(address) => is_global_v6(address),
    }
}

fn is_global_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = match (a, b, c) {
        // This network, private, loopback, link-local, multicast, reserved and broadcast.
        (0 | 10 | 127 | 224..=255, _, _) | (169, 254, _) | (172, 16..=31, _) | (192, 168, _) => true,
        // Carrier-grade NAT, benchmarking.
        (100, 64..=127, _) | (198, 18 | 19, _) => true,
        // Protocol assignments, documentation, 6to4 relays.
        (192, 0, 0 | 2) | (198, 51, 100) | (203, 0, 113) | (192, 88, 99) => true,
        _ => false,
    };
    !special
}

fn is_global_v6(address: Ipv6Addr) -> bool {
    if let Some(mapped) = address.to_ipv4_mapped() {
        return is_global_v4(mapped);
    }
    let [first, second, third, ..] = address.segments();
    // Only 2000::/3 is given out; everything else is loopback, unique local, link-local, multicast,
    // NAT64 (64:ff9b::/96 and 64:ff9b:1::/48) or not used.
    if first & 0xE000 != 0x2000 {
        return false;
    }
    let special = match (first, second, third) {
        // Teredo, benchmarking, ORCHID, documentation; all of 2001::/23 is for protocols.
        (0x2001, 0..=0x01FF | 0x0DB8, _) => true,
        // 6to4 leads to whatever IPv4 address it carries.
        (0x2002, _, _) => true,
        // Documentation.
        (0x3FFF, 0..=0x0FFF, _) => true,
        _ => false,
    };
    !special
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn addresses_that_lead_inside_are_refused() {
        for text in [
            "http://127.1/",
            "http://0/",
            "http://0x7f000001/",
            "http://2130706433/",
            "http://017700000001/",
            "http://[::]/",
            "http://[::1]/",
            "http://[::ffff:127.0.0.1]/",
            "http://[::ffff:7f00:1]/",
            "http://[::127.0.0.1]/",
            "http://[64:ff9b::7f00:1]/",
            "http://[64:ff9b:1::7f00:1]/",
            "http://[2002:7f00:1::]/",
            "http://[2001::1]/",
            "http://[fe80::1]/",
            "http://[fe80::1%25lo]/",
            "http://[fd00::1]/",
            "http://[fc00::1]/",
            "http://[ff02::1]/",
            "http://[2001:db8::1]/",
            "http://[3fff::1]/",
            "http://[100::1]/",
            "http://169.254.169.254/latest/",
            "http://100.100.100.200/",
            "http://100.64.0.1/",
            "http://198.18.0.1/",
            "http://198.19.255.255/",
            "http://224.0.0.1/",
            "http://240.0.0.1/",
            "http://255.255.255.255/",
            "http://10.0.0.1/",
            "http://172.16.0.1/",
            "http://172.31.255.255/",
            "http://192.168.1.1/",
            "http://192.0.0.1/",
            "http://192.0.2.1/",
            "http://198.51.100.1/",
            "http://203.0.113.1/",
            "http://192.88.99.1/",
            "http://localhost/",
            "http://localhost./",
            "http://LOCALHOST/",
            "http://a.localhost/",
            "http://printer.local/",
            "http://metadata.google.internal/",
            "http://intranet/",
            "http://nas.lan/",
            "file:///etc/passwd",
            "gopher://example.com/",
            "ftp://example.com/",
            "data:text/html,x",
            "javascript:alert(1)",
            "https://ok@127.0.0.1/",
            "https://ok@example.com/",
            "https://u:p@example.com/",
            "https://example.com:8443/",
            "http://example.com:22/",
            "https://example.com/a b",
            "https://example.com/a\nb",
            "//example.com/",
            "example.com",
            "",
            "http://",
            "http://１２７.0.0.1/",
            "http://127。0。0。1/",
            "http:///127.0.0.1/",
            "http:\\\\127.0.0.1\\",
            "http://%31%32%37.0.0.1/",
        ] {
            let problem = checked(text, false).err();
            assert_eq!(problem.map(|own| own.code), Some(Code::AddressRefused), "{text}");
        }
    }

    #[test]
    fn public_addresses_are_opened() {
        for text in [
            "https://example.com/a?b=c#d",
            "http://example.com:80/",
            "https://example.com:443/",
            "https://例子.公司/",
            "http://8.8.8.8/",
            "https://[2606:4700:4700::1111]/",
            "http://172.32.0.1/",
            "http://100.128.0.1/",
            "http://[::ffff:8.8.8.8]/",
        ] {
            assert!(checked(text, false).is_ok(), "{text}");
        }
    }

    #[test]
    fn this_machine_is_opened_where_it_is_allowed_and_no_other() {
        assert!(checked("http://127.0.0.1:8080/", true).is_ok());
        assert!(checked("http://localhost:8080/", true).is_ok());
        for text in [
            "http://10.0.0.1/",
            "http://169.254.169.254/",
            "http://0.0.0.0:8080/",
            "http://example.com:8080/",
            "http://user@localhost/",
        ] {
            assert!(checked(text, true).is_err(), "{text}");
        }
    }

    #[test]
    fn a_private_network_is_opened_where_it_is_allowed_and_never_what_is_link_local() {
        for text in [
            "http://10.0.0.1:8080/",
            "http://192.168.1.20/hook",
            "http://172.16.3.4:9000/",
            "http://100.64.0.1/",
            "http://127.0.0.1:8080/",
            "http://[fd00::1]:8080/",
            "http://[::1]/",
            "http://receiver:8080/",
            "http://hooks.internal/",
            "https://example.com:8443/",
        ] {
            assert!(checked_within(text, Reach::Private).is_ok(), "{text}");
        }
        for text in [
            "http://169.254.169.254/latest/",
            "http://[fe80::1]/",
            "http://0.0.0.0/",
            "http://224.0.0.1/",
            "http://255.255.255.255/",
            "http://198.18.0.1/",
            "http://[2002:7f00:1::]/",
            "http://user@10.0.0.1/",
            "ftp://10.0.0.1/",
        ] {
            assert!(checked_within(text, Reach::Private).is_err(), "{text}");
        }
    }

    #[test]
    fn no_password_is_repeated() {
        let message = checked("https://user:S3CRET@example.com/", false).unwrap_err().to_string();
        assert!(!message.contains("S3CRET"), "{message}");
    }

    proptest! {
        #[test]
        fn any_text_is_judged(text in "\\PC{0,80}") {
            if let Ok(url) = checked(&text, false) {
                prop_assert!(matches!(url.port_or_known_default(), Some(80 | 443)));
            }
        }

        #[test]
        fn a_mapped_address_is_judged_as_the_one_inside(octets in any::<[u8; 4]>()) {
            let inside = Ipv4Addr::from(octets);
            prop_assert_eq!(is_global(IpAddr::V6(inside.to_ipv6_mapped())), is_global(IpAddr::V4(inside)));
            prop_assert!(!is_global(IpAddr::V6(inside.to_ipv6_compatible())));
        }
    }
}
