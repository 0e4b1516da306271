//! Every problem has its line in the table, and the page says the same.

use tidegate_admission::{Class, ShedCause, StartField};
use tidegate_agentping::{CredentialMistake, Slug};
use tidegate_kernel::{Region, Timestamp};

use super::*;

const PAGE: &str = include_str!("../../../../docs/status-codes.md");

fn slug(text: &str) -> Slug {
    Slug::parse(text).unwrap()
}

fn field(name: &str) -> String {
    name.to_owned()
}

/// The problem after this one. Walking from the first visits every variant: one added later must be given a place
/// here before this compiles.
fn next(problem: &Problem) -> Option<Problem> {
    use Problem as P;
    use Refusal as R;
    let retry_after_s = 1;
    Some(match problem {
        P::Refusal(refusal) => match refusal {
            R::CredentialMissing => R::CredentialMalformed { mistake: CredentialMistake::Form }.into(),
            R::CredentialMalformed { .. } => R::CredentialRegionUnknown { region: "fr".to_owned() }.into(),
            R::CredentialRegionUnknown { .. } => {
                R::RegionMismatch { credential: Region::Us, endpoint: Region::Eu }.into()
            }
            R::RegionMismatch { .. } => R::CredentialUnknown.into(),
            R::CredentialUnknown => R::CredentialUnavailable { retry_after_s }.into(),
            R::CredentialUnavailable { .. } => R::ScopeHeartbeatsOnly.into(),
            R::ScopeHeartbeatsOnly => {
                R::ScopeAgent { own: slug("daily-summary"), asked: slug("competitor-scan") }.into()
            }
            R::ScopeAgent { .. } => R::KeyReadsOnly.into(),
            R::KeyReadsOnly => R::Rate { sustained_per_s: 500, retry_after_s: 7 }.into(),
            R::Rate { .. } => {
                let resets_at = Timestamp::parse("2026-06-01T00:00:00Z").unwrap();
                R::Quota { resets_at, retry_after_s: 60 }.into()
            }
            R::Quota { .. } => R::AgentCap { cap: 10, slug: slug("one-more"), hints: Box::default() }.into(),
            R::AgentCap { .. } => R::StartConflict {
                run: "run_eu_018f3a2b9c1d7e8fa4b9c2d7e8f1a3b6".parse().unwrap(),
                stored_agent: slug("daily-summary"),
                stored_started_at: Timestamp::parse("2026-05-15T14:32:01.123Z").unwrap(),
                field: StartField::Agent { supplied: slug("competitor-scan") },
            }
            .into(),
            R::StartConflict { .. } => R::EventConflict { index: 3 }.into(),
            R::EventConflict { .. } => R::Shed { class: Class::Events, cause: ShedCause::Age, retry_after_s: 5 }.into(),
            R::Shed { .. } => R::Undecided { retry_after_s }.into(),
            R::Undecided { .. } => R::StoreUnavailable { retry_after_s }.into(),
            R::StoreUnavailable { .. } => R::LogUnavailable { retry_after_s }.into(),
            R::LogUnavailable { .. } => R::OutcomeUnknown { retry_after_s }.into(),
            R::OutcomeUnknown { .. } => R::RecordTooLarge { bytes: 2_000_000, cap: 1_048_576 }.into(),
            R::RecordTooLarge { .. } => Fault::whole_body("must be a JSON object").into(),
        },
        P::Fault(fault) => match fault {
            Fault::NotJson { .. } => Fault::Twice { field: field("agent") }.into(),
            Fault::Twice { .. } => Fault::UnknownMember { field: field("colour"), meant: None }.into(),
            Fault::UnknownMember { .. } => Fault::Missing { field: field("agent") }.into(),
            Fault::Missing { .. } => {
                Fault::Malformed { field: field("events[3].type"), reason: "must be a string".to_owned() }.into()
            }
            Fault::Malformed { .. } => Fault::IdPattern { field: field("id"), prefix: "run" }.into(),
            Fault::IdPattern { .. } => {
                Fault::IdRegion { field: field("id"), prefix: "run", endpoint: Region::Eu }.into()
            }
            Fault::IdRegion { .. } => Fault::IdRegionUnknown { field: field("id"), region: "fr".to_owned() }.into(),
            Fault::IdRegionUnknown { .. } => Fault::TooManyEvents { limit: 50 }.into(),
            Fault::TooManyEvents { .. } => P::NotFound { likely: None },
        },
        P::NotFound { .. } => P::MethodNotAllowed { allow: "POST", why: WrongMethod::Mistaken },
        P::MethodNotAllowed { .. } => P::BodyTooLarge { max_bytes: 1_048_576 },
        P::BodyTooLarge { .. } => P::BodyTimeout,
        P::BodyTimeout => P::BodyBroken,
        P::BodyBroken => P::Encoding { encoding: "br".to_owned() },
        P::Encoding { .. } => P::TooManyInFlight { retry_after_s },
        P::TooManyInFlight { .. } => P::TooManyBytes { retry_after_s },
        P::TooManyBytes { .. } => P::Panicked,
        P::Panicked => return None,
    })
}

