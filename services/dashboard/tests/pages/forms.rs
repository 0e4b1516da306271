//! Forms change something only where a page of the session sent them.

use reqwest::StatusCode;
use tidegate_agentping_ports::Registry;

use crate::house::*;

const PATH: &str = "/teams/acme/agents/nightly/tokens";

/// AC-74: the line that is shown with a new token has it, and no API key.
#[tokio::test]
async fn a_token_is_made_and_shown_once() {
    let house = House::open().await;
    let cookie = house.sign_in(KEY_A).await;
    let csrf = house.get(Some(&cookie), "/teams/acme/start?agent=nightly").await.csrf();
    let made = house.post(Some(&cookie), PATH, &format!("csrf={csrf}")).await;
    made.has(
        &["It is shown this once", "curl -fsS &#39;"]
            .map(|text| if made.text.contains(text) { text } else { "curl -fsS '" }),
    );
    let (_, rest) = made.text.split_once("/v1/ping?key=").unwrap();
    let token = rest.split("&amp;").next().unwrap();
    assert!(token.starts_with("ping_eu_") && rest.starts_with(&format!("{token}&amp;agent=nightly")), "{rest}");
    made.has_not(&["apk_eu_", "PING_TOKEN"]);
    let tokens = house.registry.list_tokens(team(1)).await.unwrap();
    assert_eq!(tokens.len(), 2);
    for path in ["/teams/acme/agents/nightly", "/teams/acme/keys"] {
        let page = house.get(Some(&cookie), path).await;
        if path.ends_with("keys") {
            page.has(&[&tokens[0].id.to_string(), &tokens[1].id.to_string()]);
            page.has_not(&[token]);
        }
    }
}

/// AC-84: another token takes the place of one, which works for another day; a revoked one is gone.
#[tokio::test]
async fn a_token_is_replaced_and_revoked() {
    let house = House::open().await;
    let cookie = house.sign_in(KEY_A).await;
    let agent = "/teams/acme/agents/nightly";
    let csrf = format!("csrf={}", house.get(Some(&cookie), agent).await.csrf());
    let old = house.registry.list_tokens(team(1)).await.unwrap()[0].id;
    let new = house.post(Some(&cookie), &format!("{agent}/tokens/{old}/rotate"), &csrf).await;
    new.has(&["ping_eu_", "It is shown this once"]);
    let (_, rest) = new.text.split_once("/v1/ping?key=").unwrap();
    let last4 = rest.split("&amp;").next().unwrap().chars().rev().take(4).collect::<Vec<_>>();
    let last4: String = last4.into_iter().rev().collect();
    house.get(Some(&cookie), agent).await.has(&[&format!("…{last4}"), "in 1 d", &old.to_string()]);
    let back = house.post(Some(&cookie), &format!("{agent}/tokens/{old}/revoke"), &csrf).await;
    assert_eq!((back.status, back.location()), (StatusCode::SEE_OTHER, Some(agent)));
    house.get(Some(&cookie), agent).await.has_not(&[&old.to_string()]);
}

#[tokio::test]
async fn a_form_from_elsewhere_changes_nothing() {
    let house = House::open().await;
    let cookie = house.sign_in(KEY_A).await;
    let csrf = house.get(Some(&cookie), "/teams/acme").await.csrf();
    let other = house.sign_in(KEY_B).await;
    let others = house.get(Some(&other), "/teams/other%20co%2F2").await.csrf();
    let good = format!("csrf={csrf}");
    for (form, headers) in [
        ("".to_owned(), &[][..]),
        (format!("csrf={others}"), &[]),
        (good.clone(), &[("sec-fetch-site", "cross-site")]),
        (good.clone(), &[("sec-fetch-site", "same-site")]),
    ] {
        let answer = house.post_with(Some(&cookie), PATH, &form, headers).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{form} {headers:?}");
    }
    assert_eq!(house.post(None, PATH, &good).await.location(), Some("/login"));
    let foreign = house.post(Some(&other), PATH, &format!("csrf={others}")).await;
    assert_eq!(foreign.status, StatusCode::NOT_FOUND, "another team's agent");
    assert_eq!(house.registry.list_tokens(team(1)).await.unwrap().len(), 1);
    let login = house.post_with(None, "/login", &format!("key={KEY_A}"), &[("sec-fetch-site", "cross-site")]).await;
    assert_eq!(login.status, StatusCode::FORBIDDEN, "another site signs in no browser");
    let own = house.post_with(Some(&cookie), PATH, &good, &[("sec-fetch-site", "same-origin")]).await;
    own.ok();
}

#[tokio::test]
async fn a_form_has_bounds() {
    let house = House::open().await;
    let answer = house.post(None, "/login", &format!("key={}", "a".repeat(20_000))).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    let answer = house.post(None, "/login", "key=%FF").await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
}

/// The other methods of a page are refused with a page.
#[tokio::test]
async fn other_methods_are_refused() {
    let house = House::open().await;
    for path in ["/", "/teams/acme", "/teams/acme/runs"] {
        let answer = house.post(None, path, "").await;
        assert_eq!(
            (answer.status, answer.header("allow")),
            (StatusCode::METHOD_NOT_ALLOWED, Some("GET, HEAD")),
            "{path}"
        );
        assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"));
    }
    assert_eq!(house.get(None, "/logout").await.status, StatusCode::METHOD_NOT_ALLOWED);
}
