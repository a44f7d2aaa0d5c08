//! Requests that say two things about whom they are for. A proxy in between may read them in another way than we do.

use axum::http::{HeaderMap, Method, Uri, Version, header, uri::Authority};

/// What is wrong with a request, whatever it asks for.
///
/// # Errors
/// A sentence for its sender.
pub(super) fn check(method: &Method, uri: &Uri, version: Version, headers: &HeaderMap) -> Result<(), &'static str> {
    for name in [header::HOST, header::ORIGIN, header::AUTHORIZATION] {
        if headers.get_all(name).iter().nth(1).is_some() {
            return Err("a request has one `Host`, one `Origin` and one `Authorization` at most; send each once");
        }
    }
    if *method == Method::CONNECT {
        return Err("this is no proxy; ask for a path, such as `GET /healthz`");
    }
    let host = match headers.get(header::HOST) {
        Some(value) => value.to_str().ok().and_then(|text| text.parse::<Authority>().ok()),
        // Probes of old balancers speak HTTP/1.0, which has no such header.
        None if version == Version::HTTP_10 && uri.authority().is_none() => return Ok(()),
        None => return Err("the request has no `Host`; say by which name you reach this daemon"),
    };
    let Some(host) = host.filter(|host| !host.as_str().contains('@')) else {
        return Err("the request's `Host` is no name of a host; send a name and a port, such as `localhost:8484`");
    };
    match uri.authority() {
        Some(other) if *other != host => {
            Err("the request is for another host than its `Host` says; ask for a path alone")
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_request(target: &str, hosts: &[&str], fine: bool) {
        let mut headers = HeaderMap::new();
        for host in hosts {
            headers.append(header::HOST, host.parse().unwrap());
        }
        let checked = check(&Method::GET, &target.parse().unwrap(), Version::HTTP_11, &headers);
        assert_eq!(checked.is_ok(), fine, "{target} {hosts:?}: {checked:?}");
    }

    #[test]
    fn a_request_is_for_one_host() {
        check_request("/", &["localhost:8484"], true);
        check_request("/", &["[::1]:8484"], true);
        check_request("http://localhost:8484/", &["localhost:8484"], true);
        check_request("http://LOCALHOST:8484/", &["localhost:8484"], true);
        check_request("http://evil.example/", &["localhost:8484"], false);
        check_request("http://localhost:1/", &["localhost:8484"], false);
        check_request("http://x@localhost/", &["localhost"], false);
        check_request("/", &["localhost", "localhost"], false);
        check_request("/", &["localhost", "evil.example"], false);
        for strange in ["", "a b", "localhost/x", "x@localhost", "localhost, evil.example"] {
            check_request("/", &[strange], false);
        }
        check_request("/", &[], false);
    }

    #[test]
    fn an_old_probe_needs_no_host_and_nobody_tunnels() {
        let headers = HeaderMap::new();
        let path = "/healthz".parse().unwrap();
        assert_eq!(check(&Method::GET, &path, Version::HTTP_10, &headers), Ok(()));
        let elsewhere = "http://evil.example/healthz".parse().unwrap();
        assert!(check(&Method::GET, &elsewhere, Version::HTTP_10, &headers).is_err());
        let tunnel = "evil.example:443".parse().unwrap();
        assert!(check(&Method::CONNECT, &tunnel, Version::HTTP_11, &headers).is_err());
    }

    #[test]
    fn two_of_a_header_that_decides_are_refused() {
        for name in [header::ORIGIN, header::AUTHORIZATION] {
            let mut headers = HeaderMap::from_iter([(header::HOST, "localhost".parse().unwrap())]);
            headers.append(name.clone(), "http://localhost".parse().unwrap());
            let one = check(&Method::POST, &"/".parse().unwrap(), Version::HTTP_11, &headers);
            headers.append(name, "http://evil.example".parse().unwrap());
            let two = check(&Method::POST, &"/".parse().unwrap(), Version::HTTP_11, &headers);
            assert_eq!((one.is_ok(), two.is_ok()), (true, false));
        }
    }
}
