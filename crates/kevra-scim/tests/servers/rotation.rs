//! Rotate and disable bite on the next request of every replica.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use testkit::installation::{Installation, Role};

use crate::{PROGRAM, front, host_of};

/// Keep-alive connections ask every gateway all the time; a request that begins after the answer to a rotation must not
/// be taken with the token before it.
#[test]
fn a_rotated_token_is_refused_by_three_gateways_two_hundred_times() {
    let installation = Installation::on_embedded_realms(PROGRAM);
    let (console, _control, first) = front(&installation);
    console.make_tenant("acme", "acme");
    let host = host_of(&first);
    let gateways = [first, installation.start("gateway"), installation.start("gateway")];
    let urls = gateways.each_ref().map(users_url);
    let current = Mutex::new(console.enable_inbound("acme"));
    let token = || current.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        // Also when an assertion fails; the scope waits for its threads.
        let _stop = Stop(&stop);
        for url in urls.iter().cycle().take(6) {
            let (stop, token, host) = (&stop, &token, &host);
            // Load on connections that live through the rotations; the answers race with them and are not judged.
            scope.spawn(move || {
                let client = testkit::http();
                while !stop.load(Ordering::Relaxed) {
                    drop(client.get(url).header("host", host).bearer_auth(token()).send());
                }
            });
        }
        let judges = urls.each_ref().map(|_| testkit::http());
        let status = |gateway: usize, token: &str| {
            let request = judges[gateway].get(&urls[gateway]).header("host", &host).bearer_auth(token);
            request.send().unwrap().status().as_u16()
        };
        for round in 0..200 {
            let old = token();
            let fresh = console.rotate("acme");
            for gateway in 0..urls.len() {
                assert_eq!(status(gateway, &old), 401, "round {round}, gateway {gateway}: the old token");
                assert_eq!(status(gateway, &fresh), 200, "round {round}, gateway {gateway}: the fresh token");
            }
            *current.lock().unwrap_or_else(PoisonError::into_inner) = fresh;
        }
        for round in 0..20 {
            let old = token();
            console.disable_inbound("acme");
            for gateway in 0..urls.len() {
                assert_eq!(status(gateway, &old), 401, "round {round}, gateway {gateway}: disabled");
            }
            let fresh = console.enable_inbound("acme");
            for gateway in 0..urls.len() {
                assert_eq!(status(gateway, &old), 401, "round {round}, gateway {gateway}: dead stays dead");
                assert_eq!(status(gateway, &fresh), 200, "round {round}, gateway {gateway}: enabled again");
            }
            *current.lock().unwrap_or_else(PoisonError::into_inner) = fresh;
        }
    });
}

struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn users_url(gateway: &Role) -> String {
    format!("{}/realms/acme/scim/v2/Users?count=1", gateway.url)
}
