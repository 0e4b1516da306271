//! The scenarios of the golden logs: together they have every kind of command and every outcome.

use serde_json::Value;
use tidegate_agentgate::command::{
    Billing, DropTemplate, DropWebhook, KeyUse, PutOrganization, RevokeKey, TemplateVersion,
};
use tidegate_agentgate::{AgentGate, Command, EventType, KeyId, KeyedHash, Level, Owner, RunErrorCode, Sealed};
use tidegate_kernel::command::{Attempt, ContentFingerprint, Decider, Envelope, IdempotencyKey, KeyHash};
use tidegate_kernel::{Position, Timestamp};

use crate::golden::Line;
use crate::rig::START_MS;
use crate::samples::{
    DAY, HOUR, KEY, MINUTE, ORG, SECOND, WORKER_KEY, cancel, change, credit, finish, lease, new_organization, order,
    progress, put_key, run_id, sealed, submit, suspend, template, template_id, verified, webhook, webhook_id,
};

struct Story {
    now_ms: i64,
    lines: Vec<Line>,
}

impl Story {
    fn write(&mut self, envelope: &Envelope<AgentGate>, replayed_from: Option<Position>) {
        let record: Value = serde_json::from_slice(&envelope.encode()).expect("a record is JSON");
        self.lines.push(Line { appended_at_ms: Timestamp::from_millis(self.now_ms), replayed_from, record });
    }

    fn envelope(&self, owner: Owner, command: Command) -> Envelope<AgentGate> {
        Envelope {
            rules: AgentGate::RULES,
            owner,
            attempt: Some(Attempt::from_bits(0xa000 + self.lines.len() as u128)),
            key: None,
            received_at: Timestamp::from_millis(self.now_ms - 3),
            command,
        }
    }

    fn send(&mut self, command: Command) -> &mut Self {
        let envelope = self.envelope(Owner::Org(ORG), command);
        self.write(&envelope, None);
        self
    }

    fn keyed(&mut self, command: Command, key: u128, content: u128) -> &mut Self {
        let key = Some(IdempotencyKey { hash: KeyHash(key), fingerprint: ContentFingerprint(content) });
        let envelope = Envelope { key, ..self.envelope(Owner::Org(ORG), command) };
        self.write(&envelope, None);
        self
    }

    fn tick(&mut self) -> &mut Self {
        let envelope = Envelope { attempt: None, ..self.envelope(Owner::Org(ORG), Command::Tick {}) };
        self.write(&envelope, None);
        self
    }

    fn pass(&mut self, millis: i64) -> &mut Self {
        self.now_ms += millis;
        self
    }
}

pub fn story() -> Vec<Line> {
    let mut story = Story { now_ms: START_MS, lines: Vec::new() };
    organization(&mut story);
    lists(&mut story);
    runs(&mut story);
    workers(&mut story);
    repeats(&mut story);
    ends(&mut story);
    story.lines
}

/// An organization with something of each kind is erased, and operators try to go on with it.
pub fn erasing() -> Vec<Line> {
    let mut story = Story { now_ms: START_MS, lines: Vec::new() };
    story.send(Command::Erase {});
    story.pass(1).send(new_organization(100, 500));
    story.send(put_key(KEY, KeyUse::Client)).send(put_key(WORKER_KEY, KeyUse::Worker));
    story.pass(1).send(webhook(1, 0, &EventType::ALL)).send(template(1, 0));
    let mut with_url = order(1, 4);
    with_url.webhook_url = true;
    story.pass(1).send(Command::Submit(Box::new(with_url))).send(submit(2, 3)).send(submit(3, 1));
    story.pass(1).send(lease(1)).send(progress(1, 1, 3)).send(lease(2)).send(progress(2, 1, 1));
    story.pass(SECOND).send(Command::Erase {}).pass(SECOND).send(Command::Erase {});
    story.send(submit(4, 1)).send(suspend(false)).send(credit(1, 5)).send(change(PutOrganization::default()));
    story.send(put_key(KeyId::from_bits(5), KeyUse::Client)).send(Command::KeyRevoke(RevokeKey { key: KEY }));
    story.pass(40 * DAY).tick();
    story.lines
}

fn organization(story: &mut Story) {
    let fleet_key = KeyId::from_bits(3);
    let fleet = story.envelope(Owner::Fleet, put_key(fleet_key, KeyUse::Fleet));
    story.write(&fleet, None);
    story.pass(1).send(new_organization(2_000, 500)).send(new_organization(1, 1));
    story.pass(1).send(put_key(KEY, KeyUse::Client)).send(put_key(WORKER_KEY, KeyUse::Worker));
    story.pass(1).send(put_key(KeyId::from_bits(4), KeyUse::Client));
    story.pass(1).send(Command::KeyRevoke(RevokeKey { key: KeyId::from_bits(4) }));
    story.pass(1).send(credit(1, 250));
    let limits = PutOrganization {
        concurrency: Some(3),
        requests_per_minute: Some(1_000),
        submissions_per_minute: Some(200),
        ..PutOrganization::default()
    };
    story.pass(1).send(change(limits));
    story.pass(1).send(change(PutOrganization { billing: Some(Billing::None), ..PutOrganization::default() }));
    story.pass(1).send(submit(1, 1));
    story.pass(1).send(change(PutOrganization { billing: Some(Billing::Ok), ..PutOrganization::default() }));
}

