//! Mail by an SMTP server.

use mailparse::MailHeaderMap;
use serde_json::json;
use tidegate_agentping::Slug;
use tidegate_agentping_alerts::AlertEvent;
use tidegate_agentping_pulse::Edge;
use tidegate_agentping_settings::{MailTarget, RouteId, SecretText};
use tidegate_kernel::Region;
use tidegate_pulse::sending::{AlertMailer, MailConfig, MailTls};

use crate::rig::{Rig, TEAM, eventually, message, notice};
use crate::smtp::{CA, Secured, SmtpServer};

async fn with_mail() -> (Rig, SmtpServer) {
    with_server(SmtpServer::start().await, MailTls::None, None).await
}

async fn with_server(server: SmtpServer, tls: MailTls, ca_pem: Option<Vec<u8>>) -> (Rig, SmtpServer) {
    let mut rig = Rig::new().await;
    let config = MailConfig {
        host: "127.0.0.1".to_owned(),
        port: server.port,
        tls,
        login: None,
        sender: "Tidegate <alerts@ping.example>".to_owned(),
        ca_pem,
    };
    rig.mailer = Some(AlertMailer::new(config).unwrap());
    (rig, server)
}

async fn mail_route(rig: &Rig, number: u128, confirmed: bool) {
    let confirmed_at = confirmed.then_some(1);
    rig.route(
        number,
        json!({"kind": "email", "to": "ops@example.com", "token": "t0ken", "confirmed_at_ms": confirmed_at}),
    )
    .await;
}

/// AC-64: nothing but the question goes to an address that has not confirmed.
#[tokio::test]
async fn ac_64_an_unconfirmed_address_gets_one_question() {
    let (rig, server) = with_mail().await;
    mail_route(&rig, 1, false).await;
    mail_route(&rig, 2, true).await;
    let _running = rig.start();
    let target = MailTarget { to: "ops@example.com".to_owned(), token: SecretText::new("t0ken"), confirmed_at: None };
    let route = RouteId::from_bits(Region::Eu, 1);
    rig.outbox.ask(TEAM, route, &target).await.unwrap();
    rig.outbox.ask(TEAM, route, &target).await.unwrap();
    eventually("the question", async || server.mails().len() == 1).await;
    rig.put(&[notice(1, 80)]).await;
    rig.states(1, &["firing failed"]).await;
    rig.put(&[notice(2, 80)]).await;
    rig.states(2, &["firing sent"]).await;
    let mails = server.mails();
    assert_eq!(mails.len(), 2);
    let asked = mailparse::parse_mail(mails[0].text.as_bytes()).unwrap();
    let text = asked.subparts[0].get_body().unwrap();
    assert!(text.contains("https://ping.example/confirm/t0ken"), "{text}");
    assert_eq!(rig.all(1).await.len(), 1, "the question is no alert");
}

/// AC-64: headers as they must be, and none from an agent's name.
#[tokio::test]
async fn ac_64_headers_come_from_no_data() {
    let (rig, server) = with_mail().await;
    mail_route(&rig, 1, true).await;
    let _running = rig.start();
    let hostile =
        Slug::parse("ü \"x\" <evil@example.com>, Bcc: evil@example.com \u{2028} =?utf-8?q?=0d=0aX-Evil:_1?=").unwrap();
    for (edge, minute) in [(Edge::Repeat, 0), (Edge::Resolved, 5)] {
        rig.put(&[AlertEvent { agent: Some(hostile.clone()), ..message(1, 1, edge, minute) }]).await;
    }
    rig.states(1, &["repeat sent", "resolved sent"]).await;
    let mails = server.mails();
    let mut threads = Vec::new();
    for mail in &mails {
        assert_eq!(mail.to, ["RCPT TO:<ops@example.com>"]);
        let parsed = mailparse::parse_mail(mail.text.as_bytes()).unwrap();
        let header = |name: &str| parsed.headers.get_all_values(name);
        for name in ["Bcc", "Cc", "X-Evil"] {
            assert_eq!(header(name), [""; 0]);
        }
        assert_eq!(header("To"), ["ops@example.com"]);
        assert_eq!(header("Auto-Submitted"), ["auto-generated"]);
        assert_eq!(header("List-Unsubscribe"), ["<https://ping.example/unsubscribe/t0ken>"]);
        assert_eq!(header("List-Unsubscribe-Post"), ["List-Unsubscribe=One-Click"]);
        assert_eq!((header("Subject").len(), header("From")[0].contains("alerts@ping.example")), (1, true));
        assert!(header("Subject")[0].contains("evil@example.com"), "a name is text in the subject");
        threads.extend(header("References"));
        assert_eq!(parsed.subparts.len(), 2);
    }
    assert_eq!((threads.len(), &threads[0]), (2, &threads[1]), "one thread for an incident");
    let ids: Vec<_> = mails
        .iter()
        .map(|mail| mailparse::parse_mail(mail.text.as_bytes()).unwrap().headers.get_first_value("Message-ID"))
        .collect();
    assert_ne!(ids[0], ids[1]);
}

