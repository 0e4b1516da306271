//! The verdict finds what it is there to find.

use serde_json::json;

use super::*;
use crate::ids::fresh;

/// A run with its start, two events and its finish; a heartbeat; a heartbeat whose id was minted; and a start that
/// got no answer and was not stored. All else was acknowledged.
fn sound() -> (Vec<Value>, BTreeMap<Sent, bool>) {
    let (run, beat, lost) = (fresh("run", "eu"), fresh("run", "eu"), fresh("run", "eu"));
    let (one, two, note) = (fresh("evt", "eu"), fresh("evt", "eu"), "a-note".to_owned());
    let mut whole = start(&run);
    let finished = finish(&run);
    for member in ["status", "finished_at", "output"] {
        whole[member] = finished[member].clone();
    }
    whole["events"] = json!([event(&one), event(&two)]);
    let mut beaten = heartbeat(&beat);
    beaten["status"] = json!("success");
    let mut minted = minted(&note);
    minted["id"] = json!(fresh("run", "eu"));
    minted["status"] = json!("success");
    let mut book = BTreeMap::from([(Sent::Start { run: lost }, false)]);
    let acknowledged = [
        Sent::Start { run: run.clone() },
        Sent::Event { run: run.clone(), event: one },
        Sent::Event { run: run.clone(), event: two },
        Sent::Finish { run },
        Sent::Heartbeat { run: beat },
        Sent::Minted { note },
    ];
    book.extend(acknowledged.map(|sent| (sent, true)));
    (vec![whole, beaten, minted], book)
}

#[test]
fn what_is_sound_is_sound() {
    let (mut runs, mut book) = sound();
    assert_eq!(judge(&runs, &book), Ok(Sound { sent: 7, acknowledged: 6, stored: 6, runs: 3 }));
    // What got no answer may be stored or not.
    for known in book.values_mut() {
        *known = false;
    }
    assert!(judge(&runs, &book).is_ok());
    runs.clear();
    assert!(judge(&runs, &book).is_ok());
}

#[test]
fn what_waits_for_its_start_is_not_missed() {
    let (runs, mut book) = sound();
    assert_eq!(shown(&book), book);
    let run = fresh("run", "eu");
    book.insert(Sent::Start { run: run.clone() }, false);
    book.insert(Sent::Finish { run: run.clone() }, true);
    assert!(matches!(judge(&runs, &book), Err(Fault::Missing(_))));
    assert!(judge(&runs, &shown(&book)).is_ok());
    book.insert(Sent::Start { run }, true);
    assert!(matches!(judge(&runs, &shown(&book)), Err(Fault::Missing(missing)) if missing.len() == 2));
}

#[test]
fn a_lost_record_is_found() {
    let (runs, book) = sound();
    for at in 0..runs.len() {
        let mut fewer = runs.clone();
        let lost = fewer.remove(at);
        let Err(Fault::Missing(missing)) = judge(&fewer, &book) else { panic!("{lost} is not missed") };
        assert_eq!(missing.len(), [4, 1, 1][at], "{missing:?}");
    }
    let mut fewer = runs.clone();
    let event = fewer[0]["events"].as_array_mut().unwrap().remove(0);
    let lost = Sent::Event { run: text(&runs[0], "id"), event: text(&event, "external_id") };
    assert_eq!(judge(&fewer, &book), Err(Fault::Missing(vec![lost])));
    let mut open = runs.clone();
    open[0]["status"] = json!("running");
    assert_eq!(judge(&open, &book), Err(Fault::Missing(vec![Sent::Finish { run: text(&runs[0], "id") }])));
}

#[test]
fn a_doubled_record_is_found() {
    let (runs, book) = sound();
    for doubled in 0..runs.len() {
        let mut more = runs.clone();
        more.push(runs[doubled].clone());
        assert!(matches!(judge(&more, &book), Err(Fault::Twice(_))), "{}", runs[doubled]);
    }
    let mut more = runs.clone();
    let event = runs[0]["events"][1].clone();
    let twice = text(&event, "external_id");
    more[0]["events"].as_array_mut().unwrap().push(event);
    assert_eq!(judge(&more, &book), Err(Fault::Twice(twice)));
    // One note under two minted ids: the client's repeat was stored as a second run.
    let mut more = runs.clone();
    let mut again = runs[2].clone();
    again["id"] = json!(fresh("run", "eu"));
    more.push(again);
    assert_eq!(judge(&more, &book), Err(Fault::Twice("a-note".to_owned())));
}

#[test]
fn a_foreign_record_is_found() {
    let (runs, book) = sound();
    let stranger = fresh("run", "eu");
    let mut more = runs.clone();
    more.push(start(&stranger));
    more[3]["status"] = json!("running");
    assert_eq!(judge(&more, &book), Err(Fault::Foreign(Sent::Start { run: stranger })));
    let mut more = runs.clone();
    let foreign = event(&fresh("evt", "eu"));
    more[0]["events"].as_array_mut().unwrap().push(foreign);
    assert!(matches!(judge(&more, &book), Err(Fault::Foreign(Sent::Event { .. }))));
    // Under another run than it was sent to.
    let mut moved = runs.clone();
    let event = moved[0]["events"].as_array_mut().unwrap().remove(0);
    moved[1]["events"] = json!([event]);
    assert!(matches!(judge(&moved, &book), Err(Fault::Foreign(Sent::Event { .. }))));
}

#[test]
fn another_content_is_found() {
    let (runs, book) = sound();
    for (run, path) in [
        (0, "/agent"),
        (0, "/started_at"),
        (0, "/metadata/digest"),
        (0, "/status"),
        (0, "/finished_at"),
        (0, "/output/finish"),
        (0, "/events/0/ts"),
        (0, "/events/1/data/digest"),
        (0, "/events/1/type"),
        (1, "/agent"),
        (1, "/status"),
        (1, "/metadata/digest"),
        (2, "/agent"),
        (2, "/status"),
    ] {
        let mut altered = runs.clone();
        *altered[run].pointer_mut(path).unwrap() = json!("other");
        assert!(matches!(judge(&altered, &book), Err(Fault::Altered(_))), "{path} of {}", runs[run]);
    }
}