fn lists(story: &mut Story) {
    story.pass(SECOND).send(webhook(1, 0, &EventType::ALL)).send(webhook(2, 0, &[EventType::RunFailed]));
    story.pass(SECOND).send(webhook(1, 1, &[EventType::RunCreated, EventType::VerificationFailed])).send(webhook(
        1,
        1,
        &[],
    ));
    story.pass(SECOND).send(Command::WebhookDrop(DropWebhook { sent_with: KEY, webhook: webhook_id(2) }));
    story.pass(SECOND).send(template(1, 0)).send(template(2, 0)).send(template(1, 3)).send(template(1, 4));
    story.pass(SECOND).send(Command::TemplateDrop(DropTemplate { sent_with: KEY, template: template_id(2) }));
    story.pass(SECOND).send(webhook(3, 0, &EventType::ALL));
}

fn runs(story: &mut Story) {
    let mut order = order(1, 10);
    order.template = Some(TemplateVersion { id: template_id(1), version: 6 });
    order.tenant = Some(KeyedHash(0x11));
    order.tenant_user = Some(KeyedHash(0x22));
    order.webhook_url = true;
    order.tenant_context = Some(sealed("dGVuYW50"));
    story.pass(MINUTE).send(Command::Submit(Box::new(order.clone())));
    order.run = run_id(2);
    order.template = Some(TemplateVersion { id: template_id(1), version: 5 });
    story.pass(1).send(Command::Submit(Box::new(order)));
    story.pass(1).send(submit(2, 100)).send(submit(2, 20)).send(submit(3, 5)).send(submit(4, 1));
    story.pass(SECOND).send(cancel(3)).send(cancel(3));
}

fn workers(story: &mut Story) {
    story.pass(SECOND).send(lease(1)).pass(SECOND).send(lease(1)).send(lease(2)).send(lease(3));
    story.pass(20 * SECOND).send(progress(1, 1, 2)).send(progress(2, 2, 2));
    story.pass(SECOND).send(verified(1, 1, Level::L0, None)).send(verified(1, 1, Level::L0, Some(false)));
    story.pass(SECOND).send(verified(1, 1, Level::L1, Some(true)));
    // The second run's lease lapses; another worker gets it. The first run ends.
    story.pass(50 * SECOND).tick().send(progress(2, 1, 3));
    story.pass(SECOND).send(lease(3));
    let Command::Finish(mut finished) = finish(1, 1, 4, None) else { return };
    finished.result = Some(sealed("cmVzdWx0"));
    story.keyed(Command::Finish(finished.clone()), 0x100, 1).keyed(Command::Finish(finished), 0x100, 1);
    story.pass(SECOND).send(cancel(2));
}

fn repeats(story: &mut Story) {
    story.pass(HOUR).keyed(submit(5, 2), 0x200, 7).keyed(submit(6, 2), 0x200, 7).keyed(submit(7, 3), 0x200, 8);
    // A record once more, and one that a replay appended again.
    let again: Envelope<AgentGate> = {
        let last = story.lines.len() - 3;
        Envelope::decode(story.lines[last].record.to_string().as_bytes()).expect("a record")
    };
    story.write(&again, None);
    let from = Position { generation: 1, partition: 0, offset: 2 };
    let replayed: Envelope<AgentGate> =
        Envelope::decode(story.lines[2].record.to_string().as_bytes()).expect("a record");
    story.write(&replayed, Some(from));
    // It was on its way for too long.
    let late = Envelope {
        received_at: Timestamp::from_millis(story.now_ms - 61 * SECOND),
        ..story.envelope(Owner::Org(ORG), submit(8, 1))
    };
    story.write(&late, None);
    story.pass(1).send(suspend(true)).send(submit(9, 1)).send(lease(1)).send(suspend(false));
}

fn ends(story: &mut Story) {
    story.pass(SECOND).send(lease(4));
    story.pass(SECOND).send(finish(5, 1, 1, Some(RunErrorCode::VerificationFailed)));
    // No worker starts it for a day.
    story.pass(SECOND).send(submit(10, 4)).pass(DAY).tick();
    // Three leases lapse.
    story.pass(SECOND).send(submit(11, 4));
    for worker in 5..8 {
        story.send(lease(worker)).pass(MINUTE);
    }
    story.tick();
    // Its time is over, however often its worker reports.
    story.pass(SECOND).send(submit(12, 4)).send(lease(8));
    for iterations in 1..=3 {
        story.pass(50 * SECOND).send(progress(12, 1, iterations));
    }
    story.pass(30 * MINUTE).send(progress(12, 1, 4));
    // Three billing cycles later.
    story.pass(100 * DAY).send(submit(13, 40));
    let name = Some(Sealed::new("YW5vdGhlcg=="));
    story.send(change(PutOrganization { name, included_cents: Some(10), ..PutOrganization::default() }));
    story.send(change(PutOrganization {
        included_cents: Some(3_000),
        purchased_cents: Some(0),
        ..PutOrganization::default()
    }));
}
