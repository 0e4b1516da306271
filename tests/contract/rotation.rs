//! Rotation of ping tokens, under a moved clock.

use tidegate_tests::Plan;
use tidegate_tests::clock::{DAY_MS, SECOND_MS, now_ms};
use tidegate_tests::eventually;
use tidegate_tests::team::ping_path;
use tidegate_tests::wait::READABLE;

use crate::{team, team_apart};

/// AP-53: the old token works for 24 h less a second, and fails after 24 h; the new one works throughout.
#[tokio::test]
async fn the_old_token_lives_for_a_day() {
    let (target, team) = team_apart(Plan::UNLIMITED).await;
    let old = team.token("a").await;
    let ping = async |token: &str| team.bare("GET", &ping_path(token, &[("agent", "a")])).send().await;
    ping(&old.token).await.expect(200);
    let before = now_ms();
    let new = team.rotate(&old).await;
    let after = now_ms();
    assert_ne!(old.token, new.token);
    ping(&new.token).await.expect(200);
    ping(&old.token).await.expect(200);
    // A second before the end, by a clock that runs: the answer counts only if it came before the end.
    eventually(READABLE, "an answer within the last second", async || {
        target.at_rest().await;
        let offset = before + DAY_MS - SECOND_MS - now_ms();
        target.set_clock_at_once(offset).await;
        let (answer, came) = (ping(&old.token).await, now_ms() + offset);
        if came >= before + DAY_MS {
            return Err("the clock ran past the end".to_owned());
        }
        answer.expect(200);
        Ok(())
    })
    .await;
    target.set_clock(after + DAY_MS + 1 - now_ms()).await;
    let answer = ping(&old.token).await.expect(401);
    assert!(answer.text().starts_with("invalid_credential "), "{answer}");
    ping(&new.token).await.expect(200);
}

/// AP-48: a revoked token is refused within seconds.
#[tokio::test]
async fn a_revoked_token_is_refused() {
    let (target, team) = team().await;
    let token = team.token("a").await;
    let ping = async || team.bare("GET", &ping_path(&token.token, &[("agent", "a")])).send().await;
    ping().await.expect(200);
    target.manage(&["tokens", "revoke", &token.id]).await;
    eventually(READABLE, "the revoked token is refused", async || {
        let answer = ping().await;
        if answer.status == 401 { Ok(()) } else { Err(answer.to_string()) }
    })
    .await;
}

/// AP-53: an agent may have several tokens, each with its own life.
#[tokio::test]
async fn an_agent_has_several_tokens() {
    let (target, team) = team().await;
    let (one, two) = (team.token("a").await, team.token("a").await);
    let ping = async |token: &str| team.bare("GET", &ping_path(token, &[("agent", "a")])).send().await.status;
    assert_eq!((ping(&one.token).await, ping(&two.token).await), (200, 200));
    target.manage(&["tokens", "revoke", &one.id]).await;
    eventually(READABLE, "the revoked one is refused", async || match ping(&one.token).await {
        401 => Ok(()),
        status => Err(status.to_string()),
    })
    .await;
    assert_eq!(ping(&two.token).await, 200);
}
