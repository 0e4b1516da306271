//! Sign-in, sessions and sign-out (the control side: decision 1, 9.6).

use reqwest::StatusCode;
use tidegate_agentping_ports::Registry;
use tidegate_ports::Clock;

use crate::house::*;

const HOUR_MS: i64 = 3_600_000;

/// Without a session every page leads to the form; with one `/` leads to the team's.
#[tokio::test]
async fn a_key_becomes_a_session() {
    let house = House::open().await;
    for path in ["/", "/teams/acme", "/teams/acme/runs", "/teams/acme/spend"] {
        let answer = house.get(None, path).await;
        assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, Some("/login")), "{path}");
    }
    house.get(None, "/login").await.has(&["<label for=\"key\">API key</label>", "method=\"post\" action=\"/login\""]);
    let answer = house.post(None, "/login", &format!("key=+{KEY_A}%0A")).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    let set = answer.header("set-cookie").unwrap();
    for part in ["; Path=/", "; Max-Age=43200", "; HttpOnly", "; SameSite=Strict"] {
        assert!(set.contains(part), "{set}");
    }
    assert!(!set.contains("apk_") && !set.contains("Secure"), "{set}");
    let cookie = answer.cookie();
    let home = house.get(Some(&cookie), "/").await;
    assert_eq!((home.status, home.location()), (StatusCode::SEE_OTHER, Some("/teams/acme")));
    house.get(Some(&cookie), "/teams/acme").await.has(&["acme"]);
    assert_eq!(house.get(Some(&cookie), "/login").await.location(), Some("/"), "there is nothing to sign in to");
}

/// Over HTTPS the cookie is for HTTPS only.
#[tokio::test]
async fn a_session_over_https_stays_there() {
    let set = |answer: Answer| answer.header("set-cookie").unwrap().to_owned();
    let house = House::open().await;
    let form = format!("key={KEY_A}");
    assert!(set(house.post_with(None, "/login", &form, &[("x-forwarded-proto", "https")]).await).contains("; Secure"));
    let house = House::with_secure_cookies().await;
    assert!(set(house.post(None, "/login", &form).await).contains("; Secure"));
}

/// Wrong keys are 401 on the form, which says why, and shows nothing of the key.
#[tokio::test]
async fn a_wrong_key_is_refused_on_the_form() {
    let house = House::open().await;
    let unknown = "apk_eu_000000000000000000000000000000ff";
    for (key, text) in [
        ("", "This is not an API key"),
        ("secret", "This is not an API key"),
        (unknown, "unknown, or was revoked"),
        ("apk_us_0000000000000000000000000000000a", "region &#39;us&#39;"),
        (TOKEN_A, "This is a ping token"),
    ] {
        let answer = house.post(None, "/login", &format!("key={key}")).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{key}");
        assert!(answer.text.contains(text) || answer.text.contains(&text.replace("&#39;", "'")), "{}", answer.text);
        assert!(answer.text.contains("name=\"key\"") && answer.header("set-cookie").is_none());
        assert!(key.is_empty() || !answer.text.contains(key), "the key is shown");
    }
}

/// AC-72: no cookie holds a secret, and none can be made up.
#[tokio::test]
async fn a_made_up_cookie_is_no_session() {
    let house = House::open().await;
    let good = house.sign_in(KEY_A).await;
    let changed = format!("{}{}", &good[..good.len() - 1], if good.ends_with('A') { 'E' } else { 'A' });
    for cookie in ["tidegate_session=", "tidegate_session=AAAA", &changed, "other=1"] {
        let answer = house.get(Some(cookie), "/teams/acme").await;
        assert_eq!(answer.location(), Some("/login"), "{cookie}");
    }
    let among = format!("a=b; {good}; c=d");
    house.get(Some(&among), "/teams/acme").await.ok();
}

#[tokio::test]
async fn a_session_ends_with_its_key() {
    let house = House::open().await;
    let cookie = house.sign_in(KEY_A).await;
    house.get(Some(&cookie), "/teams/acme").await.ok();
    house.registry.revoke_key(house.key_a, house.clock.now()).await.unwrap();
    house.clock.advance_ms(60_000);
    assert_eq!(house.get(Some(&cookie), "/teams/acme").await.location(), Some("/login"));
}

#[tokio::test]
async fn a_session_ends_after_twelve_hours() {
    let house = House::open().await;
    let cookie = house.sign_in(KEY_A).await;
    house.clock.advance_ms(12 * HOUR_MS - 1);
    house.get(Some(&cookie), "/teams/acme").await.ok();
    house.clock.advance_ms(1);
    assert_eq!(house.get(Some(&cookie), "/teams/acme").await.location(), Some("/login"));
}

/// A sign-out needs the page's own form, and ends the session even for whoever kept the cookie.
#[tokio::test]
async fn signing_out_ends_the_session() {
    let house = House::open().await;
    let cookie = house.sign_in(KEY_A).await;
    let csrf = house.get(Some(&cookie), "/teams/acme").await.csrf();
    for form in ["", "csrf=", "csrf=AAAA"] {
        assert_eq!(house.post(Some(&cookie), "/logout", form).await.status, StatusCode::FORBIDDEN, "{form}");
    }
    house.get(Some(&cookie), "/teams/acme").await.ok();
    let answer = house.post(Some(&cookie), "/logout", &format!("csrf={csrf}")).await;
    assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, Some("/login")));
    assert!(answer.header("set-cookie").unwrap().contains("Max-Age=0"));
    assert_eq!(house.get(Some(&cookie), "/teams/acme").await.location(), Some("/login"));
}

#[tokio::test]
async fn a_link_signs_in_once() {
    let house = House::open().await;
    let path = house.links.make(hash(KEY_A), &tidegate_ports::RandomIds);
    let answer = house.get(None, &path).await;
    assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, Some("/")));
    house.get(Some(&answer.cookie()), "/teams/acme").await.ok();
    let again = house.get(None, &path).await;
    assert_eq!(again.status, StatusCode::UNAUTHORIZED);
    assert!(again.text.contains("has been used") && again.header("set-cookie").is_none());
}
