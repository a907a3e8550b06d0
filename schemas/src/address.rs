//! Addresses of servers (`amqps://user:password@host:port/…`), which hold passwords: what is wrong with one,
//! and how one is shown, both without ever repeating a secret.

/// Stands for what is not shown.
pub const HIDDEN: &str = "(secret)";

/// What a user does about a password that breaks an address.
const ESCAPES: &str = "in a user name or password write `#` as `%23`, `/` as `%2F`, `?` as `%3F`, `@` as `%40`, `:` as `%3A` and `%` as `%25`";

/// Checks the parts that an address of a server must have: one of the schemes, a host, a port that is a
/// number. `schemes` are names such as `amqp`; `local` allows an address without a host.
///
/// # Errors
/// What is wrong and what would be right; nothing of the address is repeated but its scheme.
pub fn check(text: &str, schemes: &[&str], local: bool) -> Result<(), String> {
    if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err("holds a space, line break or control character; remove it".to_owned());
    }
    let found = text.split_once("://");
    let Some((_, rest)) =
        found.filter(|(scheme, _)| schemes.iter().any(|own| own.eq_ignore_ascii_case(scheme)))
    else {
        let listed: Vec<String> = schemes.iter().map(|scheme| format!("`{scheme}://`")).collect();
        return Err(format!("must begin with {}", listed.join(" or ")));
    };
    let (authority, tail) = rest.split_at(rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len()));
    let unescaped = || format!("cannot be taken apart; {ESCAPES}");
    if tail.contains(['#', '@']) {
        return Err(unescaped());
    }
    let server = authority.rsplit_once('@').map_or(authority, |(_, server)| server);
    // The brackets of an IPv6 address hold colons of their own.
    let ports = server.rsplit_once(']').map_or(server, |(_, ports)| ports);
    let (host, port) = match ports.rsplit_once(':') {
        Some((host, port)) => (&server[..server.len() - ports.len() + host.len()], Some(port)),
        None => (server, None),
    };
    if let Some(port) = port {
        if !matches!(port.parse::<u16>(), Ok(1..)) {
            return Err(format!("the port behind the host must be a number from 1 to 65535; {ESCAPES}"));
        }
    }
    if host.is_empty() && !local {
        return Err("has no host".to_owned());
    }
    if host.contains(':') && !host.starts_with('[') {
        return Err(format!(
            "has more than one `:` in host and port; an IPv6 address stands in brackets; {ESCAPES}"
        ));
    }
    Ok(())
}

/// The address without user, password and query, for messages and print-outs.
#[must_use]
pub fn shown(text: &str) -> String {
    if text.is_empty() {
        return String::new();
    }
    let Some((scheme, rest)) = text.split_once("://") else { return HIDDEN.to_owned() };
    // By the last `@`: one in a password that nobody escaped must not show the rest of it.
    let (login, rest) = match rest.rsplit_once('@') {
        Some((_, rest)) => (format!("{HIDDEN}@"), rest),
        None => (String::new(), rest),
    };
    let (place, query) = rest.split_at(rest.find(['?', '#']).unwrap_or(rest.len()));
    let query = if query.len() > 1 { format!("{}{HIDDEN}", &query[..1]) } else { query.to_owned() };
    format!("{scheme}://{login}{place}{query}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const AMQP: [&str; 2] = ["amqp", "amqps"];

    #[test]
    fn whole_addresses_are_accepted() {
        for text in [
            "amqp://localhost",
            "amqps://guest:s3c%23ret@broker.example.com:5671/%2f",
            "AMQP://10.0.0.1:5672/",
            "amqp://[::1]:5672/%2f?heartbeat=3",
            "amqp://a@b@host/x",
        ] {
            assert_eq!(check(text, &AMQP, false), Ok(()), "{text}");
        }
        assert_eq!(check("postgres:///name?host=/run/postgresql", &["postgres"], true), Ok(()));
        assert_eq!(check("s3://bucket/prefix", &["s3"], false), Ok(()));
    }

    #[test]
    fn what_is_wrong_is_said_without_the_secret() {
        for (text, said) in [
            ("amqp://guest:s3cret#1@127.0.0.1:5672/%2f", "`%23`"),
            ("amqp://guest:12#s3cret@127.0.0.1:5672/%2f", "`%23`"),
            ("amqp://guest:s3c/ret@127.0.0.1:5672/%2f", "`%2F`"),
            ("amqp://guest:12/s3cret@127.0.0.1:5672/%2f", "`%2F`"),
            ("amqp://guest:a@b/s3cret@127.0.0.1:5672/%2f", "`%2F`"),
            ("amqp://guest:s3cret?@127.0.0.1:5672/%2f", "`%3F`"),
            ("amqp://guest:s3cret@localhost:notaport/%2f", "port"),
            ("amqp://guest:s3cret@localhost:70000/%2f", "port"),
            ("amqp://guest:s3cret@localhost:0", "port"),
            ("amqp://guest:s3cret@localhost:", "port"),
            ("amqp://guest:s3cret@::1:5672/", "brackets"),
            ("amqp://guest:s3cret@/%2f", "host"),
            ("amqp:/127.0.0.1", "amqp://"),
            ("amqp:guest:s3cret@localhost", "amqp://"),
            ("http://guest:s3cret@localhost", "`amqp://` or `amqps://`"),
            ("guest:s3cret@localhost", "amqp://"),
            ("amqp://guest:s3cret@local host", "space"),
            ("amqp://guest:s3cret@localhost\r", "control"),
        ] {
            let message = check(text, &AMQP, false).unwrap_err();
            assert!(message.contains(said), "{text}: {message}");
            assert!(!message.contains("s3c") && !message.contains("ret@"), "{message}");
            assert!(!shown(text).contains("s3c"), "{}", shown(text));
        }
    }

    #[test]
    fn an_address_is_shown_without_login_and_query() {
        for (text, expected) in [
            ("", ""),
            ("https://example.com/v1", "https://example.com/v1"),
            ("https://user:pass@example.com/v1?key=k#f", "https://(secret)@example.com/v1?(secret)"),
            ("amqp://u:a@b/c@host:1/x", "amqp://(secret)@host:1/x"),
            ("user:pass@host", "(secret)"),
        ] {
            assert_eq!(shown(text), expected);
        }
    }

    proptest! {
        #[test]
        fn no_password_is_ever_shown(
            before in "[a-z:@/?#%]{0,8}", after in "[a-z:@/?#%]{0,8}", host in "[a-z.:@/?#\\[\\]0-9]{0,20}",
        ) {
            let text = format!("amqp://user:{before}S3CRET{after}@{host}");
            prop_assert!(!shown(&text).contains("S3CRET"));
            if let Err(message) = check(&text, &AMQP, false) {
                prop_assert!(!message.contains("S3CRET"));
            }
        }
    }
}
