//! Which proxy the environment puts before a server, so that it can be named when it is in the way.

use spotwright_llm::openai::is_loopback;

/// The proxy for `url` that the environment names, without its password; `None` for none.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "proxies are configured by the environment alone")]
pub fn of_environment(url: &str) -> Option<String> {
    of(url, |name| std::env::var(name).ok())
}

/// As [`of_environment`], with the environment as a parameter.
fn of(url: &str, variable: impl Fn(&str) -> Option<String>) -> Option<String> {
    if is_loopback(url) {
        return None;
    }
    let any = |names: [&str; 2]| {
        names.iter().find_map(|name| variable(name).filter(|text| !text.trim().is_empty()))
    };
    let own = if url.starts_with("https:") {
        any(["https_proxy", "HTTPS_PROXY"])
    } else {
        any(["http_proxy", "HTTP_PROXY"])
    };
    let proxy = own.or_else(|| any(["all_proxy", "ALL_PROXY"]))?;
    let host = url.split("://").nth(1)?.split(['/', '?']).next()?.rsplit('@').next()?;
    let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
    let excepted = any(["no_proxy", "NO_PROXY"]).unwrap_or_default();
    let is_excepted = excepted.split(',').map(str::trim).filter(|name| !name.is_empty()).any(|name| {
        let name = name.trim_start_matches('.');
        name == "*" || host == name || host.ends_with(&format!(".{name}"))
    });
    (!is_excepted).then(|| without_password(proxy.trim()))
}

fn without_password(proxy: &str) -> String {
    let (scheme, rest) = proxy.split_once("://").map_or(("", proxy), |(scheme, rest)| (scheme, rest));
    let host = rest.rsplit('@').next().unwrap_or(rest);
    if scheme.is_empty() { host.to_owned() } else { format!("{scheme}://{host}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_proxy_in_the_way_is_named_without_its_password() {
        let named = |url: &str, variables: &[(&str, &str)]| {
            let found = |name: &str| {
                variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
            };
            of(url, found)
        };
        let proxy = ("HTTPS_PROXY", "http://user:pw@proxy.example:3128");
        let url = "https://api.example.com/v1";
        assert_eq!(named(url, &[proxy]).as_deref(), Some("http://proxy.example:3128"));
        assert_eq!(named("http://api.example.com/v1", &[proxy]), None);
        let all = ("ALL_PROXY", "proxy.example:1");
        assert_eq!(named("http://api.example.com:80/v1", &[all]).as_deref(), Some("proxy.example:1"));
        assert_eq!(named(url, &[proxy, ("no_proxy", "other.example, .example.com")]), None);
        assert_eq!(named("http://127.0.0.1:8080/v1", &[("http_proxy", "http://p")]), None);
        assert_eq!(named(url, &[]), None);
    }
}
