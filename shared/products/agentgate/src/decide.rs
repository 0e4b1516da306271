//! What each command does to the book.

use tidegate_kernel::Timestamp;
use tidegate_kernel::command::{CommandSource, Decider, Follow, Rules};

mod erase;
mod leases;
mod lists;
mod operator;
mod runs;

use crate::advance;
use crate::answer::{Answer, Refusal};
use crate::book::Book;
use crate::command::{Command, Sender};
use crate::event::Event;
use crate::evolve::evolve;
use crate::follow::follow;
use crate::owner::Owner;

/// AgentGate's rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AgentGate;

/// What an accepted command does, and answers.
type Accepted = (Vec<Event>, Answer);

impl Decider for AgentGate {
    type Owner = Owner;
    type Book = Book;
    type Command = Command;
    type Event = Event;
    type Answer = Answer;
    type Refusal = Refusal;

    const API: &'static str = "agentgate";
    const RULES: Rules = Rules::FIRST;
    const KEY_WINDOW_MS: i64 = 24 * 60 * 60 * 1_000;

    fn source(command: &Command) -> CommandSource {
        command.source()
    }

    fn tick() -> Command {
        Command::Tick {}
    }

    fn advance(_rules: Rules, book: &Book, now: Timestamp) -> Vec<Event> {
        advance::advance(book, now)
    }

    fn decide(_rules: Rules, book: &Book, command: &Command, now: Timestamp) -> Result<Accepted, Refusal> {
        may_send(book, command)?;
        match command {
            Command::Submit(submit) => runs::submit(book, submit, now),
            Command::Cancel(cancel) => runs::cancel(book, cancel, now),
            Command::WebhookPut(put) => lists::put_webhook(book, put, now),
            Command::WebhookDrop(drop) => lists::drop_webhook(book, drop),
            Command::TemplatePut(put) => lists::put_template(book, put, now),
            Command::TemplateDrop(drop) => lists::drop_template(book, drop),
            Command::Lease(ask) => Ok(leases::lease(book, ask, now)),
            Command::Progress(report) => leases::progress(book, report, now),
            Command::Finish(finish) => leases::finish(book, finish, now),
            Command::OrgPut(put) => operator::put_organization(book, put, now),
            Command::KeyPut(put) => operator::put_key(book, put, now),
            Command::KeyRevoke(revoke) => operator::revoke_key(book, revoke, now),
            Command::Credit(credit) => operator::add_credit(book, credit, now),
            Command::Suspend(suspend) => operator::suspend(book, suspend),
            Command::Erase {} => erase::erase(book, now),
            Command::Tick {} => Ok((Vec::new(), Answer::Done {})),
        }
    }

    fn evolve(book: &mut Book, event: &Event) {
        evolve(book, event);
    }

    fn follow(owner: Owner, book: &Book, event: &Event, into: &mut Follow<Self>) {
        if let Owner::Org(org) = owner {
            follow(org, book, event, into);
        }
        crate::follow::keys(owner, event, into);
    }

    fn due(book: &Book) -> Option<Timestamp> {
        advance::next_due(book)
    }
}

/// Whether the sender's key is good, and its organization not suspended. What operators send is not held against either.
fn may_send(book: &Book, command: &Command) -> Result<(), Refusal> {
    let Some(sender) = command.sender() else { return Ok(()) };
    if book.org.is_none() {
        return Err(Refusal::UnknownOrganization {});
    }
    match sender {
        Sender::Key(key) if !book.keys.contains_key(&key) => Err(Refusal::KeyRevoked {}),
        _ if book.is_suspended() => Err(Refusal::Suspended {}),
        Sender::Key(_) | Sender::Fleet(_) => Ok(()),
    }
}