/// TLS from the first byte and by `STARTTLS`, to a server whose authority the operator named. Without that, and to a server
/// that has no `STARTTLS`, nothing is sent, and the mail is tried again.
#[tokio::test]
async fn mails_go_by_tls_to_a_server_that_is_known() {
    for (secured, tls) in [(Secured::AfterStarttls, MailTls::Starttls), (Secured::FromTheStart, MailTls::Implicit)] {
        let (rig, server) = with_server(SmtpServer::secured(secured).await, tls, Some(CA.to_vec())).await;
        mail_route(&rig, 1, true).await;
        let _running = rig.start();
        rig.put(&[notice(1, 80)]).await;
        rig.states(1, &["firing sent"]).await;
        assert!(matches!(&server.mails()[..], [mail] if mail.is_secured), "{tls:?}");
    }
    for (secured, tls, ca) in [
        (Secured::AfterStarttls, MailTls::Starttls, None),
        (Secured::FromTheStart, MailTls::Implicit, None),
        (Secured::Not, MailTls::Starttls, Some(CA.to_vec())),
        (Secured::Not, MailTls::Implicit, Some(CA.to_vec())),
    ] {
        let (rig, server) = with_server(SmtpServer::secured(secured).await, tls, ca).await;
        mail_route(&rig, 1, true).await;
        let _running = rig.start();
        rig.put(&[notice(1, 80)]).await;
        rig.tries(1, 1).await;
        rig.states(1, &["firing waiting"]).await;
        let tried = rig.all(1).await[0].progress.tries[0].clone();
        assert!(tried.error.as_deref().is_some_and(|error| error.contains("SMTP server")), "{tried:?}");
        assert!(server.mails().is_empty(), "{secured:?} {tls:?}");
    }
}

/// A reply of 4xx is tried again by the table, one of 5xx is final; without a server mail is given up, with the reason.
#[tokio::test]
async fn replies_of_the_server_have_their_meaning() {
    let (rig, server) = with_mail().await;
    mail_route(&rig, 1, true).await;
    let running = rig.start();
    server.answer("451 later");
    rig.put(&[notice(1, 80)]).await;
    rig.tries(1, 1).await;
    rig.states(1, &["firing waiting"]).await;
    assert_eq!(rig.all(1).await[0].progress.tries[0].status, Some(451));
    server.answer("550 no such user: s3cret");
    rig.to_next_try(1).await;
    rig.states(1, &["firing failed"]).await;
    let tried = rig.all(1).await[0].progress.tries[1].clone();
    assert_eq!((tried.status, tried.error.as_deref()), (Some(550), Some("the SMTP server answered 550")));
    drop(running);
    let without = Rig::new().await;
    mail_route(&without, 1, true).await;
    let _running = without.start();
    without.put(&[notice(1, 80)]).await;
    without.states(1, &["firing failed"]).await;
    assert!(without.all(1).await[0].progress.tries[0].error.as_deref().unwrap().contains("SMTP"));
    assert!(server.mails().is_empty());
}

#[test]
fn a_sender_that_is_no_address_is_refused_at_start() {
    let config = MailConfig {
        host: "127.0.0.1".to_owned(),
        port: 25,
        tls: MailTls::Starttls,
        login: Some(("user".to_owned(), SecretText::new("pw"))),
        sender: "nobody".to_owned(),
        ca_pem: None,
    };
    assert!(!format!("{config:?}").contains("pw"));
    assert!(AlertMailer::new(config).unwrap_err().to_string().contains("'nobody'"));
}