fn all() -> Vec<Problem> {
    std::iter::successors(Some(Problem::Refusal(Refusal::CredentialMissing)), next).collect()
}

fn line(problem: &Problem) -> String {
    let entry = problem.entry();
    let retry = match (entry.retryable(), entry.retry_after_s) {
        (_, Some(_)) => "after `Retry-After`",
        (true, None) => "with backoff",
        (false, None) => "no",
    };
    let field = match entry.field {
        Some(field) => format!("`{field}`"),
        None => String::new(),
    };
    format!(
        "| `{}` | {} | {} | `{}` | {} | {} | {} | {} |",
        entry.cause.label(),
        entry.cause.outcome().label(),
        entry.status.as_u16(),
        entry.code,
        retry,
        field,
        entry.level.as_str().to_ascii_lowercase(),
        entry.message.replace('|', "\\|"),
    )
    .replace("|  |", "| |")
}

#[test]
fn the_page_says_what_the_code_does() {
    let in_code: Vec<String> = all().iter().map(line).collect();
    let on_page: Vec<&str> = PAGE.lines().filter(|line| line.starts_with("| `")).collect();
    assert_eq!(on_page.join("\n"), in_code.join("\n"), "the table should read:\n{}\n", in_code.join("\n"));
}

#[test]
fn every_cause_has_its_one_problem() {
    let causes: Vec<Cause> = all().iter().map(|problem| problem.entry().cause).collect();
    assert_eq!(causes, Cause::ALL);
}

#[test]
fn statuses_and_headers_go_together() {
    for problem in all() {
        let entry = problem.entry();
        let status = entry.status.as_u16();
        assert!(matches!(status, 400..=599), "{problem:?}");
        assert_eq!(entry.retry_after_s.is_some(), matches!(status, 429 | 503), "{problem:?}");
        assert_eq!(
            entry.level <= Level::WARN,
            status == 500 || entry.cause.outcome() != tidegate_door::RequestOutcome::Refused
        );
        assert!(entry.message.ends_with('.'), "{problem:?}");
        let envelope: serde_json::Value = serde_json::from_str(&entry.envelope()).unwrap();
        assert_eq!(envelope["error"], entry.code);
        assert_eq!(envelope.get("field").and_then(|field| field.as_str()), entry.field.as_deref());
        let member = |name: &str| envelope.get(name).and_then(|value| value.as_str());
        assert_eq!(member("cause"), entry.overload.map(|overload| overload.cause), "{problem:?}");
        assert_eq!(member("class"), entry.overload.and_then(|overload| overload.class), "{problem:?}");
    }
}

#[test]
fn a_shed_request_is_told_its_class_and_the_cause_in_words_and_for_machines() {
    let word = |class| match class {
        Class::Events => "events",
        Class::Start => "starts",
        Class::Finish => "finishes",
        Class::Heartbeat => "heartbeats",
    };
    for class in Class::ALL {
        for cause in ShedCause::ALL {
            let entry = Problem::Refusal(Refusal::Shed { class, cause, retry_after_s: 5 }).entry();
            assert!(entry.message.contains(word(class)), "{}", entry.message);
            assert!(entry.message.contains(&format!("(cause: {})", cause.label())), "{}", entry.message);
            assert!(PAGE.contains(&format!("`{}`", class.label())) && PAGE.contains(&format!("`{}`", cause.label())));
            let envelope: serde_json::Value = serde_json::from_str(&entry.envelope()).unwrap();
            assert_eq!((&envelope["class"], &envelope["cause"]), (&class.label().into(), &cause.label().into()));
            assert_eq!(entry.retry_after_s, Some(5));
        }
    }
}

#[test]
fn a_start_time_that_differs_is_named() {
    let started_at = Timestamp::parse("2026-05-15T14:32:01.123Z").unwrap();
    let problem = Problem::Refusal(Refusal::StartConflict {
        run: "run_eu_018f3a2b9c1d7e8fa4b9c2d7e8f1a3b6".parse().unwrap(),
        stored_agent: slug("daily-summary"),
        stored_started_at: started_at,
        field: StartField::StartedAt { supplied: started_at.plus_millis(1) },
    });
    let entry = problem.entry();
    assert_eq!(entry.field.as_deref(), Some("started_at"));
    assert!(entry.message.ends_with("Supplied started_at 2026-05-15T14:32:01.124Z does not match."));
}

#[test]
fn a_wait_of_no_time_is_a_second() {
    let entry = Problem::Refusal(Refusal::Rate { sustained_per_s: 100, retry_after_s: 0 }).entry();
    assert_eq!(entry.retry_after_s, Some(1));
    assert!(entry.message.ends_with("Retry in 1 seconds."));
}
